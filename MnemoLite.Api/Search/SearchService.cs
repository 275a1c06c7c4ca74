using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Filters;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>Finds events by meaning, words, metadata and time.</summary>
internal sealed class SearchService(SearchStore store, Embedder embedder, EmbeddingModel model)
{
    private const int MaxQueryLength = 10_000;

    /// <exception cref="InvalidRequestException">The request contradicts itself, or its filter cannot be read.</exception>
    public async Task<SearchResult> SearchAsync(SearchRequest request, CancellationToken cancellationToken)
    {
        TimeWindow.Check(request.TsStart, request.TsEnd);
        var filter = request.Filter is { } json ? Filter.Parse(json, "filter") : null;
        if (string.IsNullOrWhiteSpace(request.Query))
            return await store.FindNewestAsync(new(request, filter, null, null), cancellationToken);
        if (request.Query.Length > MaxQueryLength)
            throw InvalidRequestException.Field("query", $"must have at most {MaxQueryLength} characters");
        var mode = request.Mode ?? SearchMode.Hybrid;
        if (mode == SearchMode.Keyword && request.DistanceThreshold is not null)
            throw InvalidRequestException.Field("distance_threshold", "must be left out in mode keyword, which measures no distance");
        float[]? embedding = null;
        try
        {
            if (mode != SearchMode.Keyword)
                embedding = await embedder.EmbedQueryAsync(request.Query, cancellationToken);
        }
        catch (EmbeddingsAwayException) when (mode == SearchMode.Hybrid)
        {
            request = request with { DistanceThreshold = null }; // by words alone: better than nothing, and no distance is known
        }
        var keywords = mode == SearchMode.Semantic ? null : KeywordQuery.Parse(request.Query);
        return await store.FindRankedAsync(new(request, filter, embedding, keywords), cancellationToken);
    }

    /// <summary>Events nearest to a vector of the caller's.</summary>
    /// <exception cref="InvalidRequestException">The vector is none of the model's.</exception>
    public async Task<SearchResult> SearchAsync(SearchRequest request, float[] embedding, CancellationToken cancellationToken)
    {
        TimeWindow.Check(request.TsStart, request.TsEnd);
        var filter = request.Filter is { } json ? Filter.Parse(json, "filter") : null;
        return await store.FindRankedAsync(new(request, filter, model.Check(embedding), null), cancellationToken);
    }
}
