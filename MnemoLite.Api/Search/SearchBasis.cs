using System.Numerics.Tensors;
using System.Text.Json;
using System.Text.Json.Serialization;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Filters;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>
/// What an answer to a search was made of: which events could come into it, and which are in it. A new event takes its place in the lists here as it
/// would in the database, and one that is deleted leaves them; as long as the page and the total remain what they are, so does the answer. Where they
/// do not, it is known what they are now.
/// </summary>
/// <param name="Space">Where.</param>
/// <param name="Request">What was asked.</param>
/// <param name="Embedding">The query's meaning, where the search is by meaning.</param>
/// <param name="Made">The lists that the answer was made of.</param>
internal sealed record SearchBasis(string Space, SearchRequest Request, float[]? Embedding, SearchLists Made) : IAnswerBasis
{
    private Filter? _filter;
    private JsonElement? _metadata;
    private HashSet<Guid>? _listed;

    /// <summary>The lists as they are after what was taken in.</summary>
    [JsonIgnore]
    public SearchLists Lists { get; private set; } = Made;

    [JsonIgnore]
    public int Size => 500 + (4 * (Embedding?.Length ?? 0)) + (16 * Made.Page.Length) + (2 * 24 * (Made.Nearest?.Ids.Length ?? 0))
        + (2 * 32 * (Made.Matching?.Ids.Length ?? 0)) + (Made.Matching?.Terms.Sum(term => 100 * term.Words.Length) ?? 0);

    private bool IsRanked => Made.Nearest is not null || Made.Matching is not null;

    public WriteEffect TakeIn(Write write)
    {
        if (write.Kind is ChangeKind.Node or ChangeKind.Edge)
            return WriteEffect.None;
        if (write.Kind is not (ChangeKind.Created or ChangeKind.Updated or ChangeKind.Deleted) || write.Ids is not [var id])
            return WriteEffect.Unknown;
        var before = write.Kind == ChangeKind.Created ? false : Passes(write.Before);
        var after = write.Kind == ChangeKind.Deleted ? false : Passes(write.After);
        if ((write.MetadataOnly || !IsRanked) && before is not null && before == after)
            return Lists.Page.Contains(id) ? WriteEffect.Known : WriteEffect.None;
        _listed ??= [.. Lists.Page, .. Lists.Nearest?.Ids ?? [], .. Lists.Matching?.Ids ?? []];
        var isListed = _listed.Contains(id);
        if (before == false && after == false && !isListed)
            return WriteEffect.None;
        if (!IsRanked || (isListed && write.Kind != ChangeKind.Deleted))
            return WriteEffect.Unknown;
        if (before != false && Lists.Matching?.MayWeighMoreWithout(id, write.Before?.Words) == true)
            return WriteEffect.Unknown;
        if (write.Kind == ChangeKind.Deleted)
            return isListed ? Take(Lists.Nearest?.Without(id), Lists.Matching?.Without(id)) : WriteEffect.None;
        return after switch
        {
            null => WriteEffect.Unknown,
            false => WriteEffect.None,
            true => TakeIn(id, write.After!),
        };
    }

    /// <summary>Puts a new event into the lists.</summary>
    private WriteEffect TakeIn(Guid id, EventVersion version)
    {
        double? distance = null;
        var (nearest, matching) = (Lists.Nearest, Lists.Matching);
        if (Embedding is not null && version.Embedding is { } embedding)
        {
            if (embedding.Length != Embedding.Length)
                return WriteEffect.Unknown;
            distance = 1 - TensorPrimitives.CosineSimilarity(embedding, Embedding);
            if (Math.Abs(distance.Value - Request.DistanceThreshold ?? double.MaxValue) < NearestList.Rounding)
                return WriteEffect.Unknown;
            nearest = nearest?.With(id, distance.Value);
        }
        var effect = Take(nearest, matching?.With(id, version.Words, distance));
        _listed!.Add(id);
        return effect;
    }

    /// <param name="nearest">The list by meaning now; null where it is not known, or there is none.</param>
    /// <param name="matching">The same by words.</param>
    private WriteEffect Take(NearestList? nearest, MatchingList? matching)
    {
        var former = Lists;
        if ((nearest is null && former.Nearest is not null) || (matching is null && former.Matching is not null))
            return WriteEffect.Unknown;
        if (ReferenceEquals(nearest, former.Nearest) && ReferenceEquals(matching, former.Matching))
            return WriteEffect.None;
        Lists = new SearchLists(nearest, matching).AtPage(Request);
        var isSame = Lists.Total == former.Total && Lists.Page.AsSpan().SequenceEqual(former.Page);
        return isSame && !Request.Explain ? WriteEffect.None : WriteEffect.Known;
    }

    private bool? Passes(EventVersion? version)
    {
        if (version is null)
            return null;
        if (version.Timestamp < Request.TsStart || version.Timestamp > Request.TsEnd)
            return false;
        if (Request.Metadata is null && Request.Filter is null)
            return true;
        bool? contains = Request.Metadata is { } part ? FilterMatch.Contains(version.Metadata, _metadata ??= part.ToElement()) : true;
        if (contains == false || Request.Filter is not { } filter)
            return contains;
        return contains & (_filter ??= Filter.Parse(filter, "filter")).Passes(version.Metadata);
    }
}
