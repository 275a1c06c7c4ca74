using System.Globalization;
using System.Text.Json;
using MnemoLite.Bench.Retrieval;
using MnemoLite.Client;

namespace MnemoLite.Bench.Load;

/// <summary>What is stored and what is asked; for one seed always the same.</summary>
internal sealed class Dataset(LabelledSet labelled, int seed)
{
    public const int Projects = 100;
    public const int Nodes = 10_000;
    public const int Edges = 50_000;
    private const int Searches = 2_000;
    private const int Days = 90;

    private static readonly string[] Types = ["decision", "bug", "meeting", "code", "preference"];
    private static readonly string[] Priorities = ["low", "normal", "high"];
    private static readonly string[] NodeTypes = ["person", "file", "decision", "task"];
    private static readonly string[] EdgeTypes = ["relates_to", "mentions", "depends_on", "part_of"];
    private readonly TextChain _texts = new(labelled.Memories.Select(memory => memory.Text));

    public int Seed => seed;

    /// <summary>Memories without end, of the last 90 days.</summary>
    /// <param name="now">The latest time.</param>
    public IEnumerable<BatchEvent> Events(DateTimeOffset now)
    {
        for (var random = new Random(seed); ;)
        {
            var (text, metadata) = Draw(random);
            yield return new()
            {
                Timestamp = now.AddSeconds(-random.NextDouble() * Days * 86_400),
                Content = JsonText.From(new { text }),
                Metadata = JsonText.From(metadata),
            };
        }
    }

    /// <summary>The body of a request that stores one more memory.</summary>
    public byte[] NewEvent(Random random)
    {
        var (text, metadata) = Draw(random);
        return JsonSerializer.SerializeToUtf8Bytes(new { content = new { text }, metadata });
    }

    /// <summary>A question in words.</summary>
    public string Question(Random random) => _texts.Write(random, 3, 8);

    /// <summary>The bodies of 2,000 searches, the most frequent first: half by words alone, the others with filters or by filters alone.</summary>
    public IReadOnlyList<byte[]> SearchBodies(DateTimeOffset now)
    {
        var random = new Random(seed + 1);
        return [.. Enumerable.Range(0, Searches).Select(_ => Serialize(random.NextDouble() switch
        {
            < 0.5 => new SearchRequest { Query = Question(random) },
            < 0.7 => new() { Query = Question(random), Metadata = JsonText.From(new { project = Project(random) }) },
            < 0.8 => new() { Query = Question(random), TsStart = now.Date.AddDays(-random.Next(1, 30)) },
            _ => MetadataSearch(random),
        }))];
    }

    /// <summary>A search by metadata alone.</summary>
    public static SearchRequest MetadataSearch(Random random) =>
        new() { Metadata = JsonText.From(new { project = Project(random), type = Draw(random, Types) }) };

    public static byte[] Serialize(SearchRequest search) => JsonSerializer.SerializeToUtf8Bytes(search, MnemoLiteJson.Default.SearchRequest);

    /// <summary>The nodes; the first hundred are the projects, which most edges lead to.</summary>
    public IEnumerable<NewGraphNode> GraphNodes()
    {
        var random = new Random(seed + 2);
        return Enumerable.Range(0, Nodes).Select(i => new NewGraphNode
        {
            Id = NodeId(i),
            Type = i < Projects ? "project" : Draw(random, NodeTypes),
            Label = i < Projects ? ProjectName(i) : _texts.Write(random, 2, 4),
        });
    }

    /// <summary>The edges: from any node, to the k-th as often as 1 / k says, so that there are hubs.</summary>
    public IEnumerable<NewGraphEdge> GraphEdges()
    {
        var random = new Random(seed + 3);
        var targets = new Zipf(Nodes, 1);
        return Enumerable.Range(0, Edges).Select(i => new NewGraphEdge
        {
            Id = new Guid(i, 2, 0, [0x80, 0, 0, 0, 0, 0, 0, 0]),
            Source = NodeId(random.Next(Nodes)),
            Target = NodeId(targets.Next(random)),
            Type = Draw(random, EdgeTypes),
        });
    }

    public static Guid NodeId(int node) => new(node, 1, 0, [0x80, 0, 0, 0, 0, 0, 0, 0]);

    private (string Text, Dictionary<string, string> Metadata) Draw(Random random) => (
        _texts.Write(random, 8, 20),
        new()
        {
            ["project"] = Project(random),
            ["type"] = Draw(random, Types),
            ["priority"] = Draw(random, Priorities),
            ["severity"] = random.NextDouble() switch { < 0.02 => "critical", < 0.1 => "warning", _ => "info" },
        });

    private static string Project(Random random) => ProjectName(random.Next(Projects));

    private static string ProjectName(int project) => string.Create(CultureInfo.InvariantCulture, $"project-{project:00}");

    private static string Draw(Random random, string[] values) => values[random.Next(values.Length)];
}
