using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Events;

/// <summary>An event whose embedding is to be made by whoever took it, until it is due again.</summary>
internal readonly record struct PendingEmbedding(Guid Id, JsonText Content, int Attempts, DateTime Due);

/// <summary>The SQL of embeddings that are made later. An event that changes meanwhile has another due time: what was made of its old content is dropped.</summary>
internal sealed class EmbeddingQueueStore(NpgsqlDataSource dataSource)
{
    /// <summary>Takes events that are due; no one else gets them within the lease, and after it anyone, so that none is lost with its worker.</summary>
    public async Task<List<PendingEmbedding>> TakeAsync(int limit, TimeSpan lease, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            UPDATE events SET embedding_due = now() + $1, embedding_attempts = embedding_attempts + 1
            WHERE id IN (SELECT id FROM events WHERE embedding_due <= now() ORDER BY embedding_due LIMIT $2 FOR UPDATE SKIP LOCKED)
            RETURNING id, content, embedding_attempts, embedding_due
            """);
        command.Parameters.Add(new() { Value = lease });
        command.Parameters.Add(new() { Value = limit });
        var taken = new List<PendingEmbedding>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            taken.Add(new(reader.GetGuid(0), JsonText.FromTrusted(reader.GetFieldValue<byte[]>(1)), reader.GetInt16(2), reader.GetDateTime(3)));
        return taken;
    }

    /// <summary>Stores what was made, for the events it is still wanted for.</summary>
    /// <returns>The writes, one for each space.</returns>
    public async Task<IReadOnlyList<Write>> CompleteAsync(
        IReadOnlyList<PendingEmbedding> taken, IReadOnlyList<float[]?> vectors, EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            UPDATE events
            SET embedding = (($3::real[])[place * $5 + 1 : (place + 1) * $5])::vector, embedding_due = NULL, embedding_attempts = 0
            FROM unnest($1::uuid[], $2::timestamptz[], $4::int[]) AS made (id, due, place)
            WHERE events.id = made.id AND embedding_due = made.due AND check_model($6, $5)
            RETURNING events.id, pg_current_xact_id(), space
            """);
        var place = 0;
        command.Parameters.Add(new() { Value = taken.Select(item => item.Id).ToArray() });
        command.Parameters.Add(new() { Value = taken.Select(item => item.Due).ToArray() });
        command.Parameters.Add(new() { Value = vectors.SelectMany(vector => vector ?? []).ToArray(), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real });
        command.Parameters.Add(new() { Value = vectors.Select(vector => vector is null ? (int?)null : place++).ToArray() });
        command.Parameters.Add(new() { Value = model.Dimension });
        command.Parameters.Add(new() { Value = model.Id });
        return await ReadWritesAsync(command, cancellationToken);
    }

    /// <summary>Gives events back, to be taken again after a pause; an outage does not count as an attempt of theirs.</summary>
    /// <param name="taken">The events.</param>
    /// <param name="pause">Until they are due; null where they are given up.</param>
    /// <param name="isOutage">Whether the generator was away, so that they are not to blame.</param>
    /// <param name="cancellationToken">Ends the command.</param>
    /// <returns>The writes, one for each space; what an event says of its embedding changes where it is given up.</returns>
    public async Task<IReadOnlyList<Write>> GiveBackAsync(IReadOnlyList<PendingEmbedding> taken, TimeSpan? pause, bool isOutage, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            UPDATE events
            SET embedding_due = coalesce(now() + $3, 'infinity'), embedding_attempts = embedding_attempts - CASE WHEN $4 THEN 1 ELSE 0 END
            FROM unnest($1::uuid[], $2::timestamptz[]) AS given (id, due)
            WHERE events.id = given.id AND embedding_due = given.due
            RETURNING events.id, pg_current_xact_id(), space
            """);
        command.Parameters.Add(new() { Value = taken.Select(item => item.Id).ToArray() });
        command.Parameters.Add(new() { Value = taken.Select(item => item.Due).ToArray() });
        command.Parameters.Add(new() { Value = (object?)pause ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Interval });
        command.Parameters.Add(new() { Value = isOutage });
        return await ReadWritesAsync(command, cancellationToken);
    }

    public async Task<(long Pending, long Failed)> CountAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            SELECT count(*) FILTER (WHERE embedding_due < 'infinity'), count(*) FILTER (WHERE embedding_due = 'infinity')
            FROM events WHERE embedding_due IS NOT NULL
            """);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (reader.GetInt64(0), reader.GetInt64(1));
    }

    private static async Task<IReadOnlyList<Write>> ReadWritesAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var written = new List<(string Space, Guid Id)>();
        ulong xid = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            written.Add((reader.GetString(2), reader.GetGuid(0)));
            xid = reader.GetFieldValue<ulong>(1);
        }
        return [.. written.GroupBy(one => one.Space, one => one.Id).Select(ids => new Write(ids.Key, xid, ChangeKind.Updated, [.. ids]))];
    }
}
