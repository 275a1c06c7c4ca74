using Microsoft.AspNetCore.Http.HttpResults;
using MnemoLite.Api.Events;
using MnemoLite.Api.Graph;
using MnemoLite.Api.Search;
using MnemoLite.Client;

namespace MnemoLite.Api.Caching;

internal static class CacheEndpoints
{
    public static void MapCaches(this IEndpointRouteBuilder app)
    {
        MapStats("/v1/events/cache/stats", "GetEventCacheStats", "Events");
        MapStats("/performance/cache/stats", "GetCacheStats", "Operations");
        MapClear("/v1/events/cache/clear", "ClearEventCaches", "Events");
        MapClear("/performance/cache/clear", "ClearCaches", "Operations");

        void MapStats(string path, string name, string tag) => app.MapGet(path, Stats).WithName(name).WithTags(tag)
            .WithSummary("See how the caches do").WithDescription("Of the instance that answers, since it started: a hit is an answer that was there and still right.");

        void MapClear(string path, string name, string tag) => app.MapPost(path, ClearAsync).RequireAuthorization(Scopes.Admin).WithName(name).WithTags(tag)
            .WithSummary("Empty the caches").WithDescription("Of the instance that answers. Nobody needs to: what a write may have changed is never answered from a cache.");
    }

    private static Ok<CachesStats> Stats(AnswerCache<EventBasis> events, AnswerCache<SearchBasis> searches, AnswerCache<GraphBasis> graph) =>
        TypedResults.Ok(new CachesStats(events.Stats, searches.Stats, graph.Stats));

    private static async Task<NoContent> ClearAsync(
        AnswerCache<EventBasis> events, AnswerCache<SearchBasis> searches, AnswerCache<GraphBasis> graph, CancellationToken cancellationToken)
    {
        await events.ClearAsync(cancellationToken);
        await searches.ClearAsync(cancellationToken);
        await graph.ClearAsync(cancellationToken);
        return TypedResults.NoContent();
    }
}
