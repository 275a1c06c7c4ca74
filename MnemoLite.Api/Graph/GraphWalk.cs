using MnemoLite.Api.Database;
using MnemoLite.Client;

namespace MnemoLite.Api.Graph;

/// <summary>Where to walk, and how far.</summary>
/// <param name="Start">The node to start from.</param>
/// <param name="MaxDepth">How many edges to go at most.</param>
/// <param name="MaxNodes">How many nodes to visit at most.</param>
/// <param name="Direction"><c>out</c>, <c>in</c> or <c>both</c>.</param>
/// <param name="EdgeTypes">The edges to follow; all, if null.</param>
internal sealed record GraphWalk(Guid Start, int MaxDepth, int MaxNodes, string Direction, IReadOnlyList<string>? EdgeTypes);

/// <summary>A part of the graph.</summary>
/// <param name="Nodes">Its nodes, in their order.</param>
/// <param name="Edges">Edges among them.</param>
/// <param name="CompleteDepth">Where nodes are missing: the depth up to which none is. Null where none is missing.</param>
/// <param name="EdgesCut">Whether there are more edges among the nodes.</param>
/// <param name="Snapshot">What the database had, or a little less, when they were read.</param>
internal sealed record GraphPart(List<GraphNode> Nodes, List<CytoscapeEdge> Edges, int? CompleteDepth, bool EdgesCut, Snapshot Snapshot);
