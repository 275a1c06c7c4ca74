using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Graph;

/// <summary>What a part of the graph was made of.</summary>
/// <param name="Space">Where it is.</param>
/// <param name="Nodes">The nodes in it: an edge elsewhere changes nothing.</param>
/// <param name="AnyNode">Whether any other node may change it: a list of nodes, or a part of which some had to be left out.</param>
/// <param name="AnyEdge">Whether any edge may change it: a path could become shorter by one.</param>
internal sealed record GraphBasis(string Space, HashSet<Guid> Nodes, bool AnyNode, bool AnyEdge) : IAnswerBasis
{
    public int Size => 40 * Nodes.Count;

    public WriteEffect TakeIn(Write write) => write.Kind switch
    {
        ChangeKind.Node when AnyNode || write.Ids.Any(Nodes.Contains) => WriteEffect.Unknown,
        ChangeKind.Edge when AnyEdge || write.Ids.Any(Nodes.Contains) => WriteEffect.Unknown,
        _ => WriteEffect.None,
    };
}
