using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using Aspire.Hosting.ApplicationModel;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Local;

/// <summary>The page of what runs: the resources, what they print, and the traces they send. What is in <c>Assets</c> shows it.</summary>
internal sealed class RunningPage(ResourceNotificationService notifications, IConfiguration configuration, TimeProvider clock)
{
    private const string TracesPerSecond = "10";
    private static readonly (string Path, string Asset, string Type)[] Assets =
    [
        ("/", "index.html", "text/html; charset=utf-8"),
        ("/page.css", "page.css", "text/css; charset=utf-8"),
        ("/page.js", "page.js", "text/javascript; charset=utf-8"),
        ("/favicon.svg", "favicon.svg", "image/svg+xml"),
        ("/hanken-grotesk.woff2", "hanken-grotesk.woff2", "font/woff2"),
        ("/bricolage-grotesque.woff2", "bricolage-grotesque.woff2", "font/woff2"),
    ];

    private readonly TraceStore _traces = new();

    public ResourceConsoles Consoles { get; } = new(clock);

    public void Map(WebApplication app)
    {
        foreach (var (path, asset, type) in Assets)
            app.MapGet(path, () => TypedResults.Stream(typeof(RunningPage).Assembly.GetManifestResourceStream($"Page.{asset}")!, type));
        app.MapGet("/api/resources", () => TypedResults.ServerSentEvents(WatchAsync()));
        app.MapGet("/api/consoles/{id}", (string id, HttpRequest request) =>
            TypedResults.ServerSentEvents(ReadConsoleAsync(id, long.TryParse(request.Headers["Last-Event-ID"], out var last) ? last : 0)));
        app.MapGet("/api/traces", () => TypedResults.Ok(_traces.List()));
        app.MapGet("/api/traces/{id}", Results<Ok<TraceDetails>, NotFound> (string id) => _traces.Find(id) is { } trace ? TypedResults.Ok(trace) : TypedResults.NotFound());
        app.MapPost(HostServer.TracesPath, ReceiveAsync);
    }

    /// <summary>Has a project send its traces here, unless the user wants them elsewhere or nowhere.</summary>
    public void AskForTraces(Dictionary<string, string> environment, HostServer host)
    {
        if (IsSet("OTEL_EXPORTER_OTLP_ENDPOINT") || IsSet("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") || configuration["OTEL_TRACES_EXPORTER"] == "none")
            return;
        environment["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] = new Uri(host.Address, HostServer.TracesPath).ToString();
        environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] = "http/protobuf";
        environment["OTEL_EXPORTER_OTLP_TRACES_HEADERS"] = $"authorization=Bearer {host.TracesToken}";
        environment["OTEL_BSP_SCHEDULE_DELAY"] = configuration["OTEL_BSP_SCHEDULE_DELAY"] ?? "1000"; // milliseconds: whoever looks does not wait long
        environment["Telemetry__TracesPerSecond"] = TracesPerSecond;

        bool IsSet(string name) => !string.IsNullOrWhiteSpace(environment.GetValueOrDefault(name) ?? configuration[name]);
    }

    private async Task<IResult> ReceiveAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        using var body = new MemoryStream();
        await request.Body.CopyToAsync(body, cancellationToken);
        try
        {
            _traces.Add(TraceReader.Read(body.ToArray()));
            return TypedResults.Bytes(ReadOnlyMemory<byte>.Empty, "application/x-protobuf");
        }
        catch (InvalidProtocolBufferException)
        {
            return TypedResults.Problem("It is no OTLP request in protobuf.", statusCode: StatusCodes.Status400BadRequest);
        }
    }

    private async IAsyncEnumerable<InstanceView> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var @event in notifications.WatchAsync(cancellationToken))
            yield return InstanceView.Of(@event);
    }

    private async IAsyncEnumerable<SseItem<ConsoleLine>> ReadConsoleAsync(
        string id, long after, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var line in Consoles.ReadAsync(id, after, cancellationToken))
            yield return new(line) { EventId = $"{line.Number}" };
    }

    /// <summary>An instance of a resource, as the page shows it.</summary>
    private sealed record InstanceView(
        string Id, string Resource, string Kind, string? State, string? Health, int? ExitCode, Uri? Url, int? Port, DateTime? Since, int? ProcessId, int Restarts)
    {
        public static InstanceView Of(ResourceEvent @event)
        {
            var (resource, snapshot) = ((Resource)@event.Resource, @event.Snapshot);
            var kind = resource switch
            {
                PostgresServerResource => "PostgreSQL",
                PostgresDatabaseResource => "database",
                RedisResource => "Redis",
                _ => "project",
            };
            return new(
                @event.ResourceId, resource.Name, kind, snapshot.State?.Text, snapshot.HealthStatus?.ToString(), snapshot.ExitCode,
                resource.Endpoints.Find(endpoint => endpoint.Name == "http")?.Url, (resource as ContainerResource)?.Port, snapshot.StartTimeStamp,
                snapshot.ProcessId, snapshot.Restarts);
        }
    }
}
