using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MnemoLite.Client;

/// <summary>By what a query finds.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SearchMode>))]
public enum SearchMode
{
    /// <summary>By meaning and by words, the two orders made one.</summary>
    [JsonStringEnumMemberName("hybrid")]
    Hybrid,

    /// <summary>By meaning: nearest first.</summary>
    [JsonStringEnumMemberName("semantic")]
    Semantic,

    /// <summary>By words.</summary>
    [JsonStringEnumMemberName("keyword")]
    Keyword,
}

/// <summary>What to find.</summary>
public sealed record SearchRequest
{
    /// <summary>
    /// What it is about, in words; without it the newest events that pass the filters are found. Keyword search understands
    /// <c>"quoted phrases"</c>, <c>OR</c>, and <c>-word</c> for what must not be there.
    /// </summary>
    public string? Query { get; init; }

    /// <summary>By what the query finds; <see cref="SearchMode.Hybrid"/> if not given.</summary>
    public SearchMode? Mode { get; init; }

    /// <summary>Only events whose metadata contains this object.</summary>
    public JsonText? Metadata { get; init; }

    /// <summary>
    /// Only events whose metadata passes: <c>{field: value}</c> or <c>{field: {"$gt": 5}}</c> with the operators $eq, $ne, $gt, $gte, $lt,
    /// $lte, $in, $nin, $exists, $contains, $not; joined by $and, $or, $not; a field may be a path, <c>a.b</c>.
    /// </summary>
    public JsonText? Filter { get; init; }

    /// <summary>Only events at this time or later.</summary>
    public DateTimeOffset? TsStart { get; init; }

    /// <summary>Only events at this time or earlier.</summary>
    public DateTimeOffset? TsEnd { get; init; }

    /// <summary>How many events to return.</summary>
    [Range(1, 1000, ErrorMessage = "must be between 1 and 1000")]
    public int Limit { get; set; } = 10; // with init, the generated reader would put 0 where the field is absent

    /// <summary>How many events to pass over first.</summary>
    [Range(0, 100_000, ErrorMessage = "must be between 0 and 100000")]
    public int Offset { get; init; }

    /// <summary>Only events at this cosine distance from the query or nearer: 0 the same, 2 the opposite.</summary>
    [Range(0.0, 2.0, ErrorMessage = "must be between 0 (the same) and 2 (the opposite)")]
    public double? DistanceThreshold { get; init; }

    /// <summary>Whether each event says how it came to its place.</summary>
    public bool Explain { get; init; }
}

/// <summary>What was found, in the form of the GET routes.</summary>
/// <param name="Data">The events of this page, best first.</param>
/// <param name="Meta">The page.</param>
public sealed record SearchPage(IReadOnlyList<Event> Data, SearchPageMeta Meta);

/// <summary>Which page it is, and of how many hits.</summary>
/// <param name="Limit">How many events were asked for.</param>
/// <param name="Offset">How many were passed over.</param>
/// <param name="TotalHits">As <see cref="SearchResult.Total"/>.</param>
public sealed record SearchPageMeta(int Limit, int Offset, long TotalHits);

/// <summary>A query in words, and how many events to find.</summary>
public sealed record ContentSearch
{
    /// <summary>What it is about, in words.</summary>
    public required string Query { get; init; }

    /// <summary>By what the query finds; <see cref="SearchMode.Hybrid"/> if not given.</summary>
    public SearchMode? Mode { get; init; }

    /// <summary>How many events to return.</summary>
    [Range(1, 1000, ErrorMessage = "must be between 1 and 1000")]
    public int Limit { get; set; } = 10;
}

/// <summary>A vector, and how many events to find that are nearest to it.</summary>
public sealed record SimilaritySearch
{
    /// <summary>As long as the model's dimension.</summary>
    public required float[] Embedding { get; init; }

    /// <summary>How many events to return.</summary>
    [Range(1, 1000, ErrorMessage = "must be between 1 and 1000")]
    public int Limit { get; set; } = 10;
}

/// <summary>What was found, best first.</summary>
/// <param name="Events">The events of this page.</param>
/// <param name="Total">How many events pass the filters; with a query, how many of the candidates looked at pass the threshold.</param>
public sealed record SearchResult(IReadOnlyList<Event> Events, long Total);

/// <summary>Which values the metadata of the newest events has.</summary>
/// <param name="Events">How many events were looked at.</param>
/// <param name="Truncated">Whether there are older ones that were not.</param>
/// <param name="Keys">The keys, the most common first.</param>
public sealed record MetadataFacets(long Events, bool Truncated, IReadOnlyList<MetadataFacet> Keys);

/// <summary>The values of a key.</summary>
/// <param name="Key">A key of the metadata.</param>
/// <param name="Count">How many events have it.</param>
/// <param name="Values">Its values, the most common first; of a list, its elements.</param>
public sealed record MetadataFacet(string Key, long Count, IReadOnlyList<FacetValue> Values);

/// <summary>A value in metadata.</summary>
/// <param name="Value">A string, a number, or true or false.</param>
/// <param name="Count">How many events have it.</param>
public sealed record FacetValue(JsonElement Value, long Count);
