using System.Runtime.CompilerServices;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Filters;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Events;

/// <summary>What became of an event that was to be stored.</summary>
internal enum StoredEvent
{
    /// <summary>It is stored.</summary>
    Created,

    /// <summary>It was there before, the same.</summary>
    Existing,

    /// <summary>Another event has its id.</summary>
    Different,

    /// <summary>A value of it is beyond what PostgreSQL can store.</summary>
    Refused,
}

/// <summary>The SQL of storing many events, and of reading all.</summary>
internal sealed class EventBatchStore(NpgsqlDataSource dataSource, Reads reads, EventPartitions partitions)
{
    /// <summary>Stores the events in one statement; if a value in one of them is refused, each in its own.</summary>
    /// <param name="space">Where.</param>
    /// <param name="events">The events.</param>
    /// <param name="embedded">Of those whose embedding was not given the ids: the same text beside others is embedded the same to a few digits only,
    /// so theirs are not compared with what is there.</param>
    /// <param name="model">Of their embeddings.</param>
    /// <param name="committed">Is told what is stored as soon as it is.</param>
    /// <param name="cancellationToken">Ends the statement.</param>
    public async Task<IReadOnlyList<StoredEvent>> InsertAsync(
        Space space, IReadOnlyList<Event> events, IReadOnlySet<Guid> embedded, EmbeddingModel model, Action<Write> committed,
        CancellationToken cancellationToken)
    {
        try
        {
            var (created, xid) = await InsertNewAsync(space, events, model, cancellationToken);
            if (created.Count > 0)
                committed(new(space.Name, xid, ChangeKind.Created, [.. created]));
            var outcomes = new StoredEvent[events.Count];
            for (var i = 0; i < events.Count; i++)
            {
                outcomes[i] = created.Remove(events[i].Id)
                    ? StoredEvent.Created
                    : await CompareAsync(space, embedded.Contains(events[i].Id) ? events[i] with { Embedding = null } : events[i], cancellationToken);
            }
            if (outcomes.Contains(StoredEvent.Existing))
                await reads.CatchUpAsync(cancellationToken); // another instance may have stored it
            return outcomes;
        }
        catch (PostgresException refused) when (refused.SqlState[..2] is "22" or "54")
        {
            if (events.Count == 1)
                return [StoredEvent.Refused];
            var outcomes = new List<StoredEvent>();
            foreach (var @event in events)
                outcomes.AddRange(await InsertAsync(space, [@event], embedded, model, committed, cancellationToken));
            return outcomes;
        }
    }

    /// <summary>
    /// Events that pass the filters, oldest first, with their embeddings, as they were at one moment; read as they are taken, and from the
    /// primary: a standby cancels what keeps it from replaying for long.
    /// </summary>
    public async IAsyncEnumerable<Event> ReadAllAsync(
        Space space, JsonText? metadata, Filter? filter, DateTimeOffset? from, DateTimeOffset? to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var unlimited = new NpgsqlCommand("SET LOCAL statement_timeout = 0", connection, transaction))
            await unlimited.ExecuteNonQueryAsync(cancellationToken); // it takes as long as the reader wants
        await using var command = new NpgsqlCommand { Connection = connection, Transaction = transaction, CommandTimeout = 0 };
        var where = new SqlConditions(command.Parameters, partitions.Exist).AddEventConditions(space, metadata, filter, from, to);
        command.CommandText = $"SELECT {EventRow.Columns}, embedding::real[] FROM events WHERE {where} ORDER BY timestamp, id";
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            yield return EventRow.Read(reader) with { Embedding = reader.IsDBNull(EventRow.Count) ? null : reader.GetFieldValue<float[]>(EventRow.Count) };
    }

    private async Task<(HashSet<Guid> Created, ulong Xid)> InsertNewAsync(
        Space space, IReadOnlyList<Event> events, EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand("""
            INSERT INTO events (id, space, timestamp, content, metadata, embedding, embedding_due)
            SELECT id, $1, timestamp, content::jsonb, metadata::jsonb, (($6::real[])[place * $8 + 1 : (place + 1) * $8])::vector,
                CASE WHEN pending THEN now() END
            FROM unnest($2::uuid[], $3::timestamptz[], $4::text[], $5::text[], $7::int[], $9::bool[])
                AS given (id, timestamp, content, metadata, place, pending)
            WHERE check_model($10, $8)
            ORDER BY id -- two writers of the same ids wait for each other in one order only
            ON CONFLICT (id) DO NOTHING
            RETURNING id, pg_current_xact_id()
            """, connection);
        var embeddings = events.Where(@event => @event.Embedding is not null).SelectMany(@event => @event.Embedding!).ToArray();
        var place = 0;
        command.Parameters.Add(new() { Value = space.Name });
        command.Parameters.Add(new() { Value = events.Select(@event => @event.Id).ToArray() });
        command.Parameters.Add(new() { Value = events.Select(@event => @event.Timestamp.UtcDateTime).ToArray() });
        command.Parameters.Add(new() { Value = events.Select(@event => @event.Content.ToString()).ToArray() });
        command.Parameters.Add(new() { Value = events.Select(@event => @event.Metadata.ToString()).ToArray() });
        command.Parameters.Add(new() { Value = embeddings, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real });
        command.Parameters.Add(new() { Value = events.Select(@event => @event.Embedding is null ? (int?)null : place++).ToArray() });
        command.Parameters.Add(new() { Value = model.Dimension });
        command.Parameters.Add(new() { Value = events.Select(@event => @event.EmbeddingState is not null).ToArray() });
        command.Parameters.Add(new() { Value = model.Id });
        var created = new HashSet<Guid>();
        ulong xid = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            created.Add(reader.GetGuid(0));
            xid = reader.GetFieldValue<ulong>(1);
        }
        return (created, xid);
    }

    private async Task<StoredEvent> CompareAsync(Space space, Event @event, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand("""
            SELECT space = $2 AND timestamp = $3 AND content = $4 AND metadata = $5
                AND ($6::real[] IS NULL OR embedding IS NOT DISTINCT FROM $6::real[]::vector)
            FROM events WHERE id = $1
            """, connection);
        command.Parameters.Add(new() { Value = @event.Id });
        command.Parameters.Add(new() { Value = space.Name });
        command.Parameters.Add(new() { Value = @event.Timestamp.UtcDateTime });
        command.Parameters.Add(new() { Value = @event.Content.Utf8.ToArray(), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = @event.Metadata.Utf8.ToArray(), NpgsqlDbType = NpgsqlDbType.Jsonb });
        command.Parameters.Add(new() { Value = (object?)@event.Embedding ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real });
        return await command.ExecuteScalarAsync(cancellationToken) is true ? StoredEvent.Existing : StoredEvent.Different;
    }
}
