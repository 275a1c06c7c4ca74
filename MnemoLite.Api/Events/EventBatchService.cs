using System.IO.Pipelines;
using System.Text.Json;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Events;

/// <summary>Stores many events of one request, and gives all of them back.</summary>
internal sealed class EventBatchService(
    EventBatchStore store, ChangeFeed changes, Embedder embedder, EmbeddingModel model, TimeProvider clock)
{
    private const int ChunkItems = 256, ChunkBytes = 4 << 20, MaxErrors = 1000;

    /// <summary>Stores the events of the body a few hundred at a time as they come in; a bad one is reported and spoils none of the others.</summary>
    public async Task<BatchResult> StoreAsync(PipeReader body, CancellationToken cancellationToken)
    {
        var result = new Outcome();
        var chunk = new List<(int Index, Event Event)>();
        int index = 0, bytes = 0;
        await foreach (var item in BatchReader.ReadAsync(body, cancellationToken))
        {
            if (Read(item, out var error) is { } @event)
                chunk.Add((index, @event));
            else
                result.Fail(index, error!);
            index++;
            bytes += item.Utf8.Length;
            if (chunk.Count >= ChunkItems || bytes >= ChunkBytes)
            {
                await StoreAsync(chunk, result, cancellationToken);
                chunk.Clear();
                bytes = 0;
            }
        }
        await StoreAsync(chunk, result, cancellationToken);
        return result.ToBatchResult();
    }

    private async Task StoreAsync(List<(int Index, Event Event)> chunk, Outcome result, CancellationToken cancellationToken)
    {
        if (chunk.Count == 0)
            return;
        var events = chunk.ConvertAll(item => item.Event);
        var texts = events.ConvertAll(@event => @event.Embedding is null ? EventText.Of(@event.Content) : "");
        var embedded = await embedder.EmbedAsync(texts, cancellationToken);
        for (var i = 0; i < events.Count; i++)
        {
            if (embedded[i].Vector is { } vector)
                events[i] = events[i] with { Embedding = vector };
            else if (embedded[i].IsPending)
                events[i] = events[i] with { EmbeddingState = EventService.PendingState };
        }
        var stored = await store.InsertAsync(events, cancellationToken);
        changes.Publish(ChangeKind.Created, events.Zip(stored).Where(pair => pair.Second == StoredEvent.Created).Select(pair => pair.First.Id));
        for (var i = 0; i < stored.Count; i++)
            result.Add(chunk[i].Index, events[i].Id, stored[i]);
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
                Embedding = read.Embedding is null ? null : model.Check(read.Embedding),
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

    private sealed class Outcome
    {
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
            _failed++;
            if (_errors.Count < MaxErrors)
                _errors.Add(new(index, detail));
        }

        public BatchResult ToBatchResult() => new(_ids.Count, _existing, _failed, [.. _errors.OrderBy(error => error.Index)], _ids);
    }
}
