using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Api.Storage;

/// <summary>The SQL of what the store holds.</summary>
internal sealed class StorageStore(NpgsqlDataSource dataSource)
{
    public async Task<StoreState> ReadAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken); // it cannot go over to the next model meanwhile
        await using var lockStore = new NpgsqlCommand("SELECT next_model IS NOT NULL FROM store FOR SHARE", connection, transaction);
        var reembedding = await lockStore.ExecuteScalarAsync(cancellationToken) is true;
        await using var command = new NpgsqlCommand($"""
            SELECT embedding_model, dimension, events, pending, failed, coalesce((SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('events')), pg_total_relation_size('events'))::bigint,
                next_model, next_dimension, done
            FROM store, (
                SELECT count(*) AS events, count(*) FILTER (WHERE embedding_due < 'infinity') AS pending,
                    count(*) FILTER (WHERE embedding_due = 'infinity') AS failed,
                    {(reembedding ? "count(*) FILTER (WHERE embedding_next_state <> 'due')" : "NULL::bigint")} AS done
                FROM events
            ) AS counted
            """, connection, transaction);
        var found = await ReadPartitionsAsync(connection, transaction, cancellationToken);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var state = new StoreState(
            reader.GetString(0), reader.GetInt32(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5))
        {
            Partitions = found.Count == 0 ? null : found,
        };
        return reader.IsDBNull(8)
            ? state
            : state with { Reembedding = new(reader.GetString(6), reader.GetInt32(7), reader.GetInt64(8), state.Events) };
    }

    private static async Task<List<StorePartition>> ReadPartitionsAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            SELECT inhrelid::regclass::text, coalesce(count, 0), pg_total_relation_size(inhrelid)
            FROM pg_inherits LEFT JOIN (SELECT tableoid AS inhrelid, count(*) FROM events GROUP BY tableoid) AS filled USING (inhrelid)
            WHERE inhparent = 'events'::regclass
            ORDER BY inhrelid::regclass::text
            """, connection, transaction);
        var partitions = new List<StorePartition>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            partitions.Add(new(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2)));
        return partitions;
    }
}
