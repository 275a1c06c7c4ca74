using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Graph;

internal static class GraphEndpoints
{
    public static IHostApplicationBuilder AddGraph(this IHostApplicationBuilder builder)
    {
        builder.AddSettings<GraphOptions>(GraphOptions.Section);
        builder.AddAnswerCache<GraphBasis>(options => new("graph", TimeSpan.FromSeconds(options.GraphSeconds), options.GraphItems));
        builder.Services.AddSingleton<GraphStore>();
        builder.Services.AddSingleton<GraphService>();
        return builder;
    }

    public static void MapGraph(this IEndpointRouteBuilder app)
    {
        var graph = app.MapGroup("").WithTags("Graph").ValidateArguments()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        graph.MapPost("/v1/graph/nodes", CreateNodeAsync).WithName("CreateNode").WithSummary("Make a node")
            .WithDescription("With an id of its own the call can be repeated: the same node again is 200, another of that id 409.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        graph.MapGet("/v1/graph/nodes/{id}", GetNodeAsync).WithName("GetNode").WithSummary("Get a node")
            .WithDescription("The node without its edges; GET /api/graph/expand/{id} has them.").ProducesProblem(StatusCodes.Status404NotFound);
        graph.MapPatch("/v1/graph/nodes/{id}", PatchNodeAsync).WithName("UpdateNode").WithSummary("Change a node")
            .WithDescription("Type and label are replaced; properties are merged, a null value removes its key.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        graph.MapDelete("/v1/graph/nodes/{id}", DeleteNodeAsync).WithName("DeleteNode").WithSummary("Delete a node and its edges")
            .WithDescription("204 when it is gone, 404 when there was none.").ProducesProblem(StatusCodes.Status404NotFound);

        graph.MapPost("/v1/graph/edges", CreateEdgeAsync).WithName("CreateEdge").WithSummary("Make an edge")
            .WithDescription("Both its nodes must be there. Several edges between two nodes, and from a node to itself, are allowed. "
                + "With an id of its own the call can be repeated: the same edge again is 200, another of that id 409.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        graph.MapGet("/v1/graph/edges/{id}", GetEdgeAsync).WithName("GetEdge").WithSummary("Get an edge")
            .WithDescription("The edge with its properties.").ProducesProblem(StatusCodes.Status404NotFound);
        graph.MapPatch("/v1/graph/edges/{id}", PatchEdgeAsync).WithName("UpdateEdge").WithSummary("Change an edge")
            .WithDescription("The type is replaced; properties are merged, a null value removes its key.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        graph.MapDelete("/v1/graph/edges/{id}", DeleteEdgeAsync).WithName("DeleteEdge").WithSummary("Delete an edge")
            .WithDescription("204 when it is gone, 404 when there was none.").ProducesProblem(StatusCodes.Status404NotFound);

        graph.MapGet("/api/graph/nodes", ListAsync).WithName("ListNodes").WithSummary("List nodes, newest first, and the edges among them")
            .WithDescription("In the form Cytoscape takes. Pass next_cursor as cursor to get the page after this one. "
                + "q finds the nodes whose label has each of its words, or parts of words, in whatever case. "
                + "event_id finds the nodes whose properties.event_id is that event; they stay when the event is deleted.");
        graph.MapGet("/api/graph/expand/{id}", ExpandAsync).WithName("ExpandNode").WithSummary("Show what is around a node")
            .WithDescription("In the form Cytoscape takes: the nodes up to that depth in both directions, each once at its least depth, and the "
                + "edges among them. Of more than 1,000 nodes or 5,000 edges (settings Graph:MaxNodes, Graph:MaxEdges), or than limit, the nearest are "
                + "kept: stats.truncated and stats.message then say so.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        graph.MapGet("/v1/graph/summary", SummariseAsync).WithName("SummariseGraph").WithSummary("Count nodes and edges")
            .WithDescription("How many there are, and of which types the nodes are, the most common first.");
        graph.MapPost("/v1/graph/edges/among", EdgesAmongAsync).RequireAuthorization(Scopes.Read).WithName("ListEdgesAmong").WithSummary("List the edges among some nodes")
            .WithDescription("What a list or an expansion leaves out: edges between its nodes and those that were read before. "
                + "Of more than 20,000 (setting Graph:MaxEdgesAmong) some are left out: truncated then says so.");
        graph.MapPost("/v1/graph/traverse", TraverseAsync).RequireAuthorization(Scopes.Read).WithName("Traverse").WithSummary("Find the nodes that can be reached from one")
            .WithDescription("Nearest first, each once at its least depth, the start at depth 0. Too many are cut: stats.truncated then says so.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        graph.MapPost("/v1/graph/path", FindPathAsync).RequireAuthorization(Scopes.Read).WithName("FindPath").WithSummary("Find a shortest path between two nodes")
            .WithDescription("Along the direction of the edges, unless direction says otherwise; 404 when no path is that short.")
            .ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Created<GraphNode>, Ok<GraphNode>, ProblemHttpResult>> CreateNodeAsync(
        NewGraphNode body, Space space, GraphService graph, CancellationToken cancellationToken) =>
        await graph.CreateNodeAsync(space, body, cancellationToken) switch
        {
            (null, _) => Conflict("node", body.Id),
            ({ } node, true) => TypedResults.Created($"/v1/graph/nodes/{node.Id}", node),
            ({ } node, false) => TypedResults.Ok(node),
        };

    private static async Task<Results<Ok<GraphNode>, ProblemHttpResult>> GetNodeAsync(
        Guid id, Space space, GraphStore store, CancellationToken cancellationToken) =>
        Answer("node", id, await store.FindNodeAsync(space, id, cancellationToken));

    private static async Task<Results<Ok<GraphNode>, ProblemHttpResult>> PatchNodeAsync(
        Guid id, GraphNodePatch body, Space space, GraphStore store, CancellationToken cancellationToken) =>
        Answer("node", id, await store.UpdateNodeAsync(space, id, body, cancellationToken));

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteNodeAsync(
        Guid id, Space space, GraphStore store, CancellationToken cancellationToken) =>
        await store.DeleteNodeAsync(space, id, cancellationToken) ? TypedResults.NoContent() : NotThere("node", id);

    private static async Task<Results<Created<GraphEdge>, Ok<GraphEdge>, ProblemHttpResult>> CreateEdgeAsync(
        NewGraphEdge body, Space space, GraphService graph, CancellationToken cancellationToken) =>
        await graph.CreateEdgeAsync(space, body, cancellationToken) switch
        {
            (null, _) => Conflict("edge", body.Id),
            ({ } edge, true) => TypedResults.Created($"/v1/graph/edges/{edge.Id}", edge),
            ({ } edge, false) => TypedResults.Ok(edge),
        };

    private static async Task<Results<Ok<GraphEdge>, ProblemHttpResult>> GetEdgeAsync(
        Guid id, Space space, GraphStore store, CancellationToken cancellationToken) =>
        Answer("edge", id, await store.FindEdgeAsync(space, id, cancellationToken));

    private static async Task<Results<Ok<GraphEdge>, ProblemHttpResult>> PatchEdgeAsync(
        Guid id, GraphEdgePatch body, Space space, GraphStore store, CancellationToken cancellationToken) =>
        Answer("edge", id, await store.UpdateEdgeAsync(space, id, body, cancellationToken));

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteEdgeAsync(
        Guid id, Space space, GraphStore store, CancellationToken cancellationToken) =>
        await store.DeleteEdgeAsync(space, id, cancellationToken) ? TypedResults.NoContent() : NotThere("edge", id);

    private static Task<Answered<CytoscapeGraph>> ListAsync(
        [AsParameters] ListQuery query, Space space, GraphService graph, HttpRequest http, CancellationToken cancellationToken)
    {
        EventCursor? cursor = null;
        if (query.Cursor is { Length: > 0 } text)
        {
            cursor = EventCursor.TryParse(text, out var parsed)
                ? parsed
                : throw InvalidRequestException.Field("cursor", "must be the next_cursor of a former page");
        }
        return graph.ListAsync(space, query.NodeType, query.EventId, query.Query, query.Limit, cursor, http.AsksToBypass(), cancellationToken);
    }

    private static Task<Answered<GraphSummary>> SummariseAsync(Space space, GraphService graph, HttpRequest http, CancellationToken cancellationToken) =>
        graph.SummariseAsync(space, http.AsksToBypass(), cancellationToken);

    private static async Task<Ok<EdgesAmong>> EdgesAmongAsync(EdgesAmongRequest body, Space space, GraphService graph, CancellationToken cancellationToken) =>
        TypedResults.Ok(await graph.EdgesAmongAsync(space, body.Nodes, cancellationToken));

    private static async Task<Results<Answered<CytoscapeGraph>, ProblemHttpResult>> ExpandAsync(
        Guid id, [AsParameters] ExpandQuery query, Space space, GraphService graph, HttpRequest http, CancellationToken cancellationToken) =>
        await graph.ExpandAsync(space, id, query.Depth, query.Limit, http.AsksToBypass(), cancellationToken) is { } found ? found : NotThere("node", id);

    private static async Task<Results<Answered<TraverseResult>, ProblemHttpResult>> TraverseAsync(
        TraverseRequest body, Space space, GraphService graph, HttpRequest http, CancellationToken cancellationToken) =>
        await graph.TraverseAsync(space, body, http.AsksToBypass(), cancellationToken) is { } found ? found : NotThere("node", body.Start);

    private static async Task<Results<Answered<GraphPath>, ProblemHttpResult>> FindPathAsync(
        PathRequest body, Space space, GraphService graph, HttpRequest http, CancellationToken cancellationToken) =>
        await graph.FindPathAsync(space, body, http.AsksToBypass(), cancellationToken) is { } path
            ? path
            : TypedResults.Problem(
                $"There is no path of at most {body.MaxDepth} edges from {body.Source} to {body.Target}.", statusCode: StatusCodes.Status404NotFound);

    private static Results<Ok<T>, ProblemHttpResult> Answer<T>(string kind, Guid id, T? found)
        where T : class =>
        found is null ? NotThere(kind, id) : TypedResults.Ok(found);

    private static ProblemHttpResult NotThere(string kind, Guid id) =>
        TypedResults.Problem($"There is no {kind} {id}.", statusCode: StatusCodes.Status404NotFound);

    private static ProblemHttpResult Conflict(string kind, Guid? id) =>
        TypedResults.Problem(
            $"There is another {kind} {id} already: change it with PATCH, or leave the id out.", statusCode: StatusCodes.Status409Conflict);

    internal sealed record ListQuery(
        [property: Range(1, 1000, ErrorMessage = "must be between 1 and 1000")][FromQuery(Name = "limit")] int Limit = 100,
        [FromQuery(Name = "cursor")] string? Cursor = null,
        [FromQuery(Name = "node_type")] string? NodeType = null,
        [FromQuery(Name = "event_id")] Guid? EventId = null,
        [property: StringLength(200, ErrorMessage = "must be at most 200 characters long")][FromQuery(Name = "q")] string? Query = null);

    internal sealed record ExpandQuery(
        [property: Range(1, 3, ErrorMessage = "must be between 1 and 3")][FromQuery(Name = "depth")] int Depth = 1,
        [property: Range(1, int.MaxValue, ErrorMessage = "must be 1 or more")][FromQuery(Name = "limit")] int? Limit = null);
}
