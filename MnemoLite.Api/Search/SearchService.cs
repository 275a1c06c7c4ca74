using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Filters;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>Finds events by meaning, words, metadata and time.</summary>
internal sealed class SearchService(SearchStore store, EmbeddingModelStore models)
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
        var keywords = mode == SearchMode.Semantic ? null : KeywordQuery.Parse(request.Query);
        if (mode == SearchMode.Keyword)
            return await store.FindRankedAsync(new(request, filter, null, keywords), models.Current.Model, cancellationToken);
        try
        {
            return await models.UseAsync(
                async embedder => await store.FindRankedAsync(
                    new(request, filter, await embedder.EmbedQueryAsync(request.Query, cancellationToken), keywords), embedder.Model, cancellationToken),
                cancellationToken);
        }
        catch (EmbeddingsAwayException) when (mode == SearchMode.Hybrid)
        {
            // by words alone: better than nothing, and no distance is known
            return await store.FindRankedAsync(
                new(request with { DistanceThreshold = null }, filter, null, keywords), models.Current.Model, cancellationToken);
        }
    }

    /// <summary>Events nearest to a vector of the caller's.</summary>
    /// <exception cref="InvalidRequestException">The vector is none of the model's.</exception>
    public async Task<SearchResult> SearchAsync(SearchRequest request, float[] embedding, CancellationToken cancellationToken)
    {
        TimeWindow.Check(request.TsStart, request.TsEnd);
        var filter = request.Filter is { } json ? Filter.Parse(json, "filter") : null;
        return await models.UseAsync(
            embedder => store.FindRankedAsync(new(request, filter, embedder.Model.Check(embedding), null), embedder.Model, cancellationToken),
            cancellationToken);
    }
}
