using OpenTelemetry.Metrics;

namespace MnemoLite.Api.Operations;

internal static class OperationsEndpoints
{
    /// <summary>Seconds, from a cached read to a long import; P50, P95 and P99 are read off them.</summary>
    private static readonly double[] Buckets =
        [0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10, 30];

    public static IHostApplicationBuilder AddOperations(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<MonitoringStore>();
        builder.Services.AddSingleton<PerformanceStore>();
        builder.Services.AddSingleton<RouteMetrics>();
        builder.Services.AddSingleton<PoolMetrics>();
        builder.Services.AddSingleton<ProcessMetrics>();
        builder.Services.AddHostedService(services => services.GetRequiredService<RouteMetrics>());
        builder.Services.AddHostedService(services => services.GetRequiredService<PoolMetrics>());
        builder.Services.AddHostedService(services => services.GetRequiredService<ProcessMetrics>());
        builder.Services.AddHostedService<StoreMetrics>();
        builder.Services.AddOpenTelemetry().WithMetrics(metrics =>
        {
            string[] timed =
            [
                "http.server.request.duration", "db.client.operation.duration", "db.client.connection.npgsql.create_time",
                "gen_ai.client.operation.duration", "mcp.server.operation.duration",
            ];
            foreach (var name in timed)
                metrics.AddView(name, new ExplicitBucketHistogramConfiguration { Boundaries = Buckets });
            metrics.AddPrometheusExporter();
        });
        return builder;
    }

    public static void MapOperations(this IEndpointRouteBuilder app)
    {
        app.MapHealth();
        app.MapMonitoring();
        app.MapPerformance();
        app.MapPrometheusScrapingEndpoint("/metrics")
            .WithMetadata(new HttpMethodMetadata([HttpMethods.Get]), ((Func<string>)MetricsText).Method)
            .WithTags("Operations").WithName("GetMetrics").WithSummary("Metrics for Prometheus")
            .WithDescription("Of this instance, in Prometheus' text format: requests by route, database connections, the runtime, and MnemoLite's own.")
            .WithMetadata(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(string), ["text/plain"]));
    }

    /// <summary>Stands for the exporter in the OpenAPI document, which lists methods only.</summary>
    private static string MetricsText() => throw new NotSupportedException();
}
