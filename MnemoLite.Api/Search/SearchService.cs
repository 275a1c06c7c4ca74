using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Filters;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Rows = System.Collections.Generic.Dictionary<System.Guid, (MnemoLite.Client.Event Event, double? Distance)>;

namespace MnemoLite.Api.Search;

/// <summary>Finds events by meaning, words, metadata and time.</summary>
internal sealed class SearchService(
    SearchStore store, SpaceStatisticsStore spaces, EmbeddingModelStore models, AnswerCache<SearchBasis> cache, SearchLimiter limiter)
{
    private const int MaxQueryLength = 10_000;

    /// <summary>A page that begins deeper is looked up every time.</summary>
    private const int MaxCachedDepth = 1000;

    private const int MaxTries = 3;

    /// <summary>Answers a search from the cache, or makes the answer.</summary>
    /// <param name="space">Where.</param>
    /// <param name="request">What is asked.</param>
    /// <param name="vector">Events nearest to this instead of a query, if given.</param>
    /// <param name="shape">Makes the body of what was found.</param>
    /// <param name="type">The body's type.</param>
    /// <param name="bypass">Whether to make the answer in any case.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <exception cref="InvalidRequestException">The request contradicts itself, its filter cannot be read, or the vector is none of the model's.</exception>
    public async Task<Answered<TBody>> AnswerAsync<TBody>(
        Space space, SearchRequest request, float[]? vector, Func<SearchResult, TBody> shape, JsonTypeInfo<TBody> type, bool bypass, CancellationToken cancellationToken)
    {
        var model = models.Current.Model;
        var (answer, outcome, age) = await cache.GetAsync(
            Key<TBody>(space, request, vector, model),
            async (former, cancellationToken) =>
            {
                if (former?.Basis is { } basis && await ReadPageAsync(space, basis, model, cancellationToken) is { } page)
                    return former.Continue(Json(page), new(basis.Space, basis.Request, basis.Embedding, basis.Lists));
                using var turn = await limiter.EnterAsync(cancellationToken);
                var (query, found) = await FindAsync(space, request, vector, cancellationToken);
                return new(Json(found.Result), found.Snapshot, new SearchBasis(space.Name, query.Request, query.Embedding, found.Lists));
            },
            bypass || request.Offset + request.Limit > MaxCachedDepth, cancellationToken);
        return new(answer.Json, outcome, age);

        byte[] Json(SearchResult result) => JsonSerializer.SerializeToUtf8Bytes(shape(result), type);
    }

    /// <summary>Finds events anew.</summary>
    /// <exception cref="InvalidRequestException">The request contradicts itself, or its filter cannot be read.</exception>
    public async Task<SearchResult> SearchAsync(Space space, SearchRequest request, CancellationToken cancellationToken)
    {
        using var turn = await limiter.EnterAsync(cancellationToken);
        return (await FindAsync(space, request, vector: null, cancellationToken)).Found.Result;
    }

    /// <summary>The same beside those that take turns, and of a vector.</summary>
    /// <exception cref="InvalidRequestException">The request contradicts itself, its filter cannot be read, or the vector is none of the model's.</exception>
    public async Task<(SearchQuery Query, Found Found)> FindAsync(
        Space space, SearchRequest request, float[]? vector, CancellationToken cancellationToken)
    {
        TimeWindow.Check(request.TsStart, request.TsEnd);
        var filter = request.Filter is { } json ? Filter.Parse(json, "filter") : null;
        var asked = new SearchQuery(space, await spaces.GetAsync(space, cancellationToken), request, filter, null, null);
        if (vector is not null)
        {
            return await models.UseAsync(
                embedder => FindRankedAsync(asked with { Embedding = embedder.Model.Check(vector) }, embedder, byMeaning: true, cancellationToken),
                cancellationToken);
        }
        if (string.IsNullOrWhiteSpace(request.Query))
        {
            return (asked, await store.FindNewestAsync(asked, cancellationToken));
        }
        if (request.Query.Length > MaxQueryLength)
            throw InvalidRequestException.Field("query", $"must have at most {MaxQueryLength} characters");
        var mode = request.Mode ?? SearchMode.Hybrid;
        if (mode == SearchMode.Keyword && request.DistanceThreshold is not null)
            throw InvalidRequestException.Field("distance_threshold", "must be left out in mode keyword, which measures no distance");
        var keywords = mode == SearchMode.Semantic ? null : KeywordQuery.Parse(request.Query);
        if (mode == SearchMode.Keyword)
            return await FindRankedAsync(asked with { Keywords = keywords }, models.Current, byMeaning: false, cancellationToken);
        try
        {
            return await models.UseAsync(
                embedder => FindRankedAsync(asked with { Keywords = keywords }, embedder, byMeaning: true, cancellationToken), cancellationToken);
        }
        catch (EmbeddingsAwayException) when (mode == SearchMode.Hybrid)
        {
            // by words alone: better than nothing, and no distance is known
            return await FindRankedAsync(
                asked with { Request = request with { DistanceThreshold = null }, Keywords = keywords }, models.Current, byMeaning: false, cancellationToken);
        }
    }

    /// <summary>
    /// The two lists are looked up at once, that of the words while the query is embedded; what they saw may differ by a write, which the answer counts
    /// as one that it did not see. The connection that is the last to have its list reads the page.
    /// </summary>
    private async Task<(SearchQuery Query, Found Found)> FindRankedAsync(
        SearchQuery query, Embedder embedder, bool byMeaning, CancellationToken cancellationToken)
    {
        var model = embedder.Model;
        if (byMeaning && query.Keywords is not null && query.Request.DistanceThreshold is not null)
            await EmbedAsync(); // the distances of what matches are asked for, too
        for (var tries = 1; ; tries++)
        {
            NearestList? nearest = null;
            MatchingList? matching = null;
            List<Task<FoundPage?>> lookups = [];
            if (query.Keywords is not null)
                lookups.Add(store.FindMatchingAsync(query, model, list => PageWith(ref matching, list), cancellationToken));
            if (byMeaning)
                lookups.Add(FindNearestAsync(list => PageWith(ref nearest, list)));
            var (lists, rows) = (await Task.WhenAll(lookups)).OfType<FoundPage>().First(); // both, where both lists came at the same time
            if (rows.Count < lists.Page.Length && tries < MaxTries)
                continue; // an event was forgotten meanwhile, and another has its place
            var snapshot = (lists.Nearest?.Snapshot, lists.Matching?.Snapshot) is ({ } one, { } other)
                ? one.And(other)
                : lists.Nearest?.Snapshot ?? lists.Matching!.Snapshot!;
            return (query, new(new SearchResult(Explain(lists, rows, query.Request), lists.Total), lists, snapshot));

            PageToRead? PageWith<TList>(ref TList? own, TList list) where TList : class
            {
                Interlocked.Exchange(ref own, list);
                var (near, match) = (Volatile.Read(ref nearest), Volatile.Read(ref matching));
                return (byMeaning && near is null) || (query.Keywords is not null && match is null)
                    ? null
                    : new(new SearchLists(near, match).AtPage(query.Request), query.Embedding);
            }
        }

        async Task EmbedAsync() =>
            query = query with { Embedding = query.Embedding ?? await embedder.EmbedQueryAsync(query.Request.Query!, cancellationToken) };

        async Task<FoundPage?> FindNearestAsync(Func<NearestList, PageToRead?> pageWith)
        {
            await EmbedAsync();
            return await store.FindNearestAsync(query, model, models.ShortFormsOf(model), pageWith, cancellationToken);
        }
    }

    /// <summary>The answer that is made of lists that are known to be right; null where an event of its page, or the model, is another by now.</summary>
    private Task<SearchResult?> ReadPageAsync(Space space, SearchBasis basis, EmbeddingModel model, CancellationToken cancellationToken) => models.UseAsync(
        async embedder =>
        {
            if (embedder.Model.Id != model.Id)
                return null;
            var rows = await store.ReadAsync(basis.Lists.Page, space, basis.Embedding, model, cancellationToken);
            return rows.Count < basis.Lists.Page.Length ? null : new SearchResult(Explain(basis.Lists, rows, basis.Request), basis.Lists.Total);
        },
        cancellationToken);

    /// <summary>Those events of a page that are there, each with what its place is made of, if that is asked for.</summary>
    private static List<Event> Explain(SearchLists lists, Rows rows, SearchRequest request)
    {
        var places = request.Explain ? lists.Rank(request.DistanceThreshold).ToDictionary(found => found.Id) : [];
        return [.. lists.Page.Where(rows.ContainsKey).Select(id => Explain(rows[id]))];

        Event Explain((Event Event, double? Distance) row)
        {
            var @event = row.Event with { SimilarityScore = 1 - row.Distance };
            return !places.TryGetValue(@event.Id, out var place) ? @event : @event with
            {
                Distance = row.Distance,
                SemanticRank = place.SemanticRank,
                KeywordRank = place.KeywordRank,
                KeywordScore = place.KeywordScore,
                FusedScore = lists.Matching is null ? 1 - row.Distance : place.FusedScore,
            };
        }
    }

    private static string Key<TBody>(Space space, SearchRequest request, float[]? vector, EmbeddingModel model)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(request, MnemoLiteJson.Default.SearchRequest));
        if (vector is not null)
            hash.AppendData(System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(vector));
        return $"{space.Name}:{typeof(TBody).Name}:{model.Id}:{Convert.ToHexString(hash.GetHashAndReset())}";
    }
}
