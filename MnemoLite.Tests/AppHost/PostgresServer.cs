using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Aspire.Hosting.Local;
using Npgsql;

namespace MnemoLite.Tests.AppHost;

/// <summary>A PostgreSQL server of one test, of the binaries of the application's own; it can be killed and started again.</summary>
internal sealed class PostgresServer(string bin, string folder, string password) : IAsyncDisposable
{
    private static readonly string[] AsPostgres =
        Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"] : [];

    private Process? _process;

    public int Port { get; } = FreePort.Take();

    public string Folder => folder;

    /// <summary>The setting that makes an instance of the API use its database <c>mnemolite</c>.</summary>
    public string Setting => SettingBy(Port);

    /// <summary>A server with a cluster of its own in that folder, started, with an empty database <c>mnemolite</c>.</summary>
    public static async Task<PostgresServer> CreateAsync(RunningApplication app, string folder, CancellationToken cancellationToken, params string[] arguments)
    {
        var server = new PostgresServer(await FindBinariesAsync(app, cancellationToken), folder, RandomNumberGenerator.GetHexString(32, lowercase: true));
        try
        {
            await server.InitializeAsync(cancellationToken);
            await server.StartAsync(cancellationToken, arguments);
            await server.ExecuteAsync("CREATE DATABASE mnemolite", cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public static async Task<string> FindBinariesAsync(RunningApplication app, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(app.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT setting FROM pg_config() WHERE name = 'BINDIR'", connection);
        var bin = (string)(await command.ExecuteScalarAsync(cancellationToken))!;
        Assert.SkipUnless(File.Exists(Path.Combine(bin, "pg_basebackup")), "The application's PostgreSQL runs in a container: its binaries are not here.");
        return bin;
    }

    /// <summary>The setting that makes an instance of the API use its database <c>mnemolite</c> by that port, which leads there.</summary>
    public string SettingBy(int port) =>
        $"--ConnectionStrings:mnemolite=Host=127.0.0.1;Port={port.ToString(CultureInfo.InvariantCulture)};Username=postgres;Password={password};Database=mnemolite";

    /// <summary>Makes its cluster.</summary>
    public async Task InitializeAsync(CancellationToken cancellationToken)
    {
        var parent = Path.GetDirectoryName(folder)!;
        if (Environment.IsPrivilegedProcess)
            await Process.Start("chown", ["postgres", parent]).WaitForExitAsync(cancellationToken);
        await RunAsync(
            """umask 077; echo "$PGPASSWORD" > "$0.pw" && "$1" -D "$0" -U postgres --pwfile="$0.pw" --auth=scram-sha-256 --locale=C.UTF-8 -E UTF8""",
            [folder, Path.Combine(bin, "initdb")], cancellationToken);
    }

    /// <summary>Makes its cluster a copy of another server's, which it follows.</summary>
    public Task CopyAsync(PostgresServer primary, CancellationToken cancellationToken) => RunAsync(
        """exec "$1" -D "$0" -R -X stream -c fast -h 127.0.0.1 -p "$2" -U postgres""",
        [folder, Path.Combine(bin, "pg_basebackup"), primary.Port.ToString(CultureInfo.InvariantCulture)], cancellationToken);

    /// <summary>Starts it and waits until it answers.</summary>
    public async Task StartAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        // The shell ends the server when its input ends: with this process at the latest.
        _process = Start(
            "\"$@\" & cat > /dev/null; kill -INT $!; wait",
            [
                "sh", Path.Combine(bin, "postgres"), "-D", folder, "-p", Port.ToString(CultureInfo.InvariantCulture),
                "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=32MB", "-c", "jit=off", .. arguments,
            ]);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.UntilAsync(async () =>
        {
            try
            {
                await ExecuteAsync("SELECT 1", cancellationToken);
                return true;
            }
            catch (NpgsqlException)
            {
                return false;
            }
        });
    }

    /// <summary>Ends it in good order.</summary>
    public async Task StopAsync()
    {
        if (_process is null)
            return;
        _process.StandardInput.Close();
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        _process = null;
    }

    /// <summary>Ends it by SIGKILL, and waits for its backends, which end by themselves then.</summary>
    public async Task KillAsync(CancellationToken cancellationToken)
    {
        var id = await FindPostmasterAsync(cancellationToken);
        using var server = Process.GetProcessById(id);
        var backends = await FindBackendsAsync(id, cancellationToken);
        server.Kill();
        await Eventually.UntilAsync(() => Task.FromResult(!backends.Any(backend => Directory.Exists($"/proc/{backend}"))));
    }

    /// <summary>Ends one of the backends that serve the API by SIGKILL: the server ends all others then, and recovers.</summary>
    public async Task KillBackendAsync(Random random, CancellationToken cancellationToken)
    {
        var serving = (await FindBackendsAsync(await FindPostmasterAsync(cancellationToken), cancellationToken))
            .FindAll(backend => CommandLine(backend).Contains("postgres mnemolite", StringComparison.Ordinal));
        using var backend = Process.GetProcessById(serving[random.Next(serving.Count)]);
        backend.Kill();
    }

    /// <summary>Runs a statement in the database <c>postgres</c>; the first value.</summary>
    public async Task<object?> ExecuteAsync(string sql, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(
            $"Host=127.0.0.1;Port={Port};Username=postgres;Password={password};Database=postgres;Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task<int> FindPostmasterAsync(CancellationToken cancellationToken) => int.Parse(
        (await File.ReadAllLinesAsync(Path.Combine(folder, "postmaster.pid"), cancellationToken))[0], CultureInfo.InvariantCulture);

    private static async Task<List<int>> FindBackendsAsync(int postmaster, CancellationToken cancellationToken) =>
    [
        .. (await File.ReadAllTextAsync($"/proc/{postmaster}/task/{postmaster}/children", cancellationToken))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(id => int.Parse(id, CultureInfo.InvariantCulture)),
    ];

    private static string CommandLine(int process)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/cmdline");
        }
        catch (IOException)
        {
            return ""; // gone
        }
    }

    /// <summary>Runs a script to its end, as a user that PostgreSQL takes.</summary>
    private async Task RunAsync(string script, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Start(script, arguments);
        process.StandardInput.Close();
        var output = process.StandardError.ReadToEndAsync(cancellationToken);
        await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        Assert.True(process.ExitCode == 0, await output);
    }

    private Process Start(string script, string[] arguments) => Process.Start(new ProcessStartInfo("setsid", [.. AsPostgres, "sh", "-c", script, .. arguments])
    {
        WorkingDirectory = "/",
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
        Environment = { ["PGPASSWORD"] = password, ["LC_ALL"] = "C.UTF-8" },
    })!;
}
