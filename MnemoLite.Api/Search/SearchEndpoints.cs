using Microsoft.AspNetCore.Http.HttpResults;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

internal static class SearchEndpoints
{
    public static IHostApplicationBuilder AddSearch(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<SearchStore>();
        builder.Services.AddSingleton<SearchService>();
        return builder;
    }

    public static void MapSearch(this IEndpointRouteBuilder app)
    {
        var search = app.MapGroup("/v1/search").WithTags("Search").ValidateArguments()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        search.MapPost("/", SearchAsync).WithName("Search").WithSummary("Find events by meaning, metadata and time")
            .WithDescription("With a query the nearest in meaning come first, each with its similarity_score; without one the newest.");
    }

    private static async Task<Ok<SearchResult>> SearchAsync(SearchRequest body, SearchService search, CancellationToken cancellationToken) =>
        TypedResults.Ok(await search.SearchAsync(body, cancellationToken));
}
