using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Npgsql;

namespace MnemoLite.Cli.Backups;

/// <summary>A PostgreSQL of our own on a new cluster, for as long as something is restored into it.</summary>
internal sealed class TemporaryServer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1), Pause = TimeSpan.FromMilliseconds(50);
    private readonly Process _process;
    private readonly int _port;

    private TemporaryServer(Process process, int port, string bin, string password) => (_process, _port, Bin, Password) = (process, port, bin, password);

    public string Bin { get; }

    public string Password { get; }

    public string ConnectionString => $"Host=localhost;Port={_port};Username=postgres;Password={Password};Pooling=false;Database=";

    public static async Task<TemporaryServer> InitializeAsync(string bin, string cluster, CancellationToken cancellationToken)
    {
        var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        Directory.CreateDirectory(cluster);
        if (Environment.IsPrivilegedProcess)
        {
            LetPostgresPass(Path.GetDirectoryName(cluster)!);
            await Tool.RunAsync("chown", ["postgres:postgres", cluster], null, asPostgres: false, cancellationToken);
        }
        const string Script = """printf %s "$PGPASSWORD" | "$1" -D "$2" -U postgres --pwfile=/dev/stdin --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8""";
        await Tool.RunAsync("sh", ["-c", Script, "sh", Path.Combine(bin, "initdb"), cluster], password, asPostgres: true, cancellationToken);

        var port = FreePort();
        string[] arguments =
        [
            "-D", cluster, "-p", port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=localhost", "-c", "unix_socket_directories=",
            "-c", "maintenance_work_mem=256MB", "-c", "max_wal_size=4GB", "-c", "max_parallel_maintenance_workers=0",
        ];
        var process = await Tool.StartServerAsync(Path.Combine(bin, "postgres"), arguments);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        var server = new TemporaryServer(process, port, bin, password);
        try
        {
            await server.WaitUntilItAnswersAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops it in good order.</summary>
    public async Task StopAsync()
    {
        if (_process.HasExited)
            return;
        using var kill = Process.Start("kill", ["-INT", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await _process.WaitForExitAsync().WaitAsync(Patience);
    }

    /// <summary>Stops it; the process object is left to the thread that waits for its end.</summary>
    public async ValueTask DisposeAsync() => await StopAsync();

    private async Task WaitUntilItAnswersAsync(CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection($"{ConnectionString}postgres");
                await connection.OpenAsync(cancellationToken);
                return;
            }
            catch (NpgsqlException) when (!_process.HasExited && Stopwatch.GetElapsedTime(start) < Patience)
            {
                await Task.Delay(Pause, cancellationToken);
            }
        }
    }

    private static void LetPostgresPass(string folder)
    {
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, File.GetUnixFileMode(folder) | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
