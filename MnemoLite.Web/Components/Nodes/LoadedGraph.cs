using MnemoLite.Client;

namespace MnemoLite.Web.Components.Nodes;

/// <summary>The part of the graph that is on the page.</summary>
internal sealed class LoadedGraph
{
    private readonly Dictionary<Guid, CytoscapeNode> _nodes = [];
    private readonly Dictionary<Guid, CytoscapeEdge> _edges = [];
    private readonly Dictionary<Guid, List<CytoscapeEdge>> _edgesOf = [];
    private readonly List<string> _types = [];
    private readonly HashSet<string> _hidden = [];

    public IReadOnlyDictionary<Guid, CytoscapeNode> Nodes => _nodes;

    public IReadOnlyCollection<CytoscapeEdge> AllEdges => _edges.Values;

    public int EdgeCount => _edges.Count;

    /// <summary>The types that are not shown.</summary>
    public IReadOnlySet<string> Hidden => _hidden;

    /// <summary>Gives the types that have none yet a colour and shape each, in their order; they keep them while the page is open.</summary>
    public void Name(IEnumerable<string> types) => _types.AddRange(types.Where(type => !_types.Contains(type)));

    /// <summary>Which colour and shape a type has.</summary>
    public int Slot(string type) => _types.IndexOf(type);

    /// <summary>The edges of a node, those that lead out first.</summary>
    public IReadOnlyList<(CytoscapeEdge Edge, CytoscapeNode Other)> EdgesOf(Guid node) =>
        [.. EdgeList(node)
            .Select(edge => (edge, Other: _nodes[edge.Source == node ? edge.Target : edge.Source]))
            .OrderBy(pair => pair.edge.Source == node ? 0 : 1).ThenBy(pair => pair.edge.Label, StringComparer.Ordinal)
            .ThenBy(pair => pair.Other.Label, StringComparer.OrdinalIgnoreCase)];

    /// <summary>How many edges a node has.</summary>
    public int Degree(Guid node) => EdgeList(node).Count;

    /// <summary>The nodes that are shown, the best connected first; of those only whose label or type has each of the words.</summary>
    public IEnumerable<CytoscapeNode> Find(string query)
    {
        var words = query.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return _nodes.Values
            .Where(node => !_hidden.Contains(node.Type) && words.All(word =>
                node.Label.Contains(word, StringComparison.OrdinalIgnoreCase) || node.Type.Contains(word, StringComparison.OrdinalIgnoreCase)))
            .OrderByDescending(node => Degree(node.Id)).ThenBy(node => node.Label, StringComparer.OrdinalIgnoreCase);
    }

    /// <summary>The types that nodes on the page have, and how many each.</summary>
    public IEnumerable<(string Type, int Count)> CountByType()
    {
        var counts = _nodes.Values.CountBy(node => node.Type).ToDictionary();
        return _types.Where(counts.ContainsKey).Select(type => (type, counts[type]));
    }

    /// <summary>Adds what is not there yet, and tells what that was; edges only between nodes that are there.</summary>
    public (List<CytoscapeNode> Nodes, List<CytoscapeEdge> Edges) Add(IEnumerable<CytoscapeNode> nodes, IEnumerable<CytoscapeEdge> edges)
    {
        var (newNodes, newEdges) = (new List<CytoscapeNode>(), new List<CytoscapeEdge>());
        foreach (var node in nodes)
        {
            if (!_nodes.TryAdd(node.Id, node))
                continue;
            newNodes.Add(node);
            Name([node.Type]);
        }
        foreach (var edge in edges)
        {
            if (!_nodes.ContainsKey(edge.Source) || !_nodes.ContainsKey(edge.Target) || !_edges.TryAdd(edge.Id, edge))
                continue;
            newEdges.Add(edge);
            Link(edge.Source, edge);
            if (edge.Target != edge.Source)
                Link(edge.Target, edge);
        }
        return (newNodes, newEdges);
    }

    /// <summary>Takes away a node with its edges.</summary>
    public void Remove(Guid node)
    {
        foreach (var edge in EdgeList(node).ToList())
        {
            _edges.Remove(edge.Id);
            EdgeList(edge.Source == node ? edge.Target : edge.Source).Remove(edge);
        }
        _edgesOf.Remove(node);
        _nodes.Remove(node);
    }

    /// <summary>Hides a type, or shows it again.</summary>
    public void Toggle(string type)
    {
        if (!_hidden.Remove(type))
            _hidden.Add(type);
    }

    private List<CytoscapeEdge> EdgeList(Guid node) => _edgesOf.GetValueOrDefault(node) ?? [];

    private void Link(Guid node, CytoscapeEdge edge)
    {
        if (!_edgesOf.TryGetValue(node, out var list))
            _edgesOf[node] = list = [];
        list.Add(edge);
    }
}
