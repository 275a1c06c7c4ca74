using System.Numerics.Tensors;
using System.Text.Json.Serialization;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Filters;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>
/// What an answer to a search was made of: which events could come into it, and which are in it. A new event takes its place in the lists here as it
/// would in the database; as long as the page and the total remain what they are, so does the answer.
/// </summary>
/// <param name="Space">Where.</param>
/// <param name="Request">What was asked.</param>
/// <param name="Embedding">The query's meaning, where the search is by meaning.</param>
/// <param name="Lists">The lists that the answer was made of.</param>
internal sealed record SearchBasis(string Space, SearchRequest Request, float[]? Embedding, SearchLists Lists) : IAnswerBasis
{
    private Filter? _filter;
    private HashSet<Guid>? _listed;
    private SearchLists _lists = Lists;

    [JsonIgnore]
    public int Size => 500 + (4 * (Embedding?.Length ?? 0)) + (16 * Lists.Page.Length) + (2 * 24 * (Lists.Nearest?.Ids.Length ?? 0))
        + (2 * 32 * (Lists.Matching?.Ids.Length ?? 0)) + (Lists.Matching?.Terms.Sum(term => 100 * term.Words.Length) ?? 0);

    private bool IsRanked => Lists.Nearest is not null || Lists.Matching is not null;

    public bool TakeIn(Write write)
    {
        if (write.Kind is ChangeKind.Node or ChangeKind.Edge)
            return true;
        if (write.Kind is not (ChangeKind.Created or ChangeKind.Updated or ChangeKind.Deleted))
            return false;
        _listed ??= [.. Lists.Page, .. Lists.Nearest?.Ids ?? [], .. Lists.Matching?.Ids ?? []];
        if (write.Ids.Any(_listed.Contains))
            return write.MetadataOnly && PassesAsBefore(write) && !write.Ids.Any(_lists.Page.Contains);
        return IsRanked ? TakeInRanked(write) : !MayBeCounted(write);
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

    /// <summary>Takes in what happened to an event that is in none of the lists.</summary>
    private bool TakeInRanked(Write write)
    {
        var before = write.Kind == ChangeKind.Created ? false : Passes(write.Before);
        var after = write.Kind == ChangeKind.Deleted ? false : Passes(write.After);
        if ((before == false && after == false) || (write.MetadataOnly && before is not null && before == after))
            return true;
        if (before != false && _lists.Matching?.MayHaveWeighed(write.Before?.Words) == true)
            return false;
        return after is { } passes && (!passes || TryList(write.Ids[0], write.After!));
    }

    /// <summary>Puts a new event into the lists; false if the answer may be another with it.</summary>
    private bool TryList(Guid id, EventVersion version)
    {
        double? distance = null;
        var (nearest, matching) = (_lists.Nearest, _lists.Matching);
        if (Embedding is not null && version.Embedding is { } embedding)
        {
            if (embedding.Length != Embedding.Length)
                return false;
            distance = 1 - TensorPrimitives.CosineSimilarity(embedding, Embedding);
            if (Math.Abs(distance.Value - Request.DistanceThreshold ?? double.MaxValue) < NearestList.Rounding)
                return false;
            nearest = nearest?.With(id, distance.Value);
        }
        matching = matching?.With(id, version.Words, distance);
        if ((nearest is null && _lists.Nearest is not null) || (matching is null && _lists.Matching is not null))
            return false;
        if (ReferenceEquals(nearest, _lists.Nearest) && ReferenceEquals(matching, _lists.Matching))
            return true;
        if (Request.Explain)
            return false;
        if (!ReferenceEquals(nearest, _lists.Nearest)
            && _lists.Nearest!.Farthest().Any(last => _lists.Page.Contains(last) || matching?.Ids.Contains(last) == true))
            return false; // it is not certain which of them goes, and here that would count
        var lists = _lists with { Nearest = nearest, Matching = matching };
        var ranked = lists.Rank(Request.DistanceThreshold);
        if (ranked.Count != lists.Total || !ranked.Skip(Request.Offset).Take(Request.Limit).Select(found => found.Id).SequenceEqual(lists.Page))
            return false;
        _lists = lists;
        _listed!.Add(id);
        return true;
    }

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
