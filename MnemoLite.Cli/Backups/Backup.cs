using System.Data;
using System.Globalization;
using System.Text.Json;
using Npgsql;

namespace MnemoLite.Cli.Backups;

/// <summary>A folder with a dump of the database, and the sums of what it has to hold.</summary>
internal sealed class Backup
{
    private const string Dump = "database.dump", ManifestFile = "manifest.json";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };
    private readonly DirectoryInfo _folder;
    private readonly BackupManifest _manifest;

    private Backup(DirectoryInfo folder, BackupManifest manifest) => (_folder, _manifest) = (folder, manifest);

    /// <summary>Dumps the database and sums it up, both as of one snapshot; nobody is kept from writing. The folder has its name once it is whole.</summary>
    public static async Task<DirectoryInfo> CreateAsync(
        string connectionString, string bin, DirectoryInfo to, TimeProvider clock, CancellationToken cancellationToken)
    {
        var taken = clock.GetUtcNow();
        var place = Path.Combine(to.FullName, BackupFolder.Name(taken));
        var folder = BackupFolder.MakePrivate($"{place}{BackupFolder.Unfinished}");
        try
        {
            var database = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
            await using var connection = new NpgsqlConnection(database.ConnectionString);
            await connection.OpenAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
            await using var export = new NpgsqlCommand("SET LOCAL statement_timeout = 0; SELECT pg_export_snapshot()", connection);
            var snapshot = (string)(await export.ExecuteScalarAsync(cancellationToken))!;
            var tables = await Terminal.StepAsync(
                "Summing up", tables => $"Summed up {tables.Sum(table => table.Rows):N0} rows of {tables.Count} tables",
                progress => TableSum.ReadAllAsync(connection, progress, cancellationToken));
            string[] arguments =
            [
                "--format=custom", "--no-owner", "--no-privileges", $"--snapshot={snapshot}", $"--file={Path.Combine(folder, Dump)}", "--host", database.Host!,
                "--port", database.Port.ToString(CultureInfo.InvariantCulture), "--username", database.Username!, "--no-password", database.Database!,
            ];
            await Terminal.StepAsync(
                "Dumping the database", () => $"Dumped {new FileInfo(Path.Combine(folder, Dump)).Length / 1e6:N1} MB",
                () => Tool.RunAsync(Path.Combine(bin, "pg_dump"), arguments, database.Password, asPostgres: false, cancellationToken));
            var manifest = new BackupManifest(taken, connection.PostgreSqlVersion.ToString(), tables);
            await File.WriteAllTextAsync(Path.Combine(folder, ManifestFile), JsonSerializer.Serialize(manifest, Json), cancellationToken);
            Directory.Move(folder, place);
            return new(place);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <exception cref="CommandException">It is no backup, or not a whole one.</exception>
    public static Backup Open(DirectoryInfo folder)
    {
        if (!folder.Exists || !IsWhole(folder))
            throw new CommandException($"{folder.FullName} is not a backup: it needs {Dump} and {ManifestFile}.");
        try
        {
            return new(folder, JsonSerializer.Deserialize<BackupManifest>(File.ReadAllText(Path.Combine(folder.FullName, ManifestFile)), Json)!);
        }
        catch (JsonException exception)
        {
            throw new CommandException($"The {ManifestFile} of {folder.FullName} is damaged: {exception.Message}", exception);
        }
    }

    /// <summary>Restores into an empty server, and compares every table with what was backed up.</summary>
    /// <exception cref="CommandException">The dump cannot be read, or something differs.</exception>
    public async Task RestoreAsync(TemporaryServer server, CancellationToken cancellationToken)
    {
        var database = new NpgsqlConnectionStringBuilder($"{server.ConnectionString}postgres");
        string[] arguments =
        [
            "--create", "--exit-on-error", "--no-owner", "--host", database.Host!, "--port", database.Port.ToString(CultureInfo.InvariantCulture),
            "--username", database.Username!, "--no-password", "--dbname", database.Database!, Path.Combine(_folder.FullName, Dump),
        ];
        await Terminal.StepAsync(
            "Restoring", () => "Restored",
            () => Tool.RunAsync(Path.Combine(server.Bin, "pg_restore"), arguments, server.Password, asPostgres: false, cancellationToken));
        await using var connection = new NpgsqlConnection($"{server.ConnectionString}mnemolite");
        await connection.OpenAsync(cancellationToken);
        var found = await Terminal.StepAsync("Comparing", _ => null, progress => TableSum.ReadAllAsync(connection, progress, cancellationToken));
        var different = _manifest.Tables.Except(found).Select(table => table.Name).Union(found.Except(_manifest.Tables).Select(table => table.Name)).ToList();
        if (different.Count > 0)
            throw new CommandException($"What was restored is not what was backed up; different are: {string.Join(", ", different)}.");
        Terminal.Ok($"{found.Count} tables with {found.Sum(table => table.Rows):N0} rows are what they were on {_manifest.Taken:yyyy-MM-dd HH:mm:ss} UTC");
    }

    private static bool IsWhole(DirectoryInfo folder) =>
        !folder.Name.EndsWith(BackupFolder.Unfinished, StringComparison.Ordinal)
        && File.Exists(Path.Combine(folder.FullName, Dump)) && File.Exists(Path.Combine(folder.FullName, ManifestFile));
}
