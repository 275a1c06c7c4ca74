using System.Globalization;
using System.Net.Http.Json;
using MnemoLite.Client;

namespace MnemoLite.Bench.Load;

/// <summary>Fills the store with the dataset, through the API.</summary>
internal sealed class Seeding(HttpClient http, Dataset dataset, Progress progress)
{
    private const int BatchSize = 500;
    private const int Batches = 2;
    private const int GraphRequests = 16;
    private readonly MnemoLiteClient _client = new(http);

    /// <summary>Stores what is missing of that many events, and the graph.</summary>
    /// <returns>Whether anything was missing.</returns>
    /// <exception cref="ArgumentException">The store holds something else: its owner's memories are not for a benchmark.</exception>
    public async Task<bool> CompleteAsync(int events, CancellationToken cancellationToken)
    {
        var there = (await _client.GetStoreAsync(cancellationToken)).Events;
        var isOurs = await _client.GetNodeAsync(Dataset.NodeId(0), cancellationToken) is not null;
        if (there > 0 && !isOurs)
            throw new ArgumentException("The store holds something else than a benchmark's data: give the address of one with an empty store, or none.");
        if (there >= events)
            return false;
        if (!isOurs)
            await StoreGraphAsync(cancellationToken);
        await StoreEventsAsync((int)there, events, cancellationToken);
        return true;
    }

    /// <summary>The ids of all events.</summary>
    public async Task<List<Guid>> ReadIdsAsync(CancellationToken cancellationToken)
    {
        var ids = new List<Guid>();
        string? cursor = null;
        do
        {
            var page = await _client.ListAsync(1000, cursor, cancellationToken);
            ids.AddRange(page.Events.Select(@event => @event.Id));
            cursor = page.NextCursor;
        }
        while (cursor is not null);
        return ids;
    }

    private async Task StoreEventsAsync(int there, int events, CancellationToken cancellationToken)
    {
        var stored = there;
        await Parallel.ForEachAsync(
            dataset.Events(DateTimeOffset.UtcNow).Skip(there).Take(events - there).Chunk(BatchSize),
            new ParallelOptions { MaxDegreeOfParallelism = Batches, CancellationToken = cancellationToken },
            async (chunk, cancellation) =>
            {
                var result = await _client.StoreAsync(chunk.ToAsyncEnumerable(), cancellation);
                if (result.Created != chunk.Length)
                    throw new InvalidOperationException($"An event was not stored: {string.Join(' ', result.Errors.Select(error => error.Detail))}");
                progress.Show(string.Create(CultureInfo.InvariantCulture, $"Storing events: {Interlocked.Add(ref stored, chunk.Length):N0} of {events:N0}"));
            });
    }

    private async Task StoreGraphAsync(CancellationToken cancellationToken)
    {
        await PostAsync("v1/graph/nodes", dataset.GraphNodes().Select(node => JsonContent.Create(node, MnemoLiteJson.Default.NewGraphNode)), Dataset.Nodes, cancellationToken);
        await PostAsync("v1/graph/edges", dataset.GraphEdges().Select(edge => JsonContent.Create(edge, MnemoLiteJson.Default.NewGraphEdge)), Dataset.Edges, cancellationToken);
    }

    private async Task PostAsync(string path, IEnumerable<HttpContent> bodies, int count, CancellationToken cancellationToken)
    {
        var stored = 0;
        var address = new Uri(path, UriKind.Relative);
        await Parallel.ForEachAsync(
            bodies,
            new ParallelOptions { MaxDegreeOfParallelism = GraphRequests, CancellationToken = cancellationToken },
            async (body, cancellation) =>
            {
                using var content = body;
                using var response = await http.PostAsync(address, content, cancellation);
                response.EnsureSuccessStatusCode();
                if (Interlocked.Increment(ref stored) is var done && done % 1000 == 0)
                    progress.Show(string.Create(CultureInfo.InvariantCulture, $"Storing {path[(path.LastIndexOf('/') + 1)..]}: {done:N0} of {count:N0}"));
            });
    }
}
