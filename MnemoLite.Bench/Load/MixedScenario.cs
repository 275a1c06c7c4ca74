using System.Collections.Concurrent;
using System.Globalization;

namespace MnemoLite.Bench.Load;

/// <summary>
/// What agents and people do, mixed: 55 % searches, 30 % event reads, 8 % creates, 3 % metadata patches, 3 % graph, 1 % deletes. What is
/// asked for repeats itself by Zipf's law. What is deleted was created in the same run, so that the seeded events stay.
/// </summary>
internal sealed class MixedScenario
{
    private readonly Dataset _dataset;
    private readonly Guid[] _events;
    private readonly IReadOnlyList<byte[]> _searches;
    private readonly Zipf _search, _event, _project;
    private readonly ConcurrentQueue<string> _created = new();

    public MixedScenario(Dataset dataset, IEnumerable<Guid> events, double zipf, DateTimeOffset now)
    {
        _dataset = dataset;
        _events = [.. events];
        new Random(dataset.Seed).Shuffle(_events); // those asked for most are of any age
        _searches = dataset.SearchBodies(now);
        (_search, _event, _project) = (new(_searches.Count, zipf), new(_events.Length, zipf), new(Dataset.Projects, zipf));
    }

    public Operation Next(Random random) => random.NextDouble() switch
    {
        < 0.55 => new("search", HttpMethod.Post, "v1/search/") { Body = _searches[_search.Next(random)] },
        < 0.85 => Read(random),
        < 0.93 => new("create", HttpMethod.Post, "v1/events/") { Body = _dataset.NewEvent(random), Answered = Remember },
        < 0.96 => new("patch metadata", HttpMethod.Patch, $"v1/events/{Event(random)}/metadata") { Body = Patch(random) },
        < 0.99 => new("graph", HttpMethod.Get, $"api/graph/expand/{Dataset.NodeId(_project.Next(random))}?depth=1"),
        _ => _created.TryDequeue(out var path) ? new("delete", HttpMethod.Delete, path) : Read(random),
    };

    private Operation Read(Random random) => new("read", HttpMethod.Get, $"v1/events/{Event(random)}");

    private Guid Event(Random random) => _events[_event.Next(random)];

    private void Remember(HttpResponseMessage response)
    {
        if (response.Headers.Location is { } location)
            _created.Enqueue(location.OriginalString.TrimStart('/'));
    }

    private static byte[] Patch(Random random) =>
        System.Text.Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"reviewed\":{random.Next(1000)}}}"));
}
