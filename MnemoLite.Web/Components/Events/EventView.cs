using MnemoLite.Client;

namespace MnemoLite.Web.Components.Events;

/// <summary>What the page of an event shows.</summary>
/// <param name="Id">The event that was asked for.</param>
/// <param name="Event">The event; null where there is none of that id.</param>
public sealed record EventView(Guid Id, Event? Event)
{
    private const int MostSimilar = 5, MostNodes = 3, MostNeighbours = 8, MaxBytes = 512 * 1024;

    /// <summary>What is nearest to it in meaning.</summary>
    public IReadOnlyList<Event> Similar { get; init; } = [];

    /// <summary>What was remembered just before it.</summary>
    public Event? Older { get; init; }

    /// <summary>What was remembered just after it.</summary>
    public Event? Newer { get; init; }

    /// <summary>The nodes of the graph that point at it.</summary>
    public IReadOnlyList<GraphPlace> Places { get; init; } = [];

    /// <summary>Whether it is small enough to travel inside the page; a larger one is better fetched again.</summary>
    public bool IsPortable => new[] { Event, Older, Newer }.Concat(Similar).OfType<Event>()
        .Sum(e => (long)e.Content.Utf8.Length + e.Metadata.Utf8.Length) < MaxBytes;

    public static async Task<EventView> LoadAsync(MnemoLiteClient client, Guid id, CancellationToken cancellationToken)
    {
        if (await client.GetAsync(id, cancellationToken) is not { } @event)
            return new(id, null);
        var neighbours = client.GetNeighboursAsync(id, 1, cancellationToken);
        var similar = @event.Embedding is { } embedding
            ? client.SearchSimilarAsync(new() { Embedding = embedding, Limit = MostSimilar + 1 }, cancellationToken)
            : null;
        var places = LoadPlacesAsync(client, id, cancellationToken);
        await Task.WhenAll(neighbours, similar ?? Task.CompletedTask, places);
        return new(id, @event)
        {
            Similar = similar is null ? [] : [.. (await similar).Data.Where(e => e.Id != id).Take(MostSimilar)],
            Older = (await neighbours)?.Older is [var older, ..] ? older : null,
            Newer = (await neighbours)?.Newer is [var newer, ..] ? newer : null,
            Places = await places,
        };
    }

    private static async Task<IReadOnlyList<GraphPlace>> LoadPlacesAsync(MnemoLiteClient client, Guid id, CancellationToken cancellationToken)
    {
        var nodes = await client.ListNodesAsync(eventId: id, limit: MostNodes, cancellationToken: cancellationToken);
        var places = new List<GraphPlace>();
        foreach (var node in nodes.Nodes.Select(node => node.Data))
        {
            if (await client.ExpandAsync(node.Id, depth: 1, MostNeighbours + 1, cancellationToken) is not { } around)
                continue;
            var known = around.Nodes.ToDictionary(one => one.Data.Id, one => one.Data);
            places.Add(new(node, around.Stats.Truncated,
            [
                .. around.Edges.Select(edge => edge.Data).Where(edge => edge.Source == node.Id || edge.Target == node.Id)
                    .Select(edge => new GraphLink(edge.Label, edge.Source == node.Id, known[edge.Source == node.Id ? edge.Target : edge.Source])),
            ]));
        }
        return places;
    }
}

/// <summary>A node and what is next to it.</summary>
/// <param name="Node">The node.</param>
/// <param name="HasMore">Whether more is next to it than is listed.</param>
/// <param name="Links">Its edges.</param>
public sealed record GraphPlace(CytoscapeNode Node, bool HasMore, IReadOnlyList<GraphLink> Links);

/// <summary>An edge, as seen from one of its nodes.</summary>
/// <param name="Type">How the two are related.</param>
/// <param name="IsOutgoing">Whether it leads away.</param>
/// <param name="Node">The other node.</param>
public sealed record GraphLink(string Type, bool IsOutgoing, CytoscapeNode Node);
