using System.Text.Json;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Events;

/// <summary>Stores, reads and changes single events.</summary>
internal sealed class EventService(
    EventStore store, IdempotencyStore idempotency, AnswerCache<EventBasis> cache, RecentWrites writes, EmbeddingModelStore models, TimeProvider clock)
{
    /// <summary>What an event says of its embedding while it is still to be made.</summary>
    public const string PendingState = "pending";

    private const int MaxKeyLength = 255;

    /// <summary>Stores an event; with a key, a request that is sent again gets the answer of the first.</summary>
    /// <returns>The event; null if the key was used for another request.</returns>
    public async Task<Event?> CreateAsync(Space space, NewEvent request, string? idempotencyKey, CancellationToken cancellationToken)
    {
        if (idempotencyKey is { Length: 0 or > MaxKeyLength })
            throw InvalidRequestException.Field("Idempotency-Key", $"must have 1 to {MaxKeyLength} characters");
        var timestamp = ReadTimestamp(request.Timestamp, clock);
        var id = EventId.New(timestamp);
        var (stored, write) = await writes.DoAsync(() => models.UseAsync(
            async embedder =>
            {
                var embedded = await EmbedAsync(embedder, request.Embedding, request.Content, cancellationToken);
                var @event = new Event
                {
                    Id = id,
                    Timestamp = timestamp,
                    Content = request.Content,
                    Metadata = request.Metadata,
                    Embedding = embedded.Vector,
                    EmbeddingState = embedded.IsPending ? PendingState : null,
                };
                if (idempotencyKey is not null)
                    return await idempotency.InsertAsync(space, idempotencyKey, request, @event, embedder.Model, cancellationToken);
                var written = await store.InsertAsync(space, @event, embedder.Model, cancellationToken);
                return (written.Event, written.Write);
            },
            cancellationToken));
        if (write is not null)
            writes.Add(write);
        return stored;
    }

    /// <summary>The given time, or now, in UTC and whole microseconds, as PostgreSQL keeps it.</summary>
    /// <exception cref="InvalidRequestException">It is before 1970, which an id cannot hold.</exception>
    public static DateTimeOffset ReadTimestamp(DateTimeOffset? given, TimeProvider clock)
    {
        var timestamp = given?.ToUniversalTime() ?? clock.GetUtcNow();
        return timestamp >= DateTimeOffset.UnixEpoch
            ? timestamp.AddTicks(-(timestamp.Ticks % TimeSpan.TicksPerMicrosecond))
            : throw InvalidRequestException.Field("timestamp", "must be 1970-01-01T00:00:00Z or later");
    }

    /// <summary>Reads the event anew.</summary>
    public async Task<Event?> GetAsync(Space space, Guid id, bool includeEmbedding, CancellationToken cancellationToken) =>
        (await store.FindAsync(space, id, includeEmbedding, cancellationToken)).Event;

    /// <summary>Answers from the cache, or reads the event.</summary>
    /// <returns>Null where there is no such event.</returns>
    public async Task<Answered<Event>?> AnswerAsync(Space space, Guid id, bool includeEmbedding, bool bypass, CancellationToken cancellationToken)
    {
        var (answer, outcome, age) = await cache.GetAsync(
            Key(space, id, includeEmbedding),
            async (_, cancellationToken) =>
            {
                var (@event, snapshot) = await store.FindAsync(space, id, includeEmbedding, cancellationToken);
                return new(@event is null ? null : Json(@event), snapshot, new EventBasis(space.Name, id));
            },
            bypass, cancellationToken);
        return answer.Json is null ? null : new(answer.Json, outcome, age);
    }

    public async Task<Event?> UpdateAsync(Space space, Guid id, EventPatch patch, CancellationToken cancellationToken)
    {
        var replaceEmbedding = patch.Embedding is not null || patch.Content is not null;
        var updated = await writes.DoAsync(() => models.UseAsync(
            async embedder => await store.UpdateAsync(
                space, id, patch.Content, patch.Metadata, patch.Metadata is { } metadata ? EventText.NullKeys(metadata) : [], replaceEmbedding,
                replaceEmbedding ? await EmbedAsync(embedder, patch.Embedding, patch.Content ?? default, cancellationToken) : default,
                embedder.Model, cancellationToken),
            cancellationToken));
        if (updated is null)
            return null;
        writes.Add(updated.Write);
        var answer = new CachedAnswer<EventBasis>(Json(updated.Event), updated.Snapshot!, new(space.Name, id) { WrittenBy = updated.Write.Xid });
        await cache.PutAsync(Key(space, id, includeEmbedding: true), answer, updated.Write.Xid, cancellationToken);
        return updated.Event;
    }

    public async Task<bool> DeleteAsync(Space space, Guid id, CancellationToken cancellationToken)
    {
        if (await writes.DoAsync(() => store.DeleteAsync(space, id, cancellationToken)) is not { } deleted)
            return false;
        writes.Add(deleted);
        return true;
    }

    public async Task<EventPage> ListAsync(
        Space space, int limit, EventCursor? cursor, DateTimeOffset? from, DateTimeOffset? to, bool includeEmbedding, CancellationToken cancellationToken)
    {
        var events = await store.ListAsync(space, limit + 1, cursor, from, to, includeEmbedding, cancellationToken);
        return events.Count > limit
            ? new EventPage(events[..limit], EventCursor.After(events[limit - 1]).ToString())
            : new EventPage(events, null);
    }

    /// <returns>The events next to that one; null if there is no such event.</returns>
    public async Task<EventNeighbours?> ListNeighboursAsync(Space space, Guid id, int limit, CancellationToken cancellationToken)
    {
        var (@event, _) = await store.FindAsync(space, id, includeEmbedding: false, cancellationToken);
        if (@event is null)
            return null;
        var place = EventCursor.After(@event);
        return new(
            await store.ListAsync(space, limit, place, null, null, includeEmbedding: false, cancellationToken),
            await store.ListNewerAsync(space, limit, place, cancellationToken));
    }

    private static string Key(Space space, Guid id, bool includeEmbedding) => $"{space.Name}:{id:N}{(includeEmbedding ? "+" : "")}";

    private static byte[] Json(Event @event) => JsonSerializer.SerializeToUtf8Bytes(@event, MnemoLiteJson.Default.Event);

    private static async Task<Embedded> EmbedAsync(Embedder embedder, float[]? given, JsonText content, CancellationToken cancellationToken) =>
        given is null
            ? (await embedder.EmbedAsync([EventText.Of(content)], cancellationToken))[0]
            : new(embedder.Model.Check(given), IsPending: false);
}
