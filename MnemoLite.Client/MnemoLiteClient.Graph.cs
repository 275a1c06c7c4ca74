using System.Globalization;
using System.Net;

namespace MnemoLite.Client;

public sealed partial class MnemoLiteClient
{
    /// <summary>Makes a node and returns it with its id; one that is there already, the same in all, is returned as it is.</summary>
    public async Task<GraphNode> CreateNodeAsync(NewGraphNode node, CancellationToken cancellationToken = default) =>
        (await SendAsync(HttpMethod.Post, "v1/graph/nodes", node, Json.NewGraphNode, Json.GraphNode, cancellationToken))!;

    /// <summary>The node of that id, or null.</summary>
    public Task<GraphNode?> GetNodeAsync(Guid id, CancellationToken cancellationToken = default) =>
        SendAsync<object, GraphNode>(HttpMethod.Get, $"v1/graph/nodes/{id}", null, null, Json.GraphNode, cancellationToken, nullIfNotFound: true);

    /// <summary>Changes a node and returns it, or null where there is none of that id.</summary>
    public Task<GraphNode?> PatchNodeAsync(Guid id, GraphNodePatch patch, CancellationToken cancellationToken = default) =>
        SendAsync(
            HttpMethod.Patch, $"v1/graph/nodes/{id}", patch, Json.GraphNodePatch, Json.GraphNode, cancellationToken, nullIfNotFound: true);

    /// <summary>Deletes a node with its edges; false where there was none of that id.</summary>
    public Task<bool> DeleteNodeAsync(Guid id, CancellationToken cancellationToken = default) =>
        DeleteGraphAsync($"v1/graph/nodes/{id}", cancellationToken);

    /// <summary>Makes an edge and returns it with its id; one that is there already, the same in all, is returned as it is.</summary>
    public async Task<GraphEdge> CreateEdgeAsync(NewGraphEdge edge, CancellationToken cancellationToken = default) =>
        (await SendAsync(HttpMethod.Post, "v1/graph/edges", edge, Json.NewGraphEdge, Json.GraphEdge, cancellationToken))!;

    /// <summary>The edge of that id, or null.</summary>
    public Task<GraphEdge?> GetEdgeAsync(Guid id, CancellationToken cancellationToken = default) =>
        SendAsync<object, GraphEdge>(HttpMethod.Get, $"v1/graph/edges/{id}", null, null, Json.GraphEdge, cancellationToken, nullIfNotFound: true);

    /// <summary>Changes an edge and returns it, or null where there is none of that id.</summary>
    public Task<GraphEdge?> PatchEdgeAsync(Guid id, GraphEdgePatch patch, CancellationToken cancellationToken = default) =>
        SendAsync(
            HttpMethod.Patch, $"v1/graph/edges/{id}", patch, Json.GraphEdgePatch, Json.GraphEdge, cancellationToken, nullIfNotFound: true);

    /// <summary>Deletes an edge; false where there was none of that id.</summary>
    public Task<bool> DeleteEdgeAsync(Guid id, CancellationToken cancellationToken = default) =>
        DeleteGraphAsync($"v1/graph/edges/{id}", cancellationToken);

    /// <summary>The newest nodes and the edges among them, a page at a time.</summary>
    /// <param name="nodeType">Only nodes of this type.</param>
    /// <param name="eventId">Only nodes that point at this event.</param>
    /// <param name="query">Only nodes whose label has each of these words, or parts of words, in whatever case.</param>
    /// <param name="limit">How many nodes, 1..1000.</param>
    /// <param name="cursor">The former page's <see cref="CytoscapeGraph.NextCursor"/>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<CytoscapeGraph> ListNodesAsync(
        string? nodeType = null, Guid? eventId = null, string? query = null, int limit = 100, string? cursor = null,
        CancellationToken cancellationToken = default)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"api/graph/nodes?limit={limit}");
        if (nodeType is not null)
            path += $"&node_type={Uri.EscapeDataString(nodeType)}";
        if (eventId is { } id)
            path += $"&event_id={id}";
        if (query is not null)
            path += $"&q={Uri.EscapeDataString(query)}";
        if (cursor is not null)
            path += $"&cursor={Uri.EscapeDataString(cursor)}";
        return (await SendAsync<object, CytoscapeGraph>(HttpMethod.Get, path, null, null, Json.CytoscapeGraph, cancellationToken))!;
    }

    /// <summary>How many nodes and edges there are.</summary>
    public Task<GraphSummary> GetGraphSummaryAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("v1/graph/summary", Json.GraphSummary, cancellationToken);

    /// <summary>The edges among these nodes, of which there may be up to 10,000.</summary>
    public async Task<EdgesAmong> ListEdgesAmongAsync(IReadOnlyList<Guid> nodes, CancellationToken cancellationToken = default) =>
        (await SendAsync(
            HttpMethod.Post, "v1/graph/edges/among", new() { Nodes = nodes }, Json.EdgesAmongRequest, Json.EdgesAmong, cancellationToken))!;

    /// <summary>What is around a node, in both directions, nearest first; null where there is none of that id.</summary>
    /// <param name="id">The node.</param>
    /// <param name="depth">How many edges to go, 1..3.</param>
    /// <param name="limit">How many nodes at most; the service has a limit of its own.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<CytoscapeGraph?> ExpandAsync(Guid id, int depth = 1, int? limit = null, CancellationToken cancellationToken = default)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"api/graph/expand/{id}?depth={depth}");
        if (limit is { } most)
            path += string.Create(CultureInfo.InvariantCulture, $"&limit={most}");
        return SendAsync<object, CytoscapeGraph>(
            HttpMethod.Get, path, null, null, Json.CytoscapeGraph, cancellationToken, nullIfNotFound: true);
    }

    /// <summary>The nodes that can be reached from one, nearest first; null where there is no such start.</summary>
    public Task<TraverseResult?> TraverseAsync(TraverseRequest request, CancellationToken cancellationToken = default) =>
        SendAsync(
            HttpMethod.Post, "v1/graph/traverse", request, Json.TraverseRequest, Json.TraverseResult, cancellationToken, nullIfNotFound: true);

    /// <summary>One shortest path between two nodes, or null where there is none of that length.</summary>
    public Task<GraphPath?> FindPathAsync(PathRequest request, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Post, "v1/graph/path", request, Json.PathRequest, Json.GraphPath, cancellationToken, nullIfNotFound: true);

    private async Task<bool> DeleteGraphAsync(string path, CancellationToken cancellationToken)
    {
        using var response = await http.DeleteAsync(new Uri(path, UriKind.Relative), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return false;
        await ThrowIfRefusedAsync(response, cancellationToken);
        return true;
    }
}
