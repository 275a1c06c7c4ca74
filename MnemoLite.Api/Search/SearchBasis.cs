using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Filters;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>
/// What an answer to a search was made of: which events could come into it, and which are in it. A new event that the filters leave out, that
/// is farther than the last of a full list of the nearest, and whose words weigh less than the last of a full list of those that match, changes nothing.
/// </summary>
/// <param name="Request">What was asked.</param>
/// <param name="Embedding">The query's meaning, where the search is by meaning.</param>
/// <param name="Lists">The lists that the answer was made of.</param>
internal sealed record SearchBasis(SearchRequest Request, float[]? Embedding, SearchLists Lists) : IAnswerBasis
{
    /// <summary>The index compares in half precision.</summary>
    private const double DistanceTolerance = 0.002;

    private const double ScoreTolerance = 1e-5;

    private Filter? _filter;
    private HashSet<Guid>? _listed;

    [JsonIgnore]
    public int Size => 500 + (4 * (Embedding?.Length ?? 0)) + (60 * Lists.Listed.Length) + (Lists.Terms?.Sum(term => 100 * term.Words.Length) ?? 0);

    private bool IsRanked => Embedding is not null || Lists.Terms is not null;

    public bool MayChange(Write write)
    {
        if (write.Kind is ChangeKind.Node or ChangeKind.Edge)
            return false;
        _listed ??= [.. Lists.Listed];
        if (write.Kind is not (ChangeKind.Created or ChangeKind.Updated or ChangeKind.Deleted))
            return true;
        if (write.Ids.Any(_listed.Contains))
            return !(write.MetadataOnly && PassesAsBefore(write) && !write.Ids.Any(Lists.Page.Contains));
        return IsRanked ? MayComeIn(write) : MayBeCounted(write);
    }

    /// <summary>Whether it is certain that the filters take, or leave out, what is written as they did before.</summary>
    private bool PassesAsBefore(Write write) =>
        (Request.Metadata is null && Request.Filter is null) || (Passes(write.Before) is { } before && before == Passes(write.After));

    /// <summary>Whether the number of events that pass the filters may be another, or a new one among the newest.</summary>
    private bool MayBeCounted(Write write) => write.Kind switch
    {
        ChangeKind.Created => Passes(write.After) ?? true,
        ChangeKind.Deleted => Passes(write.Before) ?? true,
        _ => Passes(write.Before) is not { } before || Passes(write.After) is not { } after || before != after,
    };

    /// <summary>Whether an event that is in none of the lists may come into one, or change by its words what others weigh.</summary>
    private bool MayComeIn(Write write)
    {
        if (write.Kind == ChangeKind.Deleted)
            return Passes(write.Before) != false && MayHaveWeighed(write.Before);
        var before = write.Kind == ChangeKind.Created ? false : Passes(write.Before);
        var after = Passes(write.After);
        if (before == false && after == false)
            return false;
        if (write.MetadataOnly && before is not null && before == after)
            return false;
        return (before != false && MayHaveWeighed(write.Before)) || after is null || (after.Value && (IsNearEnough(write.After!) || MayMatch(write.After!)));
    }

    private bool IsNearEnough(EventVersion version) =>
        Embedding is not null && version.Embedding is { } embedding
        && (Lists.Farthest is not { } farthest || embedding.Length != Embedding.Length
            || 1 - TensorPrimitives.CosineSimilarity(embedding, Embedding) is var distance && !(distance > farthest + DistanceTolerance));

    private bool MayMatch(EventVersion version)
    {
        if (Lists.Terms is not { } terms)
            return false;
        if (Lists.HasUnknownWords || version.Words is null)
            return true;
        var words = version.Words.ToHashSet(StringComparer.Ordinal);
        if (!IsFoundBy(words))
            return false;
        double score = 0;
        var hasAll = true;
        var remainsRare = true;
        foreach (var term in terms)
        {
            if (!term.Words.Any(words.Contains))
            {
                hasAll = false;
                continue;
            }
            score += term.Share;
            remainsRare &= term.TryCount();
        }
        return !remainsRare
            || (Lists.OfAll ? hasAll : Lists.Least is not { } least || score >= least - ScoreTolerance);
    }

    /// <summary>Whether an event that is in no list, and goes, may change what the words of others weigh.</summary>
    private bool MayHaveWeighed(EventVersion? former) =>
        Lists.Terms is not null && (Lists.Least is not null || Lists.OfAll)
        && (former?.Words is not { } words || IsFoundBy(words.ToHashSet(StringComparer.Ordinal))) && !Lists.TryDiscount();

    private bool IsFoundBy(HashSet<string> words) => Lists.Terms!.Any(term => term.IsTelling && term.Words.Any(words.Contains));

    private bool? Passes(EventVersion? version)
    {
        if (version is null)
            return null;
        if (version.Timestamp < Request.TsStart || version.Timestamp > Request.TsEnd)
            return false;
        if (Request.Metadata is null && Request.Filter is null)
            return true;
        var metadata = version.Metadata.ToElement();
        bool? contains = Request.Metadata is { } part ? FilterMatch.Contains(metadata, part.ToElement()) : true;
        if (contains == false || Request.Filter is not { } filter)
            return contains;
        return contains & (_filter ??= Filter.Parse(filter, "filter")).Passes(metadata);
    }
}

/// <summary>What the lists of a search end with, as <see cref="SearchStore"/> tells with the answer.</summary>
internal sealed record SearchLists
{
    private int _discounted;

    /// <summary>The events in the lists, of which the answer is a page.</summary>
    public Guid[] Listed { get; init; } = [];

    /// <summary>The events in the answer.</summary>
    public Guid[] Page { get; init; } = [];

    /// <summary>The distance of the last of the nearest; null if any other would be one of them too.</summary>
    public double? Farthest { get; init; }

    /// <summary>The words of the query; null where the search is not by words.</summary>
    public SearchTerm[]? Terms { get; init; }

    /// <summary>The score of the last that matches; null if any other that matches would be one of them too.</summary>
    public double? Least { get; init; }

    /// <summary>Whether only those that match all words are listed.</summary>
    public bool OfAll { get; init; }

    /// <summary>Whether a word of the query was never stored, so that others stand for it.</summary>
    public bool HasUnknownWords { get; init; }

    /// <summary>How many events may go before a word weighs more.</summary>
    public int Fall { get; init; }

    /// <summary>Counts an event that has gone; false if there may be too few then.</summary>
    public bool TryDiscount() => Interlocked.Increment(ref _discounted) <= Fall;
}

/// <summary>A word of a query.</summary>
/// <param name="Words">The lexemes that an event that matches it has one of.</param>
/// <param name="Share">The part of the query's information that it is.</param>
/// <param name="IsTelling">Whether it is one of those that find the events.</param>
/// <param name="Rise">How many more events may match it before it weighs less.</param>
internal sealed record SearchTerm(string[] Words, double Share, bool IsTelling, int Rise)
{
    private int _counted;

    /// <summary>Counts an event that matches; false if there may be too many then.</summary>
    public bool TryCount() => Interlocked.Increment(ref _counted) <= Rise;
}
