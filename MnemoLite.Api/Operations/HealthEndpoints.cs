using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Events;
using MnemoLite.Client;
using Npgsql;
using StackExchange.Redis;

namespace MnemoLite.Api.Operations;

internal static class HealthEndpoints
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2), RedisPatience = TimeSpan.FromSeconds(0.5);

    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        var operations = app.MapGroup("").WithTags("Operations");
        operations.MapGet("/health", HealthAsync).WithName("Health").WithSummary("How the service is")
            .WithDescription("200 healthy, 503 degraded: the database is away or the store not ready yet.");
        operations.MapGet("/readiness", ReadinessAsync).WithName("Readiness").WithSummary("Whether the service takes requests")
            .WithDescription("200 it does, 503 it does not.");
        operations.MapGet("/alive/ready", IsReadyAsync).AllowAnonymous().DisableRateLimiting().ExcludeFromDescription(); // for probes, which have no key: it says no more
    }

    private static async Task<Results<Ok<Health>, JsonHttpResult<Health>>> HealthAsync(
        NpgsqlDataSource dataSource, DatabaseCircuit circuit, Reads reads, StorePreparation store, EmbeddingModelStore models, EmbeddingWorker worker, TimeProvider clock,
        CancellationToken cancellationToken, [FromServices] IConnectionMultiplexer? redis = null)
    {
        var start = clock.GetTimestamp();
        var model = models.Current.Model;
        var version = await FindServerVersionAsync(dataSource, circuit, cancellationToken);
        var healthy = version is not null && store.Ready;
        var services = new Dictionary<string, ServiceHealth>
        {
            ["postgres"] = version is null
                ? new("error") { Detail = "The database does not answer." }
                : new(store.Ready ? "ok" : "starting") { Version = version },
            ["embeddings"] = new(worker.Pending > 0 ? "behind" : "ok")
            {
                Model = model.Id,
                Dimension = model.Dimension,
                Pending = model.InProcess ? null : worker.Pending,
                Failed = model.InProcess ? null : worker.Failed,
            },
        };
        if (redis is not null)
        {
            services["redis"] = await AnswersAsync(redis, cancellationToken)
                ? new("ok")
                : new("error") { Detail = "Redis does not answer; the database does in its place." };
        }
        if (reads.Standby is { } standby)
        {
            services["postgres_standby"] = new(standby)
            {
                Detail = standby switch
                {
                    "behind" => "It has not replayed the latest writes yet; until then reads go to the primary.",
                    "error" => "No standby answers; reads go to the primary.",
                    _ => null,
                },
            };
        }
        var health = new Health(
            healthy ? "healthy" : "degraded",
            clock.GetUtcNow(),
            Math.Round(clock.GetElapsedTime(start).TotalMilliseconds, 2),
            version is not null,
            services);
        return healthy ? TypedResults.Ok(health) : TypedResults.Json(health, statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<Results<Ok<Readiness>, JsonHttpResult<Readiness>>> ReadinessAsync(
        NpgsqlDataSource dataSource, DatabaseCircuit circuit, StorePreparation store, CancellationToken cancellationToken)
    {
        var database = await FindServerVersionAsync(dataSource, circuit, cancellationToken) is not null;
        var checks = new Dictionary<string, bool> { ["database"] = database, ["store"] = store.Ready };
        return database && store.Ready
            ? TypedResults.Ok(new Readiness("ok", "The service takes requests.", checks))
            : TypedResults.Json(
                new Readiness("unavailable", database ? "The store is being prepared." : "The database is away.", checks),
                statusCode: StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<StatusCodeHttpResult> IsReadyAsync(
        NpgsqlDataSource dataSource, DatabaseCircuit circuit, StorePreparation store, CancellationToken cancellationToken) =>
        TypedResults.StatusCode(store.Ready && await FindServerVersionAsync(dataSource, circuit, cancellationToken) is not null
            ? StatusCodes.Status200OK
            : StatusCodes.Status503ServiceUnavailable);

    private static async Task<bool> AnswersAsync(IConnectionMultiplexer redis, CancellationToken cancellationToken)
    {
        try
        {
            await redis.GetDatabase().PingAsync().WaitAsync(RedisPatience, cancellationToken);
            return true;
        }
        catch (Exception exception) when (exception is RedisException or TimeoutException)
        {
            return false;
        }
    }

    private static async Task<string?> FindServerVersionAsync(NpgsqlDataSource dataSource, DatabaseCircuit circuit, CancellationToken cancellationToken)
    {
        try
        {
            return await circuit.DoAsync(AskAsync).WaitAsync(Patience, cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            return null;
        }

        async Task<string?> AskAsync()
        {
            await using var command = dataSource.CreateCommand("SELECT current_setting('server_version')");
            return (string?)await command.ExecuteScalarAsync(CancellationToken.None); // Npgsql blocks where what is cancelled does not answer
        }
    }
}
