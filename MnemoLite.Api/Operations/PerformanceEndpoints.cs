using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Api.Database;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Operations;

/// <summary>How fast the instance that answers is, and its database.</summary>
internal static class PerformanceEndpoints
{
    public static void MapPerformance(this IEndpointRouteBuilder app)
    {
        var performance = app.MapGroup("/performance").WithTags("Operations");
        performance.MapGet("/metrics", GetRequests).WithName("GetRequestMetrics").WithSummary("Requests by route: how many, how fast, how many failed")
            .WithDescription("Of this instance, since its start and over a window of the last five minutes; error_rate is the share of 5xx answers. "
                + "Routes are templates; requests that no route took have an empty one.");
        performance.MapGet("/history", GetHistory).WithName("GetRequestHistory").WithSummary("The last hour, every ten seconds")
            .WithDescription("How many requests there were, how fast, how many failed, of this instance; window is the last five minutes. Only requests on "
                + "the memory count: those that look at the service itself (health, metrics, monitoring, performance) and streams are left out.");
        performance.MapGet("/system", GetSystem).WithName("GetSystemMetrics").WithSummary("Processor, memory, disk and garbage collector")
            .WithDescription("Of this instance; cpu.process_percent is of all its cores, over the last seconds.");

        var database = performance.MapGroup("/database");
        database.MapGet("/pool", GetPool).WithName("GetPool").WithSummary("The database connections of this instance")
            .WithDescription("How many there are, are busy and idle, how many requests wait for one; answers without the database, too.");
        database.MapGet("/slow-queries", GetSlowQueriesAsync).WithName("GetSlowQueries").WithSummary("The statements that cost the database most")
            .WithDescription("By pg_stat_statements, the most costly in all first, without any values; where PostgreSQL does not count them, "
                + "available is false and detail says what to do. limit is 1 to 100.")
            .NeedsDatabase().ProducesProblem(StatusCodes.Status422UnprocessableEntity).ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        database.MapGet("/indexes", GetIndexesAsync).WithName("GetIndexes").WithSummary("The indexes, their size and their use")
            .WithDescription("The largest first; unused is one that no query has used and that holds no constraint.")
            .NeedsDatabase().ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        performance.MapGet("/optimize/suggestions", GetSuggestionsAsync).WithName("GetSuggestions").WithSummary("What could be better")
            .WithDescription("Advice drawn from requests, connections, machine, statements and indexes: how severe, what was seen, what to do.")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    private static Ok<RequestMetrics> GetRequests(RouteMetrics routes) => TypedResults.Ok(routes.Read());

    private static Ok<RequestHistory> GetHistory(RouteMetrics routes) => TypedResults.Ok(routes.ReadHistory());

    private static Ok<SystemMetrics> GetSystem(ProcessMetrics process) => TypedResults.Ok(process.Read());

    private static Ok<PoolState> GetPool(PoolMetrics pool) => TypedResults.Ok(pool.Read());

    private static async Task<Ok<SlowQueries>> GetSlowQueriesAsync(
        PerformanceStore store, CancellationToken cancellationToken, [FromQuery(Name = "limit")] int limit = 20)
    {
        if (limit is < 1 or > 100)
            throw InvalidRequestException.Field("limit", "must be between 1 and 100");
        return TypedResults.Ok(await store.ReadSlowQueriesAsync(limit, cancellationToken));
    }

    private static async Task<Ok<IndexUse>> GetIndexesAsync(PerformanceStore store, CancellationToken cancellationToken) =>
        TypedResults.Ok(await store.ReadIndexesAsync(cancellationToken));

    private static async Task<Ok<OptimizationAdvice>> GetSuggestionsAsync(
        PerformanceStore store, RouteMetrics routes, PoolMetrics pool, ProcessMetrics process, TimeProvider clock, CancellationToken cancellationToken)
    {
        var database = await store.ReadFiguresAsync(cancellationToken);
        var queries = await store.ReadSlowQueriesAsync(limit: 100, cancellationToken);
        var indexes = await store.ReadIndexesAsync(cancellationToken);
        return TypedResults.Ok(new OptimizationAdvice(
            clock.GetUtcNow(), Advice.Give(routes.Read(), pool.Read(), process.Read(), database, queries, indexes)));
    }
}
