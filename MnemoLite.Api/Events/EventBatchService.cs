using System.IO.Pipelines;
using System.Text.Json;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Events;

/// <summary>Stores many events of one request, and gives all of them back.</summary>
internal sealed class EventBatchService(
    EventBatchStore store, RecentWrites writes, EmbeddingModelStore models, TimeProvider clock)
{
    private const int ChunkItems = 256, ChunkBytes = 4 << 20, MaxErrors = 1000;

    /// <summary>
    /// Stores the events of the body a few hundred at a time as they come in, one chunk while the next is embedded; a bad event is reported
    /// and spoils none of the others.
    /// </summary>
    public async Task<BatchResult> StoreAsync(PipeReader body, CancellationToken cancellationToken)
    {
        var result = new Outcome();
        var chunk = new List<(int Index, Event Event)>();
        var storing = Task.CompletedTask;
        int index = 0, bytes = 0;
        try
        {
            await foreach (var item in BatchReader.ReadAsync(body, cancellationToken))
            {
                if (Read(item, out var error) is { } @event)
                    chunk.Add((index, @event));
                else
                    result.Fail(index, error!);
                index++;
                bytes += item.Utf8.Length;
                if (chunk.Count >= ChunkItems || bytes >= ChunkBytes)
                    await StoreChunkAsync();
            }
            await StoreChunkAsync();
            await storing;
            return result.ToBatchResult();
        }
        finally
        {
            await storing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // after a failure too, no statement is left running
        }

        async Task StoreChunkAsync()
        {
            var embedder = models.Current;
            var embedded = await EmbedAsync(embedder, chunk, cancellationToken);
            await storing;
            storing = InsertAsync(chunk, embedder, embedded, result, cancellationToken);
            (chunk, bytes) = ([], 0);
        }
    }

    private static async Task<List<Event>> EmbedAsync(Embedder embedder, List<(int Index, Event Event)> chunk, CancellationToken cancellationToken)
    {
        var given = chunk.ConvertAll(item => item.Event.Embedding?.Length == embedder.Model.Dimension ? item.Event.Embedding : null);
        var embedded = await embedder.EmbedAsync(
            [.. chunk.Zip(given, (item, vector) => vector is null ? EventText.Of(item.Event.Content) : "")], cancellationToken);
        return [.. chunk.Zip(given, embedded).Select(item => item.First.Event with
        {
            Embedding = item.Second ?? item.Third.Vector,
            EmbeddingState = item.Third.IsPending ? EventService.PendingState : null,
        })];
    }

    private async Task InsertAsync(
        List<(int Index, Event Event)> chunk, Embedder embeddedBy, List<Event> embedded, Outcome result, CancellationToken cancellationToken)
    {
        if (chunk.Count == 0)
            return;
        var stored = await models.UseAsync(
            async embedder => await store.InsertAsync(
                embedder == embeddedBy ? embedded : await EmbedAsync(embedder, chunk, cancellationToken), embedder.Model,
                writes.Add, cancellationToken),
            cancellationToken);
        foreach (var ((index, @event), outcome) in chunk.Zip(stored))
            result.Add(index, @event.Id, outcome);
    }

    private Event? Read(BatchItem item, out string? error)
    {
        error = item.Error;
        if (error is not null)
            return null;
        try
        {
            var read = JsonSerializer.Deserialize(item.Utf8.Span, MnemoLiteJson.Default.BatchEvent)
                ?? throw new JsonException("must be an object, such as {\"content\": {\"text\": \"…\"}}");
            var timestamp = EventService.ReadTimestamp(read.Timestamp, clock);
            _ = EventText.Of(read.Content);
            return new Event
            {
                Id = read.Id ?? EventId.New(timestamp),
                Timestamp = timestamp,
                Content = read.Content,
                Metadata = read.Metadata,
                Embedding = read.Embedding is null ? null : models.Current.Model.Check(read.Embedding),
            };
        }
        catch (JsonException exception)
        {
            error = $"{JsonReason.Field(exception) ?? "The event"} {JsonReason.Of(exception)}.";
        }
        catch (InvalidRequestException exception)
        {
            error = exception.Message;
        }
        return null;
    }

    /// <summary>Bad events are told while others are being stored.</summary>
    private sealed class Outcome
    {
        private readonly Lock _lock = new();
        private readonly List<BatchError> _errors = [];
        private readonly List<Guid> _ids = [];
        private int _existing, _failed;

        public void Add(int index, Guid id, StoredEvent stored)
        {
            if (stored == StoredEvent.Created)
                _ids.Add(id);
            else if (stored == StoredEvent.Existing)
                _existing++;
            else if (stored == StoredEvent.Different)
                Fail(index, $"There is an event {id} already, with other values: leave its id out to store both.");
            else
                Fail(index, "A value cannot be stored: PostgreSQL takes no number beyond its range.");
        }

        public void Fail(int index, string detail)
        {
            lock (_lock)
            {
                _failed++;
                if (_errors.Count < MaxErrors)
                    _errors.Add(new(index, detail));
            }
        }

        public BatchResult ToBatchResult() => new(_ids.Count, _existing, _failed, [.. _errors.OrderBy(error => error.Index)], _ids);
    }
}
