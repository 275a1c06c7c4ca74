using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>Builds indexes of events, a partition at a time, while events are read and written.</summary>
internal sealed class EventIndexes(NpgsqlDataSource dataSource)
{
    /// <summary>Builds one unless it is there; what was built of it before stays.</summary>
    /// <param name="suffix">What follows the name of its table in its name.</param>
    /// <param name="definition">What follows the table in <c>CREATE INDEX</c>.</param>
    /// <param name="cancellationToken">Leaves what is built by then.</param>
    public async Task BuildAsync(string suffix, string definition, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        if (await IsValidAsync($"events{suffix}") == true)
            return;
        await ExecuteAsync("SET statement_timeout = 0; SET maintenance_work_mem = '256MB'");
        foreach (var table in await ReadPartitionsAsync(connection, cancellationToken))
        {
            var isValid = await IsValidAsync($"{table}{suffix}");
            if (isValid == false) // of a build that was killed
                await ExecuteAsync($"DROP INDEX CONCURRENTLY {table}{suffix}");
            if (isValid != true)
                await ExecuteAsync($"CREATE INDEX CONCURRENTLY {table}{suffix} ON {table} {definition}");
        }
        await ExecuteAsync($"CREATE INDEX IF NOT EXISTS events{suffix} ON events {definition}"); // of a partitioned table: takes those of its partitions

        async Task<bool?> IsValidAsync(string index)
        {
            await using var find = new NpgsqlCommand("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)", connection);
            find.Parameters.Add(new() { Value = index });
            return await find.ExecuteScalarAsync(cancellationToken) as bool?;
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>The tables that hold events: the partitions, or the one there is.</summary>
    public static async Task<List<string>> ReadPartitionsAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT coalesce(array_agg(inhrelid::regclass::text), ARRAY['events']) FROM pg_inherits WHERE inhparent = 'events'::regclass", connection);
        return [.. (string[])(await command.ExecuteScalarAsync(cancellationToken))!];
    }
}
