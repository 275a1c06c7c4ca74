using System.Globalization;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Aspire.Hosting.Local;

/// <summary>A PostgreSQL cluster of our own: made where it is not there, listening on the loopback interface, with a password.</summary>
internal sealed class PostgresCluster(
    PostgresServerResource server, string dataDirectory, string? configuredBin, ProcessLauncher launcher, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan FormerServerPatience = TimeSpan.FromSeconds(20);
    private readonly string _directory = Path.Combine(dataDirectory, server.VolumeName ?? server.Name);

    /// <summary>PostgreSQL refuses to run as root; Debian's packages make this user for it.</summary>
    private static string? User => Environment.IsPrivilegedProcess ? "postgres" : null;

    /// <summary>Makes the cluster if need be, and says how to run it.</summary>
    public async Task<ProcessSpec> PrepareAsync(CancellationToken cancellationToken)
    {
        var versionFile = Path.Combine(_directory, "PG_VERSION");
        var bin = FindBinaries(File.Exists(versionFile) ? (await File.ReadAllTextAsync(versionFile, cancellationToken)).Trim() : null);
        server.Password = await ReadOrMakePasswordAsync(cancellationToken);
        if (!File.Exists(versionFile))
            await InitializeAsync(bin, cancellationToken);
        else
            await WaitForFormerServerAsync(cancellationToken);
        foreach (var folder in server.BindMounts.Values)
            await ShareAsync(folder, cancellationToken);
        return new ProcessSpec(Path.Combine(bin, "postgres"),
            ["-D", _directory, "-p", server.Port.ToString(CultureInfo.InvariantCulture),
             "-c", "listen_addresses=localhost", "-c", "unix_socket_directories=", .. PostgresArguments()], StopSignal: "INT")
        {
            User = User,
            Environment = EnvironmentVariables(),
        };
    }

    /// <summary>Creates the databases that are not there yet; false while the server does not answer.</summary>
    public async Task<bool> CreateDatabasesAsync(CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection($"{await server.GetConnectionStringAsync(cancellationToken)};Database=postgres;Pooling=false");
        await connection.OpenAsync(cancellationToken);
        foreach (var database in server.Databases)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = "SELECT 1 FROM pg_database WHERE datname = $1";
            command.Parameters.Add(new NpgsqlParameter { Value = database.DatabaseName });
            if (await command.ExecuteScalarAsync(cancellationToken) is not null)
                continue;
            await using var create = connection.CreateCommand();
            create.CommandText = $"CREATE DATABASE {new NpgsqlCommandBuilder().QuoteIdentifier(database.DatabaseName)}";
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
        return true;
    }

    /// <summary>The arguments meant for the server: a container would be started with the same.</summary>
    private List<string> PostgresArguments() => server.Args;

    private Dictionary<string, string> EnvironmentVariables()
    {
        var environment = new Dictionary<string, string>();
        foreach (var set in server.Environment)
            set(environment);
        return environment.ToDictionary(one => one.Key, one => server.BindMounts.GetValueOrDefault(one.Value, one.Value));
    }

    /// <summary>Makes a folder that is not there PostgreSQL's own.</summary>
    /// <exception cref="DistributedApplicationException">PostgreSQL cannot write there.</exception>
    private async Task ShareAsync(string folder, CancellationToken cancellationToken)
    {
        string[] owner = User is null ? [] : ["-o", User, "-g", User];
        if (!Directory.Exists(folder))
            await launcher.RunAsync(new ProcessSpec("install", ["-d", "-m", "700", .. owner, folder]), cancellationToken);
        try
        {
            await launcher.RunAsync(new ProcessSpec("test", ["-w", folder]) { User = User }, cancellationToken);
        }
        catch (DistributedApplicationException exception)
        {
            throw new DistributedApplicationException(
                $"PostgreSQL cannot write to {folder}. Let it: chown {User ?? Environment.UserName} '{folder}', and let others pass through what it is in (chmod o+x).", exception);
        }
    }

    private string FindBinaries(string? version)
    {
        if (configuredBin is not null)
            return configuredBin;
        const string Root = "/usr/lib/postgresql";
        var installed = (Directory.Exists(Root) ? Directory.GetDirectories(Root) : [])
            .Where(folder => File.Exists(Path.Combine(folder, "bin", "postgres")))
            .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var number) ? number : 0)
            .ToList();
        return installed.Find(folder => (version is null || Path.GetFileName(folder) == version) && HasPgvector(folder)) is { } found
            ? Path.Combine(found, "bin")
            : throw new DistributedApplicationException(
                $"There is no PostgreSQL {version} with pgvector below {Root}: run './mnemolite setup', or set LocalHosting:PostgresBin.");
    }

    private static bool HasPgvector(string folder) =>
        File.Exists($"/usr/share/postgresql/{Path.GetFileName(folder)}/extension/vector.control");

    private async Task<string> ReadOrMakePasswordAsync(CancellationToken cancellationToken)
    {
        var file = $"{_directory}.password";
        if (File.Exists(file))
            return await File.ReadAllTextAsync(file, cancellationToken);
        var password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        await using var writer = new StreamWriter(file, options);
        await writer.WriteAsync(password.AsMemory(), cancellationToken);
        return password;
    }

    /// <summary>Makes the cluster beside its place and moves it there, so that an interrupted start leaves no half of one.</summary>
    private async Task InitializeAsync(string bin, CancellationToken cancellationToken)
    {
        Log.NewCluster(log, _directory);
        var unfinished = $"{_directory}.new";
        string[] owner = User is null ? [] : ["-o", User, "-g", User];
        await launcher.RunAsync(new ProcessSpec("rm", ["-rf", unfinished]), cancellationToken);
        await launcher.RunAsync(new ProcessSpec("install", ["-d", "-m", "700", .. owner, unfinished]), cancellationToken);
        const string Script = """
            umask 077; cat > "$1/pw" && "$2" -D "$1/data" -U "$3" --pwfile="$1/pw" --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 && rm "$1/pw"
            """;
        await launcher.RunAsync(
            new ProcessSpec("sh", ["-c", Script, "sh", unfinished, Path.Combine(bin, "initdb"), PostgresServerResource.UserName])
            {
                User = User,
                Input = server.Password,
                Environment = new Dictionary<string, string> { ["LC_ALL"] = "C.UTF-8" },
            },
            cancellationToken);
        Directory.Move(Path.Combine(unfinished, "data"), _directory);
        Directory.Delete(unfinished, recursive: true);
    }

    /// <summary>
    /// After a crash the lock file may name a process that is gone (or is another program by now), or a server still on its way out.
    /// </summary>
    private async Task WaitForFormerServerAsync(CancellationToken cancellationToken)
    {
        var lockFile = Path.Combine(_directory, "postmaster.pid");
        var start = clock.GetTimestamp();
        var told = false;
        while (File.Exists(lockFile))
        {
            var lines = await File.ReadAllLinesAsync(lockFile, cancellationToken);
            if (lines.Length == 0 || !int.TryParse(lines[0], out var pid) || !IsServerOfThisCluster(pid))
            {
                Log.StaleLock(log, lines.Length > 0 && int.TryParse(lines[0], out var gone) ? gone : 0);
                File.Delete(lockFile);
                return;
            }
            if (!told)
                Log.FormerServer(log, pid);
            told = true;
            if (clock.GetElapsedTime(start) > FormerServerPatience)
            {
                throw new DistributedApplicationException(
                    $"Another PostgreSQL (process {pid}) uses {_directory}. Stop it ('./mnemolite down', or kill -INT {pid}), then start again.");
            }
            await Task.Delay(TimeSpan.FromMilliseconds(100), clock, cancellationToken);
        }
    }

    private bool IsServerOfThisCluster(int pid)
    {
        try
        {
            return new DirectoryInfo($"/proc/{pid}/cwd").ResolveLinkTarget(returnFinalTarget: false)?.FullName == Path.GetFullPath(_directory);
        }
        catch (IOException)
        {
            return false;
        }
    }
}
