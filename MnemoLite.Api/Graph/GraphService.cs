using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Options;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Graph;

/// <summary>Makes nodes and edges, and walks along them within bounds.</summary>
internal sealed class GraphService(GraphStore store, AnswerCache<GraphBasis> cache, IOptions<GraphOptions> options, TimeProvider clock)
{
    private const int MaxWords = 10;

    private readonly GraphOptions _options = options.Value;

    /// <returns>The node, and whether it was made just now; no node where there is another of that id.</returns>
    public async Task<(GraphNode? Node, bool Made)> CreateNodeAsync(Space space, NewGraphNode request, CancellationToken cancellationToken)
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
        return await store.InsertNodeAsync(space, node, cancellationToken) is { } made
            ? (made, true)
            : (await store.FindSameNodeAsync(space, node, sameTime: request.CreatedAt is not null, cancellationToken), false);
    }

    /// <returns>The edge, and whether it was made just now; no edge where there is another of that id.</returns>
    public async Task<(GraphEdge? Edge, bool Made)> CreateEdgeAsync(Space space, NewGraphEdge request, CancellationToken cancellationToken)
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
        return await store.InsertEdgeAsync(space, edge, cancellationToken) is { } made
            ? (made, true)
            : (await store.FindSameEdgeAsync(space, edge, sameTime: request.CreatedAt is not null, cancellationToken), false);
    }

    /// <summary>Answers with a list of nodes, from the cache or anew.</summary>
    public async Task<Answered<CytoscapeGraph>> ListAsync(
        Space space, string? type, Guid? eventId, string? query, int limit, EventCursor? cursor, bool bypass, CancellationToken cancellationToken) =>
        (await AnswerAsync(
            Key(space, "list", limit, eventId, cursor, query?.Length, query, type),
            async cancellationToken =>
            {
                var words = (query ?? "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Take(MaxWords);
                var part = await store.ListAsync(space, type, eventId, words, limit, cursor, _options.MaxEdges, cancellationToken);
                var next = part.CompleteDepth is null ? null : new EventCursor(part.Nodes[^1].CreatedAt, part.Nodes[^1].Id).ToString();
                var stats = Stats(part, maxDepth: null) with { Truncated = part.EdgesCut };
                return (Cytoscape(part, stats, next), part.Snapshot, Basis(space, part, isList: true));
            },
            MnemoLiteJson.Default.CytoscapeGraph, bypass, cancellationToken))!;

    /// <summary>Answers with how much there is, from the cache or anew.</summary>
    public async Task<Answered<GraphSummary>> SummariseAsync(Space space, bool bypass, CancellationToken cancellationToken) =>
        (await AnswerAsync<GraphSummary>(
            Key(space, "summary"),
            async cancellationToken =>
            {
                var (summary, snapshot) = await store.SummariseAsync(space, cancellationToken);
                return (summary, snapshot, new GraphBasis(space.Name, [], AnyNode: true, AnyEdge: true));
            },
            MnemoLiteJson.Default.GraphSummary, bypass, cancellationToken))!;

    /// <summary>Reads the edges among these nodes.</summary>
    public async Task<EdgesAmong> EdgesAmongAsync(Space space, IReadOnlyCollection<Guid> nodes, CancellationToken cancellationToken)
    {
        var part = await store.EdgesAmongAsync(space, nodes, _options.MaxEdgesAmong, cancellationToken);
        return new(part.Edges.ConvertAll(edge => new CytoscapeElement<CytoscapeEdge>(edge)), part.EdgesCut);
    }

    /// <summary>Answers with what is around a node, from the cache or anew.</summary>
    /// <returns>Null where there is no such node.</returns>
    public Task<Answered<CytoscapeGraph>?> ExpandAsync(Space space, Guid id, int depth, int? limit, bool bypass, CancellationToken cancellationToken) =>
        AnswerAsync(
            Key(space, "expand", id, depth, limit),
            async cancellationToken =>
            {
                var part = await ExpandPartAsync(space, id, depth, limit, cancellationToken);
                return (part.Nodes.Count == 0 ? null : Cytoscape(part, Stats(part, depth), nextCursor: null), part.Snapshot, Basis(space, part, id));
            },
            MnemoLiteJson.Default.CytoscapeGraph, bypass, cancellationToken);

    /// <summary>Reads anew what is around a node.</summary>
    /// <returns>Null where there is no such node.</returns>
    public async Task<CytoscapeGraph?> ExpandAsync(Space space, Guid id, int depth, int? limit, CancellationToken cancellationToken)
    {
        var part = await ExpandPartAsync(space, id, depth, limit, cancellationToken);
        return part.Nodes.Count == 0 ? null : Cytoscape(part, Stats(part, depth), nextCursor: null);
    }

    /// <summary>Answers with the nodes that can be reached, from the cache or anew.</summary>
    /// <returns>Null where there is no such start.</returns>
    public Task<Answered<TraverseResult>?> TraverseAsync(Space space, TraverseRequest request, bool bypass, CancellationToken cancellationToken) =>
        AnswerAsync(
            Key(space, "traverse", JsonSerializer.Serialize(request, MnemoLiteJson.Default.TraverseRequest)),
            async cancellationToken =>
            {
                var walk = new GraphWalk(
                    request.Start, request.MaxDepth, Math.Min(request.Limit ?? int.MaxValue, _options.MaxNodes), request.Direction, request.EdgeTypes);
                var part = await store.TraverseAsync(space, walk, cancellationToken);
                return (part.Nodes.Count == 0 ? null : new TraverseResult(part.Nodes, Stats(part, request.MaxDepth)), part.Snapshot,
                    Basis(space, part, request.Start));
            },
            MnemoLiteJson.Default.TraverseResult, bypass, cancellationToken);

    /// <summary>Answers with a shortest path, from the cache or anew.</summary>
    /// <returns>Null where there is no path that short.</returns>
    public Task<Answered<GraphPath>?> FindPathAsync(Space space, PathRequest request, bool bypass, CancellationToken cancellationToken) =>
        AnswerAsync(
            Key(space, "path", JsonSerializer.Serialize(request, MnemoLiteJson.Default.PathRequest)),
            async cancellationToken =>
            {
                var walk = new GraphWalk(request.Source, request.MaxDepth, _options.MaxPathNodes, request.Direction, request.EdgeTypes);
                var (path, snapshot) = await store.FindPathAsync(space, walk, request.Target, cancellationToken);
                HashSet<Guid> nodes = [request.Source, request.Target, .. path?.Nodes.Select(node => node.Id) ?? []];
                return (path, snapshot, new GraphBasis(space.Name, nodes, AnyNode: false, AnyEdge: true));
            },
            MnemoLiteJson.Default.GraphPath, bypass, cancellationToken);

    private async Task<Answered<T>?> AnswerAsync<T>(
        string key, Func<CancellationToken, Task<(T? Body, Snapshot Snapshot, GraphBasis Basis)>> read, JsonTypeInfo<T> type, bool bypass,
        CancellationToken cancellationToken)
        where T : class
    {
        var (answer, outcome, age) = await cache.GetAsync(
            key,
            async (_, cancellationToken) =>
            {
                var (body, snapshot, basis) = await read(cancellationToken);
                return new(body is null ? null : JsonSerializer.SerializeToUtf8Bytes(body, type), snapshot, basis);
            },
            bypass, cancellationToken);
        return answer.Json is null ? null : new(answer.Json, outcome, age);
    }

    private Task<GraphPart> ExpandPartAsync(Space space, Guid id, int depth, int? limit, CancellationToken cancellationToken) =>
        store.ExpandAsync(
            space, new GraphWalk(id, depth, Math.Min(limit ?? int.MaxValue, _options.MaxNodes), Direction: "both", EdgeTypes: null), _options.MaxEdges,
            cancellationToken);

    private static GraphBasis Basis(Space space, GraphPart part, Guid? start = null, bool isList = false)
    {
        HashSet<Guid> nodes = [.. part.Nodes.Select(node => node.Id)];
        if (start is { } id)
            nodes.Add(id);
        return new(space.Name, nodes, AnyNode: isList || part.CompleteDepth is not null, AnyEdge: false);
    }

    private static string Key(Space space, string what, params object?[] parts) =>
        $"{space.Name}:{what}:{Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join(':', parts.Select(part => Convert.ToString(part, CultureInfo.InvariantCulture))))))}";

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
