using System.Data.Common;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text.Json;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Events;

/// <summary>Stores many events of one request, and gives all of them back.</summary>
internal sealed class EventBatchService(
    EventBatchStore store, RecentWrites writes, EmbeddingModelStore models, TimeProvider clock)
{
    private const int ChunkItems = 256, ChunkBytes = 4 << 20, MaxErrors = 1000;

    /// <summary>So many keep two processors busy, of which a chunk uses one at a time, PostgreSQL's share included; more leave none to others.</summary>
    private static readonly int ChunksAtOnce = Math.Clamp(Environment.ProcessorCount, 2, 4);

    /// <summary>
    /// Stores the events of the body a few hundred at a time as they come in, some chunks being embedded while others are stored; a bad event is
    /// reported and spoils none of the others.
    /// </summary>
    public async Task<BatchResult> StoreAsync(Space space, PipeReader body, CancellationToken cancellationToken)
    {
        var result = new Outcome();
        try
        {
            await Parallel.ForEachAsync(
                ReadChunksAsync(body, result, cancellationToken),
                new ParallelOptions { MaxDegreeOfParallelism = ChunksAtOnce, CancellationToken = cancellationToken },
                async (chunk, cancelled) => await StoreChunkAsync(space, chunk, result, cancelled));
        }
        catch (DbException cause) when (result.Created > 0)
        {
            throw new BatchInterruptedException(result.Created, cause);
        }
        return result.ToBatchResult();
    }

    private async IAsyncEnumerable<List<(int Index, Event Event)>> ReadChunksAsync(
        PipeReader body, Outcome result, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
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
            if (chunk.Count >= ChunkItems || (bytes >= ChunkBytes && chunk.Count > 0))
            {
                yield return chunk;
                (chunk, bytes) = ([], 0);
            }
        }
        if (chunk.Count > 0)
            yield return chunk;
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

    private async Task StoreChunkAsync(Space space, List<(int Index, Event Event)> chunk, Outcome result, CancellationToken cancellationToken)
    {
        var stored = await writes.DoAsync(() => models.UseAsync(
            async embedder =>
            {
                var events = await EmbedAsync(embedder, chunk, cancellationToken);
                var embedded = chunk.Zip(events).Where(pair => pair.First.Event.Embedding != pair.Second.Embedding).Select(pair => pair.Second.Id).ToHashSet();
                return await store.InsertAsync(space, events, embedded, embedder.Model, writes.Add, cancellationToken);
            },
            cancellationToken));
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

    /// <summary>What became of the events, in their order, whatever chunk was the first to be stored.</summary>
    private sealed class Outcome
    {
        private readonly Lock _lock = new();
        private readonly List<BatchError> _errors = [];
        private readonly List<(int Index, Guid Id)> _created = [];
        private int _existing, _failed;

        public int Created => _created.Count;

        public void Add(int index, Guid id, StoredEvent stored)
        {
            if (stored == StoredEvent.Created)
            {
                lock (_lock)
                    _created.Add((index, id));
            }
            else if (stored == StoredEvent.Existing)
                Interlocked.Increment(ref _existing);
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

        public BatchResult ToBatchResult() => new(
            _created.Count, _existing, _failed, [.. _errors.OrderBy(error => error.Index)],
            [.. _created.OrderBy(created => created.Index).Select(created => created.Id)]);
    }
}
