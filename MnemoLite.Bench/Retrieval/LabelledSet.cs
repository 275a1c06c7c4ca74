using System.Text;
using System.Text.Json;

namespace MnemoLite.Bench.Retrieval;

/// <summary>A memory an agent may have.</summary>
/// <param name="Id">Its name in the labels, m0001.</param>
/// <param name="Text">What is remembered.</param>
/// <param name="Metadata">Its type, project and date.</param>
public sealed record LabelledMemory(string Id, string Text, IReadOnlyDictionary<string, string> Metadata);

/// <summary>A question, and which memories answer it.</summary>
/// <param name="Id">Its name; which half it is of is made from it.</param>
/// <param name="Query">What is asked.</param>
/// <param name="Relevant">By the memory's id: 2 answers it, 1 is of use.</param>
/// <param name="Kind">paraphrase: in other words; shared: in some of the same words; identifier: by a name; typo: with a mistyped word.</param>
public sealed record LabelledQuery(string Id, string Query, IReadOnlyDictionary<string, int> Relevant, string Kind)
{
    /// <summary>
    /// Whether weights may be chosen by this query. The other half is only ever measured. The lowest bit of the id's FNV-1a hash (32 bits,
    /// Fowler, Noll, Vo) decides.
    /// </summary>
    public bool IsForTuning => (Encoding.UTF8.GetBytes(Id).Aggregate(2166136261, (hash, value) => (hash ^ value) * 16777619) & 1) == 0;
}

/// <summary>The memories and questions beside the program.</summary>
public sealed record LabelledSet(IReadOnlyList<LabelledMemory> Memories, IReadOnlyList<LabelledQuery> Queries)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);

    /// <summary>Reads <c>memories.ndjson</c> and <c>queries.ndjson</c>.</summary>
    /// <param name="folder">Where they are.</param>
    public static LabelledSet Load(string folder) => new(
        ReadLines<LabelledMemory>(Path.Combine(folder, "memories.ndjson")), ReadLines<LabelledQuery>(Path.Combine(folder, "queries.ndjson")));

    /// <summary>Where the build puts them.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "Retrieval");

    private static List<T> ReadLines<T>(string path) => [.. File.ReadLines(path).Select(line => JsonSerializer.Deserialize<T>(line, Json)!)];
}
