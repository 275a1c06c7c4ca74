using System.ComponentModel.DataAnnotations;

namespace MnemoLite.Client;

/// <summary>A thing of the graph: a person, a project, a file, a decision.</summary>
public sealed record GraphNode
{
    /// <summary>A version 7 UUID of its creation, unless the client gave its own.</summary>
    public required Guid Id { get; init; }

    /// <summary>What kind of thing it is.</summary>
    public required string Type { get; init; }

    /// <summary>Its name.</summary>
    public required string Label { get; init; }

    /// <summary>What is known about it; its <c>event_id</c> may name the event it stands for or comes from.</summary>
    public required JsonText Properties { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>How many edges away from the start it is; only in answers to a walk.</summary>
    public int? Depth { get; init; }
}

/// <summary>A node to be made.</summary>
public sealed record NewGraphNode
{
    /// <summary>The client's own id, so that the same node can be sent again; made from the time, if not given.</summary>
    public Guid? Id { get; init; }

    /// <summary>What kind of thing it is.</summary>
    [Required(ErrorMessage = "must not be empty")]
    [StringLength(200, ErrorMessage = "must be at most 200 characters long")]
    public required string Type { get; init; }

    /// <summary>Its name.</summary>
    [Required(ErrorMessage = "must not be empty")]
    [StringLength(1000, ErrorMessage = "must be at most 1000 characters long")]
    public required string Label { get; init; }

    /// <summary>What is known about it.</summary>
    public JsonText Properties { get; init; }

    /// <summary>When it was made, 1970 or later; now, if not given.</summary>
    public DateTimeOffset? CreatedAt { get; init; }
}

/// <summary>What to change in a node; what is not given stays.</summary>
public sealed record GraphNodePatch
{
    /// <summary>Takes the place of the type.</summary>
    [StringLength(200, MinimumLength = 1, ErrorMessage = "must be 1 to 200 characters long")]
    public string? Type { get; init; }

    /// <summary>Takes the place of the label.</summary>
    [StringLength(1000, MinimumLength = 1, ErrorMessage = "must be 1 to 1000 characters long")]
    public string? Label { get; init; }

    /// <summary>Merged into the properties, key by key; a key whose value is null is removed.</summary>
    public JsonText? Properties { get; init; }
}

/// <summary>A directed edge. Two nodes may have several, and a node may have one to itself.</summary>
public sealed record GraphEdge
{
    /// <summary>A version 7 UUID of its creation, unless the client gave its own.</summary>
    public required Guid Id { get; init; }

    /// <summary>The node it leads from.</summary>
    public required Guid Source { get; init; }

    /// <summary>The node it leads to.</summary>
    public required Guid Target { get; init; }

    /// <summary>How the two are related.</summary>
    public required string Type { get; init; }

    /// <summary>What is known about the relation.</summary>
    public required JsonText Properties { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>An edge to be made.</summary>
public sealed record NewGraphEdge
{
    /// <summary>The client's own id, so that the same edge can be sent again; made from the time, if not given.</summary>
    public Guid? Id { get; init; }

    /// <summary>The node it leads from.</summary>
    public required Guid Source { get; init; }

    /// <summary>The node it leads to.</summary>
    public required Guid Target { get; init; }

    /// <summary>How the two are related; <c>related_to</c>, if not given.</summary>
    [Required(ErrorMessage = "must not be empty")]
    [StringLength(200, ErrorMessage = "must be at most 200 characters long")]
    public string Type { get; set; } = "related_to"; // with init, the generated reader would put null where the field is absent

    /// <summary>What is known about the relation.</summary>
    public JsonText Properties { get; init; }

    /// <summary>When it was made, 1970 or later; now, if not given.</summary>
    public DateTimeOffset? CreatedAt { get; init; }
}

/// <summary>What to change in an edge; what is not given stays.</summary>
public sealed record GraphEdgePatch
{
    /// <summary>Takes the place of the type.</summary>
    [StringLength(200, MinimumLength = 1, ErrorMessage = "must be 1 to 200 characters long")]
    public string? Type { get; init; }

    /// <summary>Merged into the properties, key by key; a key whose value is null is removed.</summary>
    public JsonText? Properties { get; init; }
}

/// <summary>Where to walk.</summary>
public sealed record TraverseRequest
{
    /// <summary>The node to start from.</summary>
    public required Guid Start { get; init; }

    /// <summary>Which way to follow edges: <c>out</c> from source to target, <c>in</c> against it, or <c>both</c>.</summary>
    [AllowedValues("out", "in", "both", ErrorMessage = "must be out, in or both")]
    public string Direction { get; set; } = "out"; // with init, the generated reader would put null where the field is absent

    /// <summary>Only edges of these types; of any, if not given.</summary>
    public IReadOnlyList<string>? EdgeTypes { get; init; }

    /// <summary>How many edges to go at most.</summary>
    [Range(1, 10, ErrorMessage = "must be between 1 and 10")]
    public int MaxDepth { get; set; } = 3;

    /// <summary>How many nodes to return at most; the service has a limit of its own.</summary>
    [Range(1, int.MaxValue, ErrorMessage = "must be 1 or more")]
    public int? Limit { get; init; }
}

/// <summary>The nodes a walk reaches, nearest first, the start among them at depth 0.</summary>
/// <param name="Nodes">Each once, at its least depth.</param>
/// <param name="Stats">How many, and whether all.</param>
public sealed record TraverseResult(IReadOnlyList<GraphNode> Nodes, GraphStats Stats);

/// <summary>From where to where a path is wanted.</summary>
public sealed record PathRequest
{
    /// <summary>Where the path begins.</summary>
    public required Guid Source { get; init; }

    /// <summary>Where it ends.</summary>
    public required Guid Target { get; init; }

    /// <summary>Which way to follow edges: <c>out</c> from source to target, <c>in</c> against it, or <c>both</c>.</summary>
    [AllowedValues("out", "in", "both", ErrorMessage = "must be out, in or both")]
    public string Direction { get; set; } = "out";

    /// <summary>Only edges of these types; of any, if not given.</summary>
    public IReadOnlyList<string>? EdgeTypes { get; init; }

    /// <summary>How many edges it may have.</summary>
    [Range(1, 10, ErrorMessage = "must be between 1 and 10")]
    public int MaxDepth { get; set; } = 6;
}

/// <summary>A shortest path.</summary>
/// <param name="Nodes">From the source to the target.</param>
/// <param name="Edges">Those between them, one fewer.</param>
/// <param name="Length">How many edges it has.</param>
public sealed record GraphPath(IReadOnlyList<GraphNode> Nodes, IReadOnlyList<GraphEdge> Edges, int Length);

/// <summary>A part of the graph in the form Cytoscape takes.</summary>
/// <param name="Nodes">The nodes.</param>
/// <param name="Edges">The edges among these nodes.</param>
/// <param name="Stats">How many, and whether all.</param>
/// <param name="NextCursor">What to pass as <c>cursor</c> to get the next page of a list; absent on the last one.</param>
public sealed record CytoscapeGraph(
    IReadOnlyList<CytoscapeElement<CytoscapeNode>> Nodes, IReadOnlyList<CytoscapeElement<CytoscapeEdge>> Edges, GraphStats Stats,
    string? NextCursor = null);

/// <summary>An element as Cytoscape takes it.</summary>
/// <param name="Data">The element.</param>
public sealed record CytoscapeElement<T>(T Data);

/// <summary>A node as Cytoscape takes it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Label">Its name.</param>
/// <param name="Type">What kind of thing it is.</param>
/// <param name="Props">What is known about it.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="Depth">How many edges away from the expanded node it is; absent in lists.</param>
public sealed record CytoscapeNode(Guid Id, string Label, string Type, JsonText Props, DateTimeOffset CreatedAt, int? Depth);

/// <summary>An edge as Cytoscape takes it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Source">The node it leads from.</param>
/// <param name="Target">The node it leads to.</param>
/// <param name="Label">Its type.</param>
/// <param name="CreatedAt">When it was made.</param>
public sealed record CytoscapeEdge(Guid Id, Guid Source, Guid Target, string Label, DateTimeOffset CreatedAt);

/// <summary>Between which nodes edges are wanted.</summary>
public sealed record EdgesAmongRequest
{
    /// <summary>The ids of the nodes; those that are not there have no edges.</summary>
    [Length(1, 10_000, ErrorMessage = "must be 1 to 10000 ids")]
    public required IReadOnlyList<Guid> Nodes { get; init; }
}

/// <summary>The edges among some nodes.</summary>
/// <param name="Edges">The edges, each with both its ends among the nodes.</param>
/// <param name="Truncated">Whether some were left out.</param>
public sealed record EdgesAmong(IReadOnlyList<CytoscapeElement<CytoscapeEdge>> Edges, bool Truncated);

/// <summary>How much the graph holds.</summary>
/// <param name="Nodes">How many nodes.</param>
/// <param name="Edges">How many edges.</param>
/// <param name="NodeTypes">Of which types the nodes are, the most common first.</param>
public sealed record GraphSummary(long Nodes, long Edges, IReadOnlyList<NodeTypeCount> NodeTypes);

/// <summary>How many nodes of a type there are.</summary>
/// <param name="Type">The type.</param>
/// <param name="Count">How many.</param>
public sealed record NodeTypeCount(string Type, long Count);

/// <summary>What an answer holds.</summary>
public sealed record GraphStats
{
    /// <summary>How many nodes are in the answer.</summary>
    public required int TotalNodes { get; init; }

    /// <summary>How many edges are in the answer.</summary>
    public required int TotalEdges { get; init; }

    /// <summary>The depth asked for; absent in lists.</summary>
    public int? MaxDepth { get; init; }

    /// <summary>The depth up to which no node is missing; absent in lists.</summary>
    public int? CompleteDepth { get; init; }

    /// <summary>Whether nodes or edges were left out.</summary>
    public required bool Truncated { get; init; }

    /// <summary>What was left out, and what to do about it.</summary>
    public string? Message { get; init; }
}
