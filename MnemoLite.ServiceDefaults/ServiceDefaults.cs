using System.Diagnostics.Metrics;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.Hosting;

/// <summary>What every service of MnemoLite does the same way.</summary>
public static class ServiceDefaults
{
    private const string AlivePath = "/alive";
    private const int MostSeries = 300;

    /// <summary>What is asked every few seconds as long as the service runs, or lasts as long; neither is a trace to look at, as no file is.</summary>
    private static readonly string[] QuietPaths = [AlivePath, "/alive/ready", "/health", "/readiness", "/metrics", "/v1/events/stream"];

    /// <summary>Telemetry, service discovery, resilient HTTP clients and the liveness check.</summary>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.AddTelemetry();
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        builder.Services.AddServiceDiscovery();
        builder.Services.ConfigureHttpClientDefaults(http => http.AddServiceDiscovery());
        return builder;
    }

    /// <summary>Maps <c>/alive</c>: 200 while the process lives.</summary>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapHealthChecks(AlivePath, new HealthCheckOptions { Predicate = check => check.Tags.Contains("live") }).AllowAnonymous().DisableRateLimiting();
        return app;
    }

    private static void AddTelemetry<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Logging.AddConsoleFormatter<TraceConsoleFormatter, ConsoleFormatterOptions>();
        builder.Services.Configure<ConsoleLoggerOptions>(console => console.FormatterName = TraceConsoleFormatter.FormatterName);

        var telemetry = builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddAttributes(
            [
                new("service.name", builder.Configuration["OTEL_SERVICE_NAME"] ?? builder.Environment.ApplicationName),
                new("service.version", Assembly.GetEntryAssembly()?.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? ""),
            ]))
            .WithMetrics(metrics => metrics.AddMeter("MnemoLite").AddAspNetCoreInstrumentation().AddHttpClientInstrumentation().AddRuntimeInstrumentation()
                .AddView(ViewOf));
        var everything = !string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_ENDPOINT"]);
        if (!everything && string.IsNullOrWhiteSpace(builder.Configuration["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]))
            return;
        // Traces and logs are collected only where somebody takes them: each request pays for them.
        foreach (var instrumentation in (string[])["ASPNETCORE", "HTTPCLIENT"])
            builder.Configuration[$"OTEL_DOTNET_EXPERIMENTAL_{instrumentation}_DISABLE_URL_QUERY_REDACTION"] = "false"; // a query may be a question
        Discretion.DescribeInSpans();
        telemetry.WithTracing(tracing => tracing
            .AddSource("MnemoLite")
            .AddAspNetCoreInstrumentation(options =>
            {
                options.Filter = context => !IsQuiet(context.Request.Path);
                options.EnableAspNetCoreSignalRSupport = options.EnableRazorComponentsSupport = everything; // a span for every key that is pressed
            })
            .AddHttpClientInstrumentation()
            .AddProcessor(new Discretion.OfSpans()));
        if (!everything)
        {
            telemetry.WithTracing(tracing => tracing.AddTracesExporter(builder.Configuration));
            return;
        }
        telemetry.UseOtlpExporter();
        builder.Logging.AddOpenTelemetry(logging =>
        {
            logging.IncludeFormattedMessage = true;
            logging.AddProcessor(new Discretion.OfLogs());
        });
    }

    /// <summary>
    /// What Kestrel counts for every buffer, and routing for every request, is not taken. Counters and gauges, which have few series each, get room for fewer than the 2,000 of
    /// OpenTelemetry, which takes it at once. Histograms keep theirs.
    /// </summary>
    private static MetricStreamConfiguration? ViewOf(Instrument instrument) =>
        instrument.Name.StartsWith("aspnetcore.memory_pool.", StringComparison.Ordinal) || instrument.Name == "aspnetcore.routing.match_attempts" ? MetricStreamConfiguration.Drop
        : instrument.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(Histogram<>) ? null
        : new() { CardinalityLimit = MostSeries };

    private static bool IsQuiet(PathString path) => QuietPaths.Contains(path.Value) || path.StartsWithSegments("/_blazor") || Path.HasExtension(path.Value);

    /// <summary>Traces alone, where only they are wanted; and of those, so many each second as are asked for.</summary>
    private static void AddTracesExporter(this TracerProviderBuilder tracing, IConfiguration configuration)
    {
        tracing.AddOtlpExporter(options =>
        {
            options.Endpoint = new Uri(configuration["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]!);
            options.Protocol = configuration["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == "http/protobuf" ? OtlpExportProtocol.HttpProtobuf : options.Protocol;
            options.Headers = configuration["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] ?? options.Headers;
        });
        if (string.IsNullOrEmpty(configuration["OTEL_TRACES_SAMPLER"]) && configuration.GetValue<int?>("Telemetry:TracesPerSecond") is { } most)
            tracing.SetSampler(new ParentBasedSampler(new PerSecondSampler(most)));
    }
}
