using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

internal static class SearchEndpoints
{
    public static IHostApplicationBuilder AddSearch(this IHostApplicationBuilder builder)
    {
        builder.AddAnswerCache<SearchBasis>(options => new("search", TimeSpan.FromSeconds(options.SearchSeconds), options.SearchItems));
        builder.Services.AddSingleton<NearestStore>();
        builder.Services.AddSingleton<SearchStore>();
        builder.Services.AddSingleton<SearchService>();
        builder.Services.AddSingleton<SpaceStatisticsStore>();
        builder.Services.AddSingleton<WordStore>();
        builder.Services.AddSingleton<FacetStore>();
        builder.Services.AddSingleton<FlatIndexStore>();
        builder.Services.AddSingleton<LiveFlatIndex>();
        builder.Services.AddHostedService<FlatIndexWorker>();
        builder.Services.AddHostedService<FirstSearch>();
        return builder;
    }

    public static void MapSearch(this IEndpointRouteBuilder app)
    {
        var search = app.MapGroup("/v1").WithTags("Search").ValidateArguments().RequireAuthorization(Scopes.Read)
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        search.MapPost("/search", SearchAsync).WithName("Search").WithSummary("Find events by meaning, words, metadata and time")
            .WithDescription("With a query the best come first, by meaning and words (mode hybrid), or by one of them; without one the newest.");
        search.MapGet("/search", SearchByQueryAsync).WithName("SearchByQuery").WithSummary("Find events, by a GET")
            .WithDescription("vector_query is text or a JSON list of floats, filter_metadata a JSON object the metadata must contain.");
        search.MapPost("/search/content", SearchContentAsync).WithName("SearchContent").WithSummary("Find events by a text")
            .WithDescription("As GET /v1/search with that text.");
        search.MapPost("/search/similarity", SearchSimilarAsync).WithName("SearchSimilar").WithSummary("Find the events nearest to a vector")
            .WithDescription("The vector has as many numbers as the store's model makes; each event has its similarity_score.");
        search.MapGet("/search/metadata", SearchMetadataAsync).WithName("SearchMetadata").WithSummary("Find events by metadata, newest first")
            .WithDescription("filter_metadata is a JSON object the metadata must contain.");
        search.MapGet("/search/facets", CountFacetsAsync).WithName("CountFacets").WithSummary("Count the values that metadata has, to filter by")
            .WithDescription("Of the newest 5,000 events, within ts_start and ts_end if given (truncated says that there are more): up to 40 keys, the "
                + "most common first, each with up to 20 values. An element of a list counts as a value; objects, and values longer than 100 "
                + "characters, are left out.");
        search.MapPost("/events/search/embedding", SearchEmbeddingAsync).WithName("SearchEventsByEmbedding")
            .WithSummary("List the events nearest to a vector").WithDescription("The body is the vector, a JSON list of floats.");
        search.MapPost("/events/filter/metadata", FilterMetadataAsync).WithName("FilterEventsByMetadata")
            .WithSummary("List the events whose metadata contains an object, newest first").WithDescription("The body is the object.");
    }

    private static Task<Answered<SearchResult>> SearchAsync(
        SearchRequest body, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken) =>
        search.AnswerAsync(space, body, null, found => found, MnemoLiteJson.Default.SearchResult, http.AsksToBypass(), cancellationToken);

    private static Task<Answered<SearchPage>> SearchByQueryAsync(
        [AsParameters] PageQuery page, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken,
        [FromQuery(Name = "vector_query")] string? query = null, [FromQuery(Name = "mode")] string? mode = null,
        [FromQuery(Name = "distance_threshold")] double distanceThreshold = 1)
    {
        if (distanceThreshold is not (>= 0 and <= 2))
            throw InvalidRequestException.Field("distance_threshold", "must be between 0 (the same) and 2 (the opposite)");
        var searchMode = ReadMode(mode);
        var request = page.ToRequest() with { Mode = searchMode, DistanceThreshold = searchMode == SearchMode.Keyword ? null : distanceThreshold };
        return query?.TrimStart() is ['[', ..]
            ? PageAsync(request, ReadVector(query), space, search, http, cancellationToken)
            : PageAsync(request with { Query = query }, null, space, search, http, cancellationToken);
    }

    private static Task<Answered<SearchPage>> SearchContentAsync(
        ContentSearch body, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken) =>
        string.IsNullOrWhiteSpace(body.Query)
            ? throw InvalidRequestException.Field("query", "must have a word at least")
            : PageAsync(new() { Query = body.Query, Mode = body.Mode, Limit = body.Limit }, null, space, search, http, cancellationToken);

    private static Task<Answered<SearchPage>> SearchSimilarAsync(
        SimilaritySearch body, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken) =>
        PageAsync(new() { Limit = body.Limit }, body.Embedding, space, search, http, cancellationToken);

    private static Task<Answered<SearchPage>> SearchMetadataAsync(
        [AsParameters] PageQuery page, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken) =>
        PageAsync(page.ToRequest(), null, space, search, http, cancellationToken);

    private static async Task<Ok<MetadataFacets>> CountFacetsAsync(
        Space space, FacetStore facets, CancellationToken cancellationToken,
        [FromQuery(Name = "ts_start")] DateTimeOffset? from = null, [FromQuery(Name = "ts_end")] DateTimeOffset? to = null)
    {
        TimeWindow.Check(from, to);
        return TypedResults.Ok(await facets.CountAsync(space, from, to, cancellationToken));
    }

    private static Task<Answered<IReadOnlyList<Event>>> SearchEmbeddingAsync(
        [FromBody] float[] body, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken,
        [FromQuery(Name = "limit")] int limit = 10) =>
        limit is < 1 or > 1000
            ? throw InvalidRequestException.Field("limit", "must be between 1 and 1000")
            : ListAsync(new() { Limit = limit }, body, space, search, http, cancellationToken);

    private static Task<Answered<IReadOnlyList<Event>>> FilterMetadataAsync(
        [FromBody] JsonText body, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken,
        [FromQuery(Name = "limit")] int limit = 10, [FromQuery(Name = "offset")] int offset = 0)
    {
        if (limit is < 1 or > 100)
            throw InvalidRequestException.Field("limit", "must be between 1 and 100");
        if (offset is < 0 or > 100_000)
            throw InvalidRequestException.Field("offset", "must be between 0 and 100000");
        return ListAsync(new() { Metadata = body, Limit = limit, Offset = offset }, null, space, search, http, cancellationToken);
    }

    private static Task<Answered<SearchPage>> PageAsync(
        SearchRequest request, float[]? vector, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken) =>
        search.AnswerAsync(
            space, request, vector, found => new SearchPage(found.Events, new(request.Limit, request.Offset, found.Total)), MnemoLiteJson.Default.SearchPage,
            http.AsksToBypass(), cancellationToken);

    private static Task<Answered<IReadOnlyList<Event>>> ListAsync(
        SearchRequest request, float[]? vector, Space space, SearchService search, HttpRequest http, CancellationToken cancellationToken) =>
        search.AnswerAsync(
            space, request, vector, found => found.Events, MnemoLiteJson.Default.IReadOnlyListEvent, http.AsksToBypass(), cancellationToken);

    private static SearchMode? ReadMode(string? mode) => mode switch
    {
        null or "" => null,
        "hybrid" => SearchMode.Hybrid,
        "semantic" => SearchMode.Semantic,
        "keyword" => SearchMode.Keyword,
        _ => throw InvalidRequestException.Field("mode", "must be hybrid, semantic or keyword"),
    };

    private static float[] ReadVector(string text)
    {
        try
        {
            return JsonSerializer.Deserialize(text, MnemoLiteJson.Default.SingleArray) ?? [];
        }
        catch (JsonException)
        {
            throw new BadHttpRequestException("vector_query starts like a JSON list but is none: send [0.1, 0.2, …], or text.");
        }
    }

    internal sealed record PageQuery(
        [property: Range(1, 100, ErrorMessage = "must be between 1 and 100")][FromQuery(Name = "limit")] int Limit = 10,
        [property: Range(0, 100_000, ErrorMessage = "must be between 0 and 100000")][FromQuery(Name = "offset")] int Offset = 0,
        [FromQuery(Name = "filter_metadata")] string? FilterMetadata = null,
        [FromQuery(Name = "ts_start")] DateTimeOffset? From = null,
        [FromQuery(Name = "ts_end")] DateTimeOffset? To = null)
    {
        public SearchRequest ToRequest() => new()
        {
            Limit = Limit,
            Offset = Offset,
            Metadata = string.IsNullOrWhiteSpace(FilterMetadata) ? null : ReadMetadata(FilterMetadata),
            TsStart = From,
            TsEnd = To,
        };

        private static JsonText ReadMetadata(string text)
        {
            try
            {
                return JsonText.Parse(text);
            }
            catch (JsonException)
            {
                throw new BadHttpRequestException("filter_metadata must be a JSON object, such as {\"project\": \"website\"}.");
            }
        }
    }
}
