using Microsoft.Extensions.Options;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Graph;

/// <summary>Makes nodes and edges, and walks along them within bounds.</summary>
internal sealed class GraphService(GraphStore store, IOptions<GraphOptions> options, TimeProvider clock)
{
    private readonly GraphOptions _options = options.Value;

    /// <returns>The node, and whether it was made just now; no node where there is another of that id.</returns>
    public async Task<(GraphNode? Node, bool Made)> CreateNodeAsync(NewGraphNode request, CancellationToken cancellationToken)
    {
        var createdAt = CreatedAt(request.CreatedAt);
        var node = new GraphNode
        {
            Id = request.Id ?? Guid.CreateVersion7(createdAt),
            Type = request.Type,
            Label = request.Label,
            Properties = request.Properties,
            CreatedAt = createdAt,
        };
        return await store.InsertNodeAsync(node, cancellationToken) is { } made
            ? (made, true)
            : (await store.FindSameNodeAsync(node, sameTime: request.CreatedAt is not null, cancellationToken), false);
    }

    /// <returns>The edge, and whether it was made just now; no edge where there is another of that id.</returns>
    public async Task<(GraphEdge? Edge, bool Made)> CreateEdgeAsync(NewGraphEdge request, CancellationToken cancellationToken)
    {
        var createdAt = CreatedAt(request.CreatedAt);
        var edge = new GraphEdge
        {
            Id = request.Id ?? Guid.CreateVersion7(createdAt),
            Source = request.Source,
            Target = request.Target,
            Type = request.Type,
            Properties = request.Properties,
            CreatedAt = createdAt,
        };
        return await store.InsertEdgeAsync(edge, cancellationToken) is { } made
            ? (made, true)
            : (await store.FindSameEdgeAsync(edge, sameTime: request.CreatedAt is not null, cancellationToken), false);
    }

    public async Task<CytoscapeGraph> ListAsync(
        string? type, Guid? eventId, int limit, EventCursor? cursor, CancellationToken cancellationToken)
    {
        var part = await store.ListAsync(type, eventId, limit, cursor, _options.MaxEdges, cancellationToken);
        var next = part.CompleteDepth is null ? null : new EventCursor(part.Nodes[^1].CreatedAt, part.Nodes[^1].Id).ToString();
        return Cytoscape(part, Stats(part, maxDepth: null) with { Truncated = part.EdgesCut }, next);
    }

    /// <returns>Null where there is no such node.</returns>
    public async Task<CytoscapeGraph?> ExpandAsync(Guid id, int depth, int? limit, CancellationToken cancellationToken)
    {
        var walk = new GraphWalk(id, depth, Math.Min(limit ?? int.MaxValue, _options.MaxNodes), Direction: "both", EdgeTypes: null);
        var part = await store.ExpandAsync(walk, _options.MaxEdges, cancellationToken);
        return part.Nodes.Count == 0 ? null : Cytoscape(part, Stats(part, depth), nextCursor: null);
    }

    /// <returns>Null where there is no such start.</returns>
    public async Task<TraverseResult?> TraverseAsync(TraverseRequest request, CancellationToken cancellationToken)
    {
        var walk = new GraphWalk(
            request.Start, request.MaxDepth, Math.Min(request.Limit ?? int.MaxValue, _options.MaxNodes), request.Direction, request.EdgeTypes);
        var part = await store.TraverseAsync(walk, cancellationToken);
        return part.Nodes.Count == 0 ? null : new TraverseResult(part.Nodes, Stats(part, request.MaxDepth));
    }

    /// <returns>Null where there is no path that short.</returns>
    public Task<GraphPath?> FindPathAsync(PathRequest request, CancellationToken cancellationToken) =>
        store.FindPathAsync(
            new GraphWalk(request.Source, request.MaxDepth, _options.MaxPathNodes, request.Direction, request.EdgeTypes), request.Target,
            cancellationToken);

    private DateTimeOffset CreatedAt(DateTimeOffset? given)
    {
        var time = given?.ToUniversalTime() ?? clock.GetUtcNow();
        return time >= DateTimeOffset.UnixEpoch
            ? time.AddTicks(-(time.Ticks % TimeSpan.TicksPerMicrosecond))
            : throw InvalidRequestException.Field("created_at", "must be 1970-01-01T00:00:00Z or later");
    }

    private static CytoscapeGraph Cytoscape(GraphPart part, GraphStats stats, string? nextCursor) => new(
        part.Nodes.ConvertAll(node => new CytoscapeElement<CytoscapeNode>(
            new(node.Id, node.Label, node.Type, node.Properties, node.CreatedAt, node.Depth))),
        part.Edges.ConvertAll(edge => new CytoscapeElement<CytoscapeEdge>(edge)),
        stats,
        nextCursor);

    private static GraphStats Stats(GraphPart part, int? maxDepth)
    {
        var nodesCut = maxDepth is not null && part.CompleteDepth is not null;
        return new()
        {
            TotalNodes = part.Nodes.Count,
            TotalEdges = part.Edges.Count,
            MaxDepth = maxDepth,
            CompleteDepth = maxDepth is null ? null : part.CompleteDepth ?? maxDepth,
            Truncated = nodesCut || part.EdgesCut,
            Message = (nodesCut, part.EdgesCut) switch
            {
                (true, true) => $"Only the {part.Nodes.Count} nearest nodes and {part.Edges.Count} edges among them are here.",
                (true, false) => $"Only the {part.Nodes.Count} nearest nodes are here.",
                (false, true) => $"Only {part.Edges.Count} of the edges among these nodes are here.",
                _ => null,
            },
        };
    }
}
