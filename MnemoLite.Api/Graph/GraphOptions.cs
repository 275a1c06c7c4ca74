using System.ComponentModel.DataAnnotations;

namespace MnemoLite.Api.Graph;

/// <summary>Section <c>Graph</c>: how much one answer holds at most, so that a hub does not make it endless.</summary>
internal sealed class GraphOptions
{
    public const string Section = "Graph";

    /// <summary>Nodes that expand and traverse return, the nearest first.</summary>
    [Range(1, 100_000)]
    public int MaxNodes { get; set; } = 1000;

    /// <summary>Edges that expand and the list of nodes return, those between the nearest nodes first.</summary>
    [Range(1, 1_000_000)]
    public int MaxEdges { get; set; } = 5000;

    /// <summary>Edges that are returned among the nodes of a request.</summary>
    [Range(1, 1_000_000)]
    public int MaxEdgesAmong { get; set; } = 20_000;

    /// <summary>Nodes that the search for a path looks at.</summary>
    [Range(1, 1_000_000)]
    public int MaxPathNodes { get; set; } = 50_000;
}
