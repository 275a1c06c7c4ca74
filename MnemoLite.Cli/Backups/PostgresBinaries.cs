using System.Globalization;

namespace MnemoLite.Cli.Backups;

/// <summary>The folder of PostgreSQL's programs.</summary>
internal static class PostgresBinaries
{
    private const string Root = "/usr/lib/postgresql";

    /// <summary>Those of the version that made the cluster.</summary>
    public static string OfCluster(string cluster) => OfVersion(int.Parse(File.ReadAllText(Path.Combine(cluster, "PG_VERSION")), CultureInfo.InvariantCulture));

    public static string OfVersion(int version)
    {
        var folder = Path.Combine(Root, version.ToString(CultureInfo.InvariantCulture), "bin");
        return Directory.Exists(folder) ? folder : throw new CommandException($"The programs of PostgreSQL {version} are not here: there is no {folder}.");
    }

    /// <summary>The newest that are here with pgvector.</summary>
    public static string Newest() =>
        (Directory.Exists(Root) ? Directory.GetDirectories(Root) : [])
            .Where(folder => File.Exists($"/usr/share/postgresql/{Path.GetFileName(folder)}/extension/vector.control"))
            .OrderByDescending(folder => int.TryParse(Path.GetFileName(folder), out var number) ? number : 0)
            .Select(folder => Path.Combine(folder, "bin"))
            .FirstOrDefault(folder => File.Exists(Path.Combine(folder, "postgres"))) ?? throw Missing;

    private static CommandException Missing => new($"There is no PostgreSQL with pgvector below {Root}. Set it up: ./mnemolite setup");
}
