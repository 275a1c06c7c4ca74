using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Replicas;

/// <summary>A primary and its streaming standby, of the binaries of the application's own server.</summary>
internal sealed class ReplicatedPostgres : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = RunningApplication.DataDirectory();
    private readonly string _password = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private readonly string _bin;

    private ReplicatedPostgres(string bin)
    {
        _bin = bin;
        Primary = new(this, "primary");
        Standby = new(this, "standby");
    }

    public Server Primary { get; }

    public Server Standby { get; }

    /// <summary>The setting that makes an instance of the API use both.</summary>
    public string Setting => "--ConnectionStrings:mnemolite=" + new NpgsqlConnectionStringBuilder
    {
        Host = $"127.0.0.1:{Primary.Port},127.0.0.1:{Standby.Port}",
        Username = "postgres",
        Password = _password,
        Database = "mnemolite",
    };

    public static async Task<ReplicatedPostgres> StartAsync(RunningApplication app, CancellationToken cancellationToken)
    {
        var replicated = new ReplicatedPostgres(await FindBinariesAsync(app, cancellationToken));
        try
        {
            await replicated.StartAsync(cancellationToken);
            return replicated;
        }
        catch
        {
            await replicated.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Standby.StopAsync();
        await Primary.StopAsync();
        _folder.Delete(recursive: true);
    }

    private static async Task<string> FindBinariesAsync(RunningApplication app, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(app.ConnectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand("SELECT setting FROM pg_config() WHERE name = 'BINDIR'", connection);
        var bin = (string)(await command.ExecuteScalarAsync(cancellationToken))!;
        Assert.SkipUnless(File.Exists(Path.Combine(bin, "pg_basebackup")), "The application's PostgreSQL runs in a container: its binaries are not here.");
        return bin;
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        if (Environment.IsPrivilegedProcess)
            await Process.Start("chown", ["postgres", _folder.FullName]).WaitForExitAsync(cancellationToken);
        await RunAsync(
            """umask 077; echo "$PGPASSWORD" > "$0.pw" && "$1" -D "$0" -U postgres --pwfile="$0.pw" --auth=scram-sha-256 --locale=C.UTF-8 -E UTF8""",
            [Primary.Folder, Path.Combine(_bin, "initdb")], cancellationToken);
        await Primary.StartAsync(cancellationToken);
        await Primary.ExecuteAsync("CREATE EXTENSION pg_stat_statements", cancellationToken);
        await Primary.ExecuteAsync("CREATE DATABASE mnemolite", cancellationToken);
        await RunAsync("""exec "$1" -D "$0" -R -X stream -c fast -h 127.0.0.1 -p "$2" -U postgres""",
            [Standby.Folder, Path.Combine(_bin, "pg_basebackup"), Primary.Port.ToString(CultureInfo.InvariantCulture)], cancellationToken);
        await Standby.StartAsync(cancellationToken);
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

    private Process Start(string script, string[] arguments)
    {
        string[] user = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--init-groups"] : [];
        return Process.Start(new ProcessStartInfo("setsid", [.. user, "sh", "-c", script, .. arguments])
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["PGPASSWORD"] = _password, ["LC_ALL"] = "C.UTF-8" },
        })!;
    }

    internal sealed class Server(ReplicatedPostgres pair, string name)
    {
        private Process? _process;

        public int Port { get; } = FreePort();

        public string Folder => Path.Combine(pair._folder.FullName, name);

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            // The shell ends the server when its input ends: with this process at the latest.
            _process = pair.Start(
                "\"$@\" & cat > /dev/null; kill -INT $!; wait",
                [
                    "sh", Path.Combine(pair._bin, "postgres"), "-D", Folder, "-p", Port.ToString(CultureInfo.InvariantCulture),
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "shared_buffers=32MB", "-c", "jit=off",
                    "-c", "shared_preload_libraries=pg_stat_statements",
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
            var id = (await File.ReadAllLinesAsync(Path.Combine(Folder, "postmaster.pid"), cancellationToken))[0];
            using var server = Process.GetProcessById(int.Parse(id, CultureInfo.InvariantCulture));
            var backends = (await File.ReadAllTextAsync($"/proc/{id}/task/{id}/children", cancellationToken))
                .Split(' ', StringSplitOptions.RemoveEmptyEntries);
            server.Kill();
            await Eventually.UntilAsync(() => Task.FromResult(!backends.Any(backend => Directory.Exists($"/proc/{backend}"))));
        }

        /// <summary>Runs a statement in the database <c>postgres</c>; the first value.</summary>
        public async Task<object?> ExecuteAsync(string sql, CancellationToken cancellationToken)
        {
            await using var connection = new NpgsqlConnection(
                $"Host=127.0.0.1;Port={Port};Username=postgres;Password={pair._password};Database=postgres;Pooling=false");
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand(sql, connection);
            return await command.ExecuteScalarAsync(cancellationToken);
        }

        private static int FreePort()
        {
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start();
            return ((IPEndPoint)listener.LocalEndpoint).Port;
        }
    }
}
