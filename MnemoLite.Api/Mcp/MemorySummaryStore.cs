using MnemoLite.Api.Database;
using MnemoLite.Api.Security;
using Npgsql;

namespace MnemoLite.Api.Mcp;

/// <summary>The SQL of the summary.</summary>
internal sealed class MemorySummaryStore(Reads reads)
{
    /// <summary>The counts and the metadata's values; without the latest memories.</summary>
    public Task<MemorySummary> ReadAsync(Space space, CancellationToken cancellationToken) =>
        reads.RunAsync(space, connection => ReadAsync(space, connection, cancellationToken), cancellationToken);

    private static async Task<MemorySummary> ReadAsync(Space space, NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(Command(space, """
            SELECT count(*), min(timestamp), max(timestamp),
                (SELECT count(*) FROM nodes WHERE space = $1), (SELECT count(*) FROM edges WHERE space = $1)
            FROM events WHERE space = $1
            """));
        batch.BatchCommands.Add(Command(space, """
            SELECT key, value, count
            FROM (SELECT key, value #>> '{}' AS value, count(*) AS count,
                      row_number() OVER (PARTITION BY key ORDER BY count(*) DESC, value #>> '{}') AS place,
                      max(count(*)) OVER (PARTITION BY key) AS most
                  FROM events, jsonb_each(metadata)
                  WHERE space = $1 AND jsonb_typeof(value) IN ('string', 'number', 'boolean') AND length(value #>> '{}') <= 100
                  GROUP BY key, value #>> '{}') AS used
            WHERE place <= 5
            ORDER BY most DESC, key, place
            LIMIT 40
            """));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (memories, nodes, edges) = (reader.GetInt64(0), reader.GetInt64(3), reader.GetInt64(4));
        DateTimeOffset? oldest = memories == 0 ? null : reader.GetFieldValue<DateTimeOffset>(1);
        DateTimeOffset? newest = memories == 0 ? null : reader.GetFieldValue<DateTimeOffset>(2);
        await reader.NextResultAsync(cancellationToken);
        var used = new List<(string Key, MetadataValue Value)>();
        while (await reader.ReadAsync(cancellationToken))
            used.Add((reader.GetString(0), new(reader.GetString(1), reader.GetInt64(2))));
        return new(memories, oldest, newest, nodes, edges,
            [.. used.GroupBy(use => use.Key).Select(key => new MetadataKey(key.Key, [.. key.Select(use => use.Value)]))], []);
    }

    private static NpgsqlBatchCommand Command(Space space, string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new() { Value = space.Name });
        return command;
    }
}
