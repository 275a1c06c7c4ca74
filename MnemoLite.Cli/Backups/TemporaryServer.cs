using System.Collections.Concurrent;
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
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly Process _process;
    private readonly string _address;
    private readonly DirectoryInfo? _privateFolder;

    private TemporaryServer(Process process, string address, string bin, string password, DirectoryInfo? privateFolder = null) =>
        (_process, _address, Bin, Password, _privateFolder) = (process, address, bin, password, privateFolder);

    public string Bin { get; }

    /// <summary>Of the cluster's superuser.</summary>
    public string Password { get; }

    /// <summary>How to reach it; the name of the database is to follow.</summary>
    public string ConnectionString => $"{_address};Username=postgres;Password={Password};Pooling=false;Database=";

    /// <summary>Makes a cluster that is empty.</summary>
    public static async Task<TemporaryServer> InitializeAsync(string bin, string cluster, CancellationToken cancellationToken)
    {
        var password = NewPassword();
        Directory.CreateDirectory(cluster);
        await GiveToPostgresAsync(cluster, cancellationToken);
        const string Script = """printf %s "$PGPASSWORD" | "$1" -D "$2" -U postgres --pwfile=/dev/stdin --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8""";
        await Tool.RunAsync("sh", ["-c", Script, "sh", Path.Combine(bin, "initdb"), cluster], password, asPostgres: true, cancellationToken);

        var port = FreePort().ToString(CultureInfo.InvariantCulture);
        var process = await StartAsync(
            [
                Path.Combine(bin, "postgres"), "-D", cluster, "-p", port, "-c", "listen_addresses=localhost", "-c", "unix_socket_directories=",
                "-c", "maintenance_work_mem=256MB", "-c", "max_wal_size=4GB", "-c", "max_parallel_maintenance_workers=0",
            ],
            _ => { }, cancellationToken);
        return new(process, $"Host=localhost;Port={port}", bin, password);
    }

    /// <summary>Brings a cluster that is a base backup to what it was at that time, or to the end of the WAL, and gives it a new password.</summary>
    /// <param name="bin">The programs of the cluster's version.</param>
    /// <param name="cluster">The base backup.</param>
    /// <param name="wal">The folder of the archived WAL.</param>
    /// <param name="at">The time; the end where it is null.</param>
    /// <param name="said">Hears what the server says.</param>
    /// <param name="cancellationToken">Stops it.</param>
    /// <exception cref="CommandException">The WAL does not reach that time, or is damaged.</exception>
    public static async Task<TemporaryServer> RecoverAsync(
        string bin, string cluster, string wal, DateTimeOffset? at, Action<string> said, CancellationToken cancellationToken)
    {
        // Nobody knows the cluster's password any more, so for now it asks for none; it can be reached only through a folder that is ours.
        var folder = Directory.CreateTempSubdirectory("mnemolite-");
        TemporaryServer? server = null;
        try
        {
            var access = Path.Combine(folder.FullName, "pg_hba.conf");
            await File.WriteAllTextAsync(access, "local all postgres trust\n", cancellationToken);
            await File.WriteAllTextAsync(Path.Combine(cluster, "recovery.signal"), "", cancellationToken);
            await GiveToPostgresAsync(folder.FullName, cancellationToken);
            await GiveToPostgresAsync(cluster, cancellationToken);
            // Other than for a file that is not there, PostgreSQL has to give up for one that cannot be read: a code above 125 tells it.
            const string Fetch = """f="$WAL_ARCHIVE/%f.gz"; [ -e "$f" ] || exit 1; gzip -dc "$f" >"%p" || exit 200""";
            string[] until = at is { } time
                ? ["-c", $"recovery_target_time={time.UtcDateTime:yyyy-MM-dd HH:mm:ss.ffffff}+00", "-c", "recovery_target_action=promote"]
                : [];
            var process = await StartAsync(
                [
                    "env", $"WAL_ARCHIVE={wal}", Path.Combine(bin, "postgres"), "-D", cluster, "-c", "listen_addresses=",
                    "-c", $"unix_socket_directories={folder.FullName}", "-c", $"hba_file={access}", "-c", "port=5432", "-c", "hot_standby=off",
                    "-c", "lc_messages=C", "-c", "timezone=UTC", "-c", "logging_collector=off", "-c", "max_wal_size=4GB",
                    "-c", $"restore_command={Fetch}", .. until, "-c", "archive_mode=on", "-c", "archive_command=", // later, by who goes on with it
                ],
                said, cancellationToken);
            server = new TemporaryServer(process, $"Host={folder.FullName};Port=5432", bin, NewPassword(), folder);
            await using var connection = new NpgsqlConnection($"{server.ConnectionString}postgres");
            await connection.OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand($"ALTER ROLE postgres PASSWORD '{server.Password}'", connection);
            await command.ExecuteNonQueryAsync(cancellationToken);
            return server;
        }
        catch
        {
            if (server is not null)
                await server.StopAsync();
            folder.Delete(recursive: true);
            throw;
        }
    }

    /// <summary>Stops it in good order.</summary>
    public Task StopAsync() => StopAsync(_process);

    /// <summary>Stops it; the process object is left to the thread that waits for its end.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_privateFolder?.Exists == true)
            _privateFolder.Delete(recursive: true);
    }

    private static async Task StopAsync(Process process)
    {
        if (process.HasExited)
            return;
        using var kill = Process.Start("kill", ["-INT", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await process.WaitForExitAsync().WaitAsync(Patience);
    }

    /// <summary>Starts the server; returns when it takes connections.</summary>
    private static async Task<Process> StartAsync(string[] command, Action<string> said, CancellationToken cancellationToken)
    {
        var lines = new ConcurrentQueue<string>();
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var process = await Tool.StartServerAsync(command[0], command[1..]);
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, line) => Hear(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        try
        {
            await Task.WhenAny(ready.Task, process.WaitForExitAsync(cancellationToken)).WaitAsync(cancellationToken);
            return ready.Task.IsCompleted ? process : throw new CommandException(Explain([.. lines]));
        }
        catch
        {
            await StopAsync(process);
            throw;
        }

        void Hear(string line)
        {
            said(line);
            if (line.EndsWith("database system is ready to accept connections", StringComparison.Ordinal))
                ready.TrySetResult();
            if (!ready.Task.IsCompleted)
                lines.Enqueue(line);
        }
    }

    /// <summary>Why a server ended before it was ready, from its log.</summary>
    private static string Explain(string[] lines)
    {
        if (After("FATAL:  ") is "recovery ended before configured recovery target was reached")
        {
            var last = After("last completed transaction was at log time ") is { } time ? $"of {time[..19]} UTC" : "in the base backup";
            return $"The archive ends before that time: its last change is {last}. What a running database wrote comes there within a minute; "
                + "without --at everything that is there is restored.";
        }
        var damage = Array.FindLast(lines, line => line.StartsWith("gzip: ", StringComparison.Ordinal));
        return $"PostgreSQL ended before it was ready: {After("FATAL:  ") ?? lines.LastOrDefault()}{(damage is null ? "" : $" ({damage})")}";

        string? After(string mark) => lines.Select(line => line.Split(mark, 2)).LastOrDefault(parts => parts.Length == 2)?[1];
    }

    private static string NewPassword() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    /// <summary>PostgreSQL, which does not run as root, gets the folder and can pass through the one it is in.</summary>
    private static async Task GiveToPostgresAsync(string folder, CancellationToken cancellationToken)
    {
        if (!Environment.IsPrivilegedProcess || OperatingSystem.IsWindows())
            return;
        const UnixFileMode Pass = UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        var parent = Path.GetDirectoryName(folder)!;
        if ((File.GetUnixFileMode(parent) & Pass) != Pass)
            File.SetUnixFileMode(parent, File.GetUnixFileMode(parent) | Pass);
        await Tool.RunAsync("chown", ["-R", "postgres:postgres", folder], null, asPostgres: false, cancellationToken);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
