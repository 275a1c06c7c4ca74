using System.Text.Json;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Events;

/// <summary>An event as it was stored, and the write that stored it.</summary>
internal sealed record WrittenEvent(Event Event, Write Write)
{
    /// <summary>What a change saw of the writes before it; null for a new event.</summary>
    public Snapshot? Snapshot { get; init; }
}

/// <summary>The SQL of single events and their list.</summary>
internal sealed class EventStore(NpgsqlDataSource dataSource, Reads reads, EventPartitions partitions)
{
    private const string ColumnsAndEmbedding = $"{EventRow.Columns}, embedding::real[]";
    private const string WrittenColumns = $"{ColumnsAndEmbedding}, pg_current_xact_id(), {EventVersionStore.Words}";
    private const int EmbeddingColumn = EventRow.Count, XidColumn = EmbeddingColumn + 1, WordsColumn = XidColumn + 1;
    private const int FormerColumn = WordsColumn + 1, SnapshotColumn = FormerColumn + 1; // of changes

    public async Task<WrittenEvent> InsertAsync(Space space, Event @event, EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = Insert(space, @event, model);
        command.Connection = connection;
        await command.PrepareAsync(cancellationToken);
        return (await ReadWrittenAsync(space, command, ChangeKind.Created, cancellationToken))!;
    }

    /// <summary>The command that stores the event and returns it, yet without a connection.</summary>
    public static NpgsqlCommand Insert(Space space, Event @event, EmbeddingModel model)
    {
        var command = new NpgsqlCommand($"""
            INSERT INTO events (id, space, timestamp, content, metadata, embedding, embedding_due)
            VALUES ($1, $2, $3, $4, $5, CASE WHEN check_model($8, $9) THEN $6::real[]::vector END, CASE WHEN $7 THEN now() END)
            RETURNING {WrittenColumns}
            """);
        command.Parameters.Add(new() { Value = @event.Id });
        command.Parameters.Add(new() { Value = space.Name });
        command.Parameters.Add(new() { Value = @event.Timestamp.UtcDateTime });
        command.Parameters.Add(Json(@event.Content));
        command.Parameters.Add(Json(@event.Metadata));
        command.Parameters.Add(Embedding(@event.Embedding));
        command.Parameters.Add(new() { Value = @event.EmbeddingState is not null });
        command.Parameters.Add(new() { Value = model.Id });
        command.Parameters.Add(new() { Value = model.Dimension });
        return command;
    }

    /// <summary>The event, if there is one, and what the database had when it was read.</summary>
    public async Task<(Event? Event, Snapshot Snapshot)> FindAsync(Space space, Guid id, bool includeEmbedding, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT {EventRow.Columns}, {(includeEmbedding ? "embedding::real[]" : "NULL::real[]")}, snapshot
            FROM (SELECT {Snapshot.Column} AS snapshot) AS now LEFT JOIN events ON id = $1 AND space = $2
            """);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = space.Name });
        return await reads.RunAsync(
            space, command,
            async () =>
            {
                await command.PrepareAsync(cancellationToken);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                await reader.ReadAsync(cancellationToken);
                return (reader.IsDBNull(0) ? null : Read(reader), Snapshot.Parse(reader.GetString(EmbeddingColumn + 1)));
            },
            cancellationToken);
    }

    /// <summary>Those of the events that there are, without their embeddings.</summary>
    public async Task<IReadOnlyDictionary<Guid, Event>> FindAsync(Space space, Guid[] ids, CancellationToken cancellationToken)
    {
        var found = new Dictionary<Guid, Event>();
        if (ids.Length == 0)
            return found;
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand($"SELECT {EventRow.Columns} FROM events WHERE id = ANY ($1) AND space = $2", connection);
        command.Parameters.Add(new() { Value = ids });
        command.Parameters.Add(new() { Value = space.Name });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            found.Add(reader.GetGuid(0), EventRow.Read(reader));
        return found;
    }

    /// <param name="space">Where it is.</param>
    /// <param name="id">The event.</param>
    /// <param name="content">Takes the place of the content, if given.</param>
    /// <param name="metadata">Merged into the metadata, if given.</param>
    /// <param name="removedKeys">Keys to take out of the metadata.</param>
    /// <param name="replaceEmbedding">Whether the embedding changes.</param>
    /// <param name="embedded">The new embedding, where it changes.</param>
    /// <param name="model">Its model.</param>
    /// <param name="cancellationToken">Ends the command.</param>
    public async Task<WrittenEvent?> UpdateAsync(
        Space space, Guid id, JsonText? content, JsonText? metadata, string[] removedKeys, bool replaceEmbedding, Embedded embedded,
        EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand { Connection = connection };
        var where = new SqlConditions(command.Parameters);
        where.Add("id =", id);
        where.Add("space =", space.Name);
        var changes = new List<string>(); // a column that is not named here is not reckoned again, nor what follows from it
        if (content is not null)
            changes.Add($"content = {where.Parameter(Json(content))}");
        if (metadata is not null)
            changes.Add($"metadata = (metadata || {where.Parameter(Json(metadata))}) - {where.Parameter(removedKeys)}");
        if (replaceEmbedding)
        {
            changes.Add($"embedding = {where.VectorParameter(embedded.Vector)}");
            changes.Add($"embedding_due = CASE WHEN {where.Parameter(embedded.IsPending)} THEN now() END");
            changes.Add("embedding_attempts = 0");
        }
        command.CommandText = $"""
            WITH former AS (
                SELECT id AS former_id, metadata AS former_metadata FROM events WHERE {where} FOR UPDATE
            )
            UPDATE events
            SET {(changes.Count == 0 ? "metadata = metadata" : string.Join(", ", changes))}
            FROM former
            WHERE id = former_id AND {where} {(replaceEmbedding ? $"AND {where.OfModel(model)}" : "")}
            RETURNING {WrittenColumns}, former_metadata, pg_current_snapshot()::text
            """;
        await command.PrepareAsync(cancellationToken);
        var written = await ReadWrittenAsync(space, command, ChangeKind.Updated, cancellationToken);
        return written is null ? null : written with { Write = written.Write with { MetadataOnly = content is null && !replaceEmbedding } };
    }

    /// <returns>The write, if there was such an event.</returns>
    public async Task<Write?> DeleteAsync(Space space, Guid id, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand(
            $"DELETE FROM events WHERE id = $1 AND space = $2 RETURNING timestamp, metadata, pg_current_xact_id(), {EventVersionStore.Words}", connection);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = space.Name });
        await command.PrepareAsync(cancellationToken);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken)
            ? new Write(space.Name, reader.GetFieldValue<ulong>(2), ChangeKind.Deleted, [id])
            {
                Before = new(
                    reader.GetFieldValue<DateTimeOffset>(0), JsonElement.Parse(reader.GetFieldValue<byte[]>(1)), Embedding: null,
                    EventVersionStore.ReadWords(reader, 3)),
            }
            : null;
    }

    /// <summary>Events after the cursor, newest first.</summary>
    public async Task<List<Event>> ListAsync(
        Space space, int limit, EventCursor? after, DateTimeOffset? from, DateTimeOffset? to, bool includeEmbedding, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand();
        var where = new SqlConditions(command.Parameters, partitions.Exist);
        where.Add("space =", space.Name);
        if (after is { } cursor)
            where.Add("(timestamp, id) <", cursor.Timestamp.UtcDateTime, cursor.Id);
        where.AddTimeWindow(from, to);
        command.CommandText = $"""
            SELECT {(includeEmbedding ? ColumnsAndEmbedding : EventRow.Columns)}
            FROM events
            WHERE {where}
            ORDER BY timestamp DESC, id DESC
            LIMIT {where.Parameter(limit)}
            """;
        return await ReadListAsync(space, command, cancellationToken);
    }

    /// <summary>Events before the cursor, the nearest first, which is the oldest.</summary>
    public async Task<List<Event>> ListNewerAsync(Space space, int limit, EventCursor before, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT {EventRow.Columns} FROM events
            WHERE space = $1 AND (timestamp, id) > ($2, $3)
            ORDER BY timestamp, id
            LIMIT $4
            """);
        command.Parameters.Add(new() { Value = space.Name });
        command.Parameters.Add(new() { Value = before.Timestamp.UtcDateTime });
        command.Parameters.Add(new() { Value = before.Id });
        command.Parameters.Add(new() { Value = limit });
        return await ReadListAsync(space, command, cancellationToken);
    }

    /// <summary>The event that a statement wrote, if it wrote one; its transaction may still be open.</summary>
    public static async Task<WrittenEvent?> ReadWrittenAsync(Space space, NpgsqlCommand command, ChangeKind kind, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
            return null;
        var (@event, isChange) = (Read(reader), reader.FieldCount > FormerColumn);
        var write = new Write(space.Name, reader.GetFieldValue<ulong>(XidColumn), kind, [@event.Id])
        {
            Before = isChange ? new(@event.Timestamp, JsonElement.Parse(reader.GetFieldValue<byte[]>(FormerColumn)), null, null) : null,
            After = new(@event.Timestamp, @event.Metadata.ToElement(), @event.Embedding, EventVersionStore.ReadWords(reader, WordsColumn)),
        };
        return new(@event, write) { Snapshot = isChange ? Snapshot.Parse(reader.GetString(SnapshotColumn)) : null };
    }

    private Task<List<Event>> ReadListAsync(Space space, NpgsqlCommand command, CancellationToken cancellationToken) => reads.RunAsync(
        space, command,
        async () =>
        {
            var events = new List<Event>();
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                events.Add(Read(reader));
            return events;
        },
        cancellationToken);

    private static Event Read(NpgsqlDataReader reader)
    {
        var @event = EventRow.Read(reader);
        return reader.FieldCount > EmbeddingColumn && !reader.IsDBNull(EmbeddingColumn)
            ? @event with { Embedding = reader.GetFieldValue<float[]>(EmbeddingColumn) }
            : @event;
    }

    private static NpgsqlParameter Json(JsonText? json) =>
        new() { Value = json is { } text ? text.Utf8.ToArray() : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb };

    private static NpgsqlParameter Embedding(float[]? embedding) =>
        new() { Value = (object?)embedding ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real };
}
