using System.Globalization;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Storage;

/// <summary>An event as it was when it was read: <paramref name="Version"/> tells whether it still is.</summary>
internal readonly record struct DueEvent(Guid Id, string Version, JsonText Content);

/// <summary>The SQL of embedding every event again, beside the embeddings that are in use.</summary>
internal sealed class ReembeddingStore(NpgsqlDataSource dataSource, EventIndexes indexes)
{
    private const string IndexOfTable = "_embedding_next"; // after the name of its table

    /// <summary>Makes room for the embeddings of that model, unless it is there already; those of a third model are dropped.</summary>
    public async Task BeginAsync(EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var command = new NpgsqlCommand("""
            UPDATE store SET next_model = $1, next_dimension = $2
            WHERE next_model IS DISTINCT FROM $1 OR next_dimension IS DISTINCT FROM $2
            """, connection, transaction))
        {
            command.Parameters.Add(new() { Value = model.Id });
            command.Parameters.Add(new() { Value = model.Dimension });
            if (await command.ExecuteNonQueryAsync(cancellationToken) == 0)
                return;
        }
        var dimension = model.Dimension.ToString(CultureInfo.InvariantCulture);
        await using (var command = new NpgsqlCommand($"""
            SET LOCAL lock_timeout = '2s';
            DROP TRIGGER IF EXISTS events_embed_again ON events;
            ALTER TABLE events DROP COLUMN IF EXISTS embedding_next, DROP COLUMN IF EXISTS embedding_next_state;
            ALTER TABLE events ADD COLUMN embedding_next vector({dimension}), ADD COLUMN embedding_next_state text NOT NULL DEFAULT 'due';
            ALTER TABLE events ALTER COLUMN embedding_next SET STORAGE MAIN;
            CREATE TRIGGER events_embed_again BEFORE UPDATE ON events
                FOR EACH ROW WHEN (OLD.content IS DISTINCT FROM NEW.content) EXECUTE FUNCTION embed_again();
            """, connection, transaction))
        {
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>Events that are not embedded again yet, in the order of their ids.</summary>
    public async Task<List<DueEvent>> ReadDueAsync(Guid after, int limit, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            "SELECT id, xmin::text, content FROM events WHERE id > $1 AND embedding_next_state = 'due' ORDER BY id LIMIT $2");
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = limit });
        var due = new List<DueEvent>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            due.Add(new(reader.GetGuid(0), reader.GetString(1), JsonText.FromTrusted(reader.GetFieldValue<byte[]>(2))));
        return due;
    }

    /// <summary>Keeps what was made of events that have not changed since they were read.</summary>
    public async Task KeepAsync(
        IReadOnlyList<DueEvent> events, IReadOnlyList<float[]?> vectors, EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            UPDATE events
            SET embedding_next = (($4::real[])[place * $5 + 1 : (place + 1) * $5])::vector, embedding_next_state = 'done'
            FROM unnest($1::uuid[], $2::text[], $3::int[]) AS made (id, version, place)
            WHERE events.id = made.id AND events.xmin = made.version::xid
            """);
        var place = 0;
        command.Parameters.Add(new() { Value = events.Select(item => item.Id).ToArray() });
        command.Parameters.Add(new() { Value = events.Select(item => item.Version).ToArray() });
        command.Parameters.Add(new() { Value = vectors.Select(vector => vector is null ? (int?)null : place++).ToArray() });
        command.Parameters.Add(new()
        {
            Value = vectors.SelectMany(vector => vector ?? []).ToArray(),
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real,
        });
        command.Parameters.Add(new() { Value = model.Dimension });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Gives an event's embedding up, if it has not changed since it was read.</summary>
    public async Task GiveUpAsync(DueEvent item, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            "UPDATE events SET embedding_next_state = 'failed' WHERE id = $1 AND xmin = $2::text::xid");
        command.Parameters.Add(new() { Value = item.Id });
        command.Parameters.Add(new() { Value = item.Version });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Builds the index of the new embeddings, while events are read and written; what is built stays.</summary>
    public async Task BuildIndexAsync(EmbeddingModel model, CancellationToken cancellationToken) => await indexes.BuildAsync(
        IndexOfTable,
        string.Create(CultureInfo.InvariantCulture, $"USING hnsw ((embedding_next::halfvec({model.Dimension})) halfvec_cosine_ops)"),
        cancellationToken);

    /// <summary>
    /// Puts the new embeddings in the place of the old ones, in one transaction. What was written at the last moment is left to be embedded
    /// later. Fails with a lock timeout where a long read, such as an export, stands in the way.
    /// </summary>
    public async Task SwitchAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var tables = await EventIndexes.ReadPartitionsAsync(connection, cancellationToken);
        await using var command = new NpgsqlCommand($"""
            SET LOCAL lock_timeout = '2s';
            UPDATE store SET embedding_model = next_model, dimension = next_dimension, next_model = NULL, next_dimension = NULL;
            LOCK TABLE events IN ACCESS EXCLUSIVE MODE;
            DROP TRIGGER events_embed_again ON events;
            UPDATE events
            SET embedding_due = CASE embedding_next_state WHEN 'failed' THEN 'infinity' WHEN 'due' THEN now() END, embedding_attempts = 0
            WHERE embedding_due IS NOT NULL OR embedding_next_state <> 'done';
            DROP TRIGGER IF EXISTS events_shorten ON events;
            DELETE FROM directions;
            ALTER TABLE events DROP COLUMN embedding_short, ADD COLUMN embedding_short halfvec({EmbeddingDirections.Count});
            ALTER TABLE events DROP COLUMN embedding, DROP COLUMN embedding_next_state;
            ALTER TABLE events RENAME COLUMN embedding_next TO embedding;
            {string.Join(' ', tables.Append("events").Distinct().Select(table => $"ALTER INDEX IF EXISTS {table}{IndexOfTable} RENAME TO {table}_embedding;"))}
            """, connection, transaction);
        await command.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }
}
