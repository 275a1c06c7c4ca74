using System.Net;
using System.Text.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class MonitoringTests(RunningApplication app)
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1), Day = TimeSpan.FromDays(1);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_status_is_that_of_the_most_severe_event_of_a_day()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);

        await StoreAsync(client, Metadata("critical"), 25 * Hour, -Hour);
        await StoreAsync(client, Metadata("info"), TimeSpan.Zero, 2 * Hour);
        await StoreAsync(client, JsonText.Parse("""{"severity": {"critical": true}}"""), Hour);
        await AssertStatusAsync("operational", new(0, 0, 2));
        await StoreAsync(client, Metadata("warning"), 23 * Hour);
        await AssertStatusAsync("degraded", new(0, 1, 2));
        await StoreAsync(client, Metadata("critical"), 3 * Hour);
        await AssertStatusAsync("critical", new(1, 1, 2));

        var critical = Assert.Single(await client.ListCriticalEventsAsync(50, Cancelled));
        Assert.Equal("3h ago", critical.Age);
        Assert.Equal("critical", critical.Metadata.ToElement().GetProperty("severity").GetString());
        Assert.Equal("{}", critical.Content.ToString());

        async Task AssertStatusAsync(string status, SeveritySummary summary)
        {
            var found = await client.GetMonitoringStatusAsync(Cancelled);
            Assert.Equal((status, summary), (found.Status, found.Summary));
        }
    }

    [Fact]
    public async Task Events_are_counted_by_what_they_are_about_in_one_table_and_in_partitions()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await StoreAsync(client, Metadata("info", "website", "decision"), TimeSpan.Zero, TimeSpan.Zero, 2 * Day);
        await StoreAsync(client, Metadata("warning", "website"), TimeSpan.Zero, 20 * Day, 40 * Day);
        await StoreAsync(client, JsonText.Parse("""{"project": 7}"""), TimeSpan.Zero);
        await StoreAsync(client, default, TimeSpan.Zero);

        await AssertCountsAsync();
        await client.PartitionAsync(Cancelled);
        await AssertCountsAsync();

        async Task AssertCountsAsync()
        {
            var day = await client.GetDistributionAsync("24h", Cancelled);
            Assert.Equal([new("info", 2), new("warning", 1)], day.BySeverity);
            Assert.Equal([new("website", 3), new("7", 1)], day.ByProject);
            Assert.Equal([new("decision", 2)], day.ByCategory);
            var month = await client.GetDistributionAsync("30d", Cancelled);
            Assert.Equal([new("info", 3), new("warning", 2)], month.BySeverity);
            Assert.Equal([new("website", 5), new("7", 1)], month.ByProject);
            Assert.Equal(7, (await client.GetTimelineAsync("30d", cancellationToken: Cancelled)).Sum(bucket => bucket.Count));

            var metrics = await client.GetMonitoringMetricsAsync(Cancelled);
            Assert.Equal(8, metrics.TotalEvents);
            Assert.InRange(metrics.DbSizeMb, 5, 500);
            Assert.InRange(metrics.CacheHitRatio, 0.01, 1);
            Assert.InRange(metrics.ActiveConnections, 1, 100);
        }
    }

    [Fact]
    public async Task The_timeline_has_every_hour_and_every_day()
    {
        var severity = $"severity-{Guid.NewGuid()}";
        var now = DateTimeOffset.UtcNow;
        TimeSpan[] ages = [TimeSpan.Zero, TimeSpan.Zero, 5 * Hour, 3 * Day, 20 * Day, 40 * Day];
        await StoreAsync(app.Client, Metadata(severity), ages);

        await AssertCountsAsync("24h", Hour, 24);
        await AssertCountsAsync("7d", Day, 7);
        await AssertCountsAsync("30d", Day, 30);
        Assert.True((await app.Client.GetTimelineAsync("24h", cancellationToken: Cancelled)).Sum(bucket => bucket.Count) >= 3);
        Assert.All(await app.Client.GetTimelineAsync("30d", $"none-{severity}", Cancelled), bucket => Assert.Equal(0, bucket.Count));

        async Task AssertCountsAsync(string period, TimeSpan bucket, int count)
        {
            var timeline = await app.Client.GetTimelineAsync(period, severity, Cancelled);
            Assert.Equal(count, timeline.Count);
            for (var i = 0; i < count; i++)
            {
                var time = timeline[i].Time;
                Assert.Equal((0, TimeSpan.Zero), (time.Ticks % bucket.Ticks, time.Offset));
                Assert.Equal(timeline[0].Time + (i * bucket), time);
                Assert.Equal(ages.Count(age => now - age >= time && now - age < time + bucket), timeline[i].Count);
            }
            Assert.True(timeline[^1].Time > now - bucket, "the current hour or day is not the last");
        }
    }

    [Fact]
    public async Task Critical_events_come_newest_first_with_their_age()
    {
        var project = $"project-{Guid.NewGuid()}";
        await StoreAsync(app.Client, Metadata("critical", project), TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(7.5));

        var critical = await app.Client.ListCriticalEventsAsync(50, Cancelled);

        Assert.Equal(critical.OrderByDescending(found => found.Timestamp).Select(found => found.Id), critical.Select(found => found.Id));
        var ours = critical.Where(found => found.Metadata.ToElement().TryGetProperty("project", out var value) && value.GetString() == project);
        Assert.Equal(["just now", "7m ago"], ours.Select(found => found.Age));
        Assert.Single(await app.Client.ListCriticalEventsAsync(1, Cancelled));
    }

    [Theory]
    [InlineData("timeline?period=1y", "period", "24h, 7d or 30d")]
    [InlineData("timeline?period=", "period", "24h, 7d or 30d")]
    [InlineData("distribution?period=24H", "period", "24h, 7d or 30d")]
    [InlineData("critical?limit=0", "limit", "between 1 and 50")]
    [InlineData("critical?limit=51", "limit", "between 1 and 50")]
    [InlineData("critical?limit=many", "limit", "whole number")]
    public async Task A_wrong_value_is_refused_with_what_would_be_right(string path, string field, string allowed)
    {
        using var answer = await app.Http.GetAsync($"/api/monitoring/events/{path}", Cancelled);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        var problem = JsonElement.Parse(await answer.Content.ReadAsStringAsync(Cancelled));
        Assert.Contains(allowed, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
        Assert.Contains(allowed, problem.GetProperty("errors").GetProperty(field)[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_answers_have_the_names_of_the_contract()
    {
        await AssertFieldsAsync("status", "status", "timestamp", "summary");
        await AssertFieldsAsync("metrics", "total_events", "db_size_mb", "cache_hit_ratio", "active_connections");
        await AssertFieldsAsync("events/distribution", "by_severity", "by_project", "by_category");
        await AssertFieldsAsync("events/timeline/", "time", "count");

        async Task AssertFieldsAsync(string path, params string[] fields)
        {
            var answer = JsonElement.Parse(await app.Http.GetStringAsync($"/api/monitoring/{path}", Cancelled));
            if (answer.ValueKind == JsonValueKind.Array)
                answer = answer[0];
            Assert.Equal(fields, answer.EnumerateObject().Select(field => field.Name));
        }
    }

    private static JsonText Metadata(string severity, string? project = null, string? category = null)
    {
        var metadata = new Dictionary<string, string> { ["severity"] = severity };
        if (project is not null)
            metadata["project"] = project;
        if (category is not null)
            metadata["category"] = category;
        return JsonText.From(metadata);
    }

    /// <summary>An event of each age.</summary>
    private static async Task StoreAsync(MnemoLiteClient client, JsonText metadata, params TimeSpan[] ages)
    {
        foreach (var age in ages)
            await client.CreateAsync(new() { Content = default, Metadata = metadata, Timestamp = DateTimeOffset.UtcNow - age }, Cancelled);
    }
}
