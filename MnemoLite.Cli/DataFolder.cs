using System.CommandLine;
using System.Globalization;

namespace MnemoLite.Cli;

/// <summary>The folder that `./mnemolite up --data` keeps everything in, and what runs on it.</summary>
internal sealed class DataFolder(string path)
{
    private const string ClusterMark = "PG_VERSION";

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>The option every command on a data folder has.</summary>
    public static Option<DataFolder> Option { get; } = new("--data")
    {
        Description = "The data folder, as given to 'up'.",
        HelpName = "DIR",
        DefaultValueFactory = _ => new DataFolder(Default),
        CustomParser = result => new DataFolder(result.Tokens[0].Value),
    };

    private static string Default
    {
        get
        {
            if (Environment.IsPrivilegedProcess)
                return "/var/lib/mnemolite";
            var share = Environment.GetEnvironmentVariable("XDG_DATA_HOME");
            return System.IO.Path.Combine(
                string.IsNullOrEmpty(share) ? Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData) : share, "mnemolite");
        }
    }

    /// <summary>Its path, as the help shows the default.</summary>
    public override string ToString() => Path;

    /// <summary>What runs on the folder now, or null.</summary>
    public RunningInstance? FindRunning()
    {
        var file = System.IO.Path.Combine(Path, "run");
        if (!File.Exists(file))
            return null;
        var values = File.ReadAllLines(file).Select(line => line.Split('=', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);
        return values.TryGetValue("pid", out var pid) && values.TryGetValue("start", out var start) && StartOf(pid) == start
            ? new RunningInstance(Number("pid"), Number("api_port"), Number("web_port"))
            : null;

        int Number(string name) => int.Parse(values[name], CultureInfo.InvariantCulture);
    }

    /// <summary>What runs on the folder now.</summary>
    /// <exception cref="CommandException">Nothing does.</exception>
    public RunningInstance GetRunning() => FindRunning() ?? throw new CommandException($"MnemoLite is not running on {Path}. Start it: ./mnemolite up");

    /// <summary>The folder of the PostgreSQL cluster, or null where there is none yet.</summary>
    public string? FindCluster() =>
        Directory.Exists(Path) ? Directory.GetDirectories(Path).FirstOrDefault(folder => File.Exists(System.IO.Path.Combine(folder, ClusterMark))) : null;

    /// <summary>How to reach the database of the running instance, as its superuser.</summary>
    /// <exception cref="CommandException">It does not run.</exception>
    public string GetConnectionString()
    {
        var cluster = FindCluster() ?? throw new CommandException($"{Path} has no database.");
        var lockFile = System.IO.Path.Combine(cluster, "postmaster.pid");
        if (!File.Exists(lockFile))
            throw new CommandException($"The database in {Path} is not running. Start it: ./mnemolite up");
        var port = File.ReadLines(lockFile).ElementAtOrDefault(3); // process, folder, start, port
        return $"Host=localhost;Port={port};Username=postgres;Password={File.ReadAllText($"{cluster}.password")};Database=mnemolite";
    }

    /// <summary>The time a process started, in the kernel's ticks: with it a process id names one process for ever; null when it is gone.</summary>
    private static string? StartOf(string pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return fields[0] is "Z" or "X" ? null : fields[19];
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}

/// <summary>MnemoLite as it runs.</summary>
/// <param name="ProcessId">The AppHost's process.</param>
/// <param name="ApiPort">Where the API listens.</param>
/// <param name="WebPort">Where the dashboard listens.</param>
internal sealed record RunningInstance(int ProcessId, int ApiPort, int WebPort)
{
    public Uri Api => new($"http://localhost:{ApiPort}");

    public Uri Web => new($"http://localhost:{WebPort}");
}
