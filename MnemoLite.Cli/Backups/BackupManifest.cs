using Npgsql;

namespace MnemoLite.Cli.Backups;

/// <summary>What a backup has to hold.</summary>
/// <param name="Taken">When.</param>
/// <param name="Postgres">The version of the server it came from.</param>
/// <param name="Tables">Every table's rows.</param>
internal sealed record BackupManifest(DateTimeOffset Taken, string Postgres, IReadOnlyList<TableSum> Tables);

/// <summary>The rows of a table.</summary>
/// <param name="Name">The table.</param>
/// <param name="Rows">How many.</param>
/// <param name="Checksum">The sum of 64 bits of each row's MD5: the same for the same rows, in whatever order they lie.</param>
internal sealed record TableSum(string Name, long Rows, string Checksum)
{
    /// <summary>Sums up every table of the schema; a partitioned one as a whole.</summary>
    public static async Task<IReadOnlyList<TableSum>> ReadAllAsync(NpgsqlConnection connection, IProgress<string> progress, CancellationToken cancellationToken)
    {
        const string TablesSql = """
            SELECT relname FROM pg_class
            WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
              AND NOT EXISTS (SELECT 1 FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
            ORDER BY relname
            """;
        var names = new List<string>();
        await using (var command = new NpgsqlCommand(TablesSql, connection))
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            while (await reader.ReadAsync(cancellationToken))
                names.Add(reader.GetString(0));
        }
        var sums = new List<TableSum>();
        foreach (var name in names)
        {
            progress.Report(name);
            var sql = $"SELECT count(*), coalesce(sum(('x' || left(md5(t::text), 16))::bit(64)::bigint::numeric), 0)::text FROM {Quote(name)} t";
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            sums.Add(new(name, reader.GetInt64(0), reader.GetString(1)));
        }
        return sums;
    }

    private static string Quote(string name)
    {
        using var builder = new NpgsqlCommandBuilder();
        return builder.QuoteIdentifier(name);
    }
}
