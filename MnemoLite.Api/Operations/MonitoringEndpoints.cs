using System.Globalization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Api.Database;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Operations;

/// <summary>What agents' events say about how things are, by the <c>severity</c>, <c>project</c> and <c>category</c> in their metadata.</summary>
internal static class MonitoringEndpoints
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    public static void MapMonitoring(this IEndpointRouteBuilder app)
    {
        var monitoring = app.MapGroup("/api/monitoring").WithTags("Operations").NeedsDatabase()
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        monitoring.MapGet("/status", GetStatusAsync).WithName("GetMonitoringStatus").WithSummary("How things are, by the severity of events")
            .WithDescription("Of the last 24 hours: critical with an event whose metadata.severity is critical, else degraded with a warning, "
                + "else operational.");
        monitoring.MapGet("/metrics", GetMetricsAsync).WithName("GetMonitoringMetrics").WithSummary("The store in four numbers")
            .WithDescription("cache_hit_ratio is the share of blocks PostgreSQL found in its shared buffers, 0 to 1.");

        var events = monitoring.MapGroup("/events").ProducesProblem(StatusCodes.Status422UnprocessableEntity);
        events.MapGet("/critical", ListCriticalAsync).WithName("ListCriticalEvents").WithSummary("List the critical events, newest first")
            .WithDescription("Those of the last 24 hours whose metadata.severity is critical, each with its age in words; limit is 1 to 50.");
        events.MapGet("/timeline", GetTimelineAsync).WithName("GetEventTimeline").WithSummary("Count events by hour or day")
            .WithDescription("period is 24h (24 hours), 7d or 30d (so many days), in UTC, the current hour or day last; those without events "
                + "are there with 0. With severity, only events whose metadata.severity is that.");
        events.MapGet("/distribution", GetDistributionAsync).WithName("GetEventDistribution").WithSummary("Count events by what they are about")
            .WithDescription("By the severity, project and category in their metadata, the 50 most frequent of each; period is 24h, 7d or 30d, "
                + "the same hours or days as of the timeline.");
    }

    private static async Task<Ok<MonitoringStatus>> GetStatusAsync(Space space, MonitoringStore store, TimeProvider clock, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var summary = await store.CountSeveritiesAsync(space, now - Day, now, cancellationToken);
        var status = summary switch
        {
            { Critical: > 0 } => "critical",
            { Warning: > 0 } => "degraded",
            _ => "operational",
        };
        return TypedResults.Ok(new MonitoringStatus(status, now, summary));
    }

    private static async Task<Ok<MonitoringMetrics>> GetMetricsAsync(Space space, MonitoringStore store, CancellationToken cancellationToken) =>
        TypedResults.Ok(await store.ReadMetricsAsync(space, cancellationToken));

    private static async Task<Ok<IReadOnlyList<CriticalEvent>>> ListCriticalAsync(
        Space space, MonitoringStore store, TimeProvider clock, CancellationToken cancellationToken, [FromQuery(Name = "limit")] int limit = 10)
    {
        if (limit is < 1 or > 50)
            throw InvalidRequestException.Field("limit", "must be between 1 and 50");
        var now = clock.GetUtcNow();
        var events = await store.ListCriticalAsync(space, now - Day, now, limit, cancellationToken);
        return TypedResults.Ok<IReadOnlyList<CriticalEvent>>(
            [.. events.Select(found => new CriticalEvent(found.Id, found.Timestamp, Age(now - found.Timestamp), found.Content, found.Metadata))]);
    }

    private static async Task<Ok<IReadOnlyList<TimelineBucket>>> GetTimelineAsync(
        Space space, MonitoringStore store, TimeProvider clock, CancellationToken cancellationToken,
        [FromQuery(Name = "period")] string period = "24h", [FromQuery(Name = "severity")] string? severity = null)
    {
        var (from, to, bucket) = ReadPeriod(period, clock.GetUtcNow());
        var counts = await store.CountByTimeAsync(space, from, to, bucket, string.IsNullOrEmpty(severity) ? null : severity, cancellationToken);
        var timeline = new List<TimelineBucket>();
        for (var time = from; time <= to; time += bucket)
            timeline.Add(new(time, counts.GetValueOrDefault(time)));
        return TypedResults.Ok<IReadOnlyList<TimelineBucket>>(timeline);
    }

    private static async Task<Ok<EventDistribution>> GetDistributionAsync(
        Space space, MonitoringStore store, TimeProvider clock, CancellationToken cancellationToken, [FromQuery(Name = "period")] string period = "24h")
    {
        var (from, to, _) = ReadPeriod(period, clock.GetUtcNow());
        return TypedResults.Ok(await store.ReadDistributionAsync(space, from, to, cancellationToken));
    }

    /// <summary>A period of whole hours or days of UTC, of which the last is the current one; both its ends belong to it.</summary>
    private static (DateTimeOffset From, DateTimeOffset To, TimeSpan Bucket) ReadPeriod(string period, DateTimeOffset now)
    {
        var (bucket, count) = period switch
        {
            "24h" => (TimeSpan.FromHours(1), 24),
            "7d" => (Day, 7),
            "30d" => (Day, 30),
            _ => throw InvalidRequestException.Field("period", "must be 24h, 7d or 30d"),
        };
        var current = new DateTimeOffset(now.UtcTicks - (now.UtcTicks % bucket.Ticks), TimeSpan.Zero);
        return (current - ((count - 1) * bucket), (current + bucket).AddMicroseconds(-1), bucket);
    }

    private static string Age(TimeSpan age) => age switch
    {
        { TotalMinutes: < 1 } => "just now",
        { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{age.Minutes}m ago"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(int)age.TotalHours}h ago"),
    };
}
