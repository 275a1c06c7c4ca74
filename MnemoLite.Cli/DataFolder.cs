using System.CommandLine;

namespace MnemoLite.Cli;

/// <summary>The folder that `./mnemolite up --data` keeps everything in.</summary>
internal sealed class DataFolder(string path)
{
    private const string ClusterMark = "PG_VERSION";

    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>The option every command on a data folder has.</summary>
    public static Option<DataFolder> Option { get; } = new("--data")
    {
        Description = $"The data folder, as given to 'up' ({Default}).",
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
}
