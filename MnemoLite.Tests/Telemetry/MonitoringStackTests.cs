using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MnemoLite.Client;
using MnemoLite.Tests.Api;
using MnemoLite.Tests.AppHost;
using MnemoLite.Tests.Deploy;

namespace MnemoLite.Tests.Telemetry;

/// <summary>What a real Prometheus makes of a running instance: alerts, and what the dashboards ask.</summary>
public sealed partial class MonitoringStackTests(MonitoredApi monitored) : IClassFixture<MonitoredApi>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_instance_that_dies_is_told_of()
    {
        Uri address;
        await using (var api = ApiProcess.Start(monitored.Postgres.Setting))
        {
            address = await api.FindAddressAsync(Cancelled);
            await monitored.Prometheus.ScrapeAsync(monitored.Http.BaseAddress!, address);
            await Eventually.UntilAsync(async () => Values(await monitored.Prometheus.QueryAsync($"up{{instance=\"{address.Authority}\"}}")) is [1]);
        }
        JsonNode? alert = null;
        await Eventually.UntilAsync(async () =>
        {
            alert = (await monitored.Prometheus.AlertsAsync()).FirstOrDefault( // until the first is scraped there is another: that nobody is known
                one => (string?)one!["labels"]!["alertname"] == "Down" && (string?)one["labels"]!["instance"] == address.Authority);
            return (string?)alert?["state"] == "firing";
        });
        Assert.Equal($"{address.Authority} does not answer.", (string?)alert!["annotations"]!["summary"]);
    }

    [Theory]
    [MemberData(nameof(Dashboards.Names), MemberType = typeof(Dashboards))]
    public async Task Every_query_of_a_dashboard_finds_something(string name)
    {
        var dashboard = Dashboards.Read(name);
        var missing = Dashboards.Queries(dashboard);
        Assert.NotEmpty(missing);
        try
        {
            await Eventually.UntilAsync(async () =>
            {
                await UseAsync();
                for (var i = missing.Count - 1; i >= 0; i--)
                {
                    if (Values(await monitored.Prometheus.QueryAsync(missing[i].Query)).Any(double.IsFinite))
                        missing.RemoveAt(i);
                }
                return missing.Count == 0;
            });
        }
        catch (OperationCanceledException) when (missing.Count > 0)
        {
            Assert.Fail($"Nothing is found by:\n{string.Join('\n', missing)}");
        }

        var choices = LabelValues().Match((string)dashboard["templating"]!["list"]![1]!["query"]!["query"]!);
        Assert.All(await monitored.Prometheus.QueryAsync(choices.Groups[1].Value), series => Assert.NotNull(series!["metric"]![choices.Groups[2].Value]));
        await monitored.Prometheus.QueryAsync((string)dashboard["annotations"]!["list"]![0]!["expr"]!); // most often there is no alert, but it has to be right
    }

    [Fact]
    public async Task The_lag_of_a_standby_grows_while_it_does_not_replay_and_falls_when_it_does()
    {
        await monitored.Postgres.Standby.ExecuteAsync("SELECT pg_wal_replay_pause()", Cancelled);
        var lags = new List<double>();
        double backlog;
        try
        {
            await Eventually.UntilAsync(async () =>
            {
                await WriteAsync();
                if (await ReadAsync("mnemolite_replication_lag_seconds") is > 0 and var lag && (lags.Count == 0 || lag > lags[^1]))
                    lags.Add(lag);
                return lags.Count >= 2;
            });
            backlog = (await ReadAsync("mnemolite_replication_backlog_bytes"))!.Value;
            Assert.InRange(lags[1] - lags[0], 5, 60); // it is looked at every ten seconds
        }
        finally
        {
            await monitored.Postgres.Standby.ExecuteAsync("SELECT pg_wal_replay_resume()", Cancelled);
        }
        await Eventually.UntilAsync(async () =>
        {
            await WriteAsync();
            return await ReadAsync("mnemolite_replication_lag_seconds") < lags[0] && await ReadAsync("mnemolite_replication_backlog_bytes") < backlog;
        });

        Task<Event> WriteAsync() => monitored.Client.CreateAsync(new() { Content = JsonText.From(new { text = "written all the time" }) }, Cancelled);

        async Task<double?> ReadAsync(string metric) =>
            PrometheusText.Parse(await monitored.Http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancelled))
                .Samples.SingleOrDefault(sample => sample.Name == metric)?.Value;
    }

    /// <summary>A little of everything that a dashboard shows.</summary>
    private async Task UseAsync()
    {
        var text = new { text = $"It is {DateTimeOffset.UtcNow:O}" };
        var created = await monitored.Client.CreateAsync(new() { Content = JsonText.From(text) }, Cancelled);
        var node = await monitored.Client.CreateNodeAsync(new() { Type = "thing", Label = "clock" }, Cancelled);
        for (var i = 0; i < 2; i++) // the second from the cache
        {
            await monitored.Client.GetAsync(created.Id, Cancelled);
            await monitored.Client.SearchAsync(new() { Query = text.text }, Cancelled);
            await monitored.Client.ExpandAsync(node.Id, cancellationToken: Cancelled);
        }
        await monitored.Client.GetAsync(Guid.NewGuid(), Cancelled);
        await PostAsync("/v1/events/", "{");
        await PostAsync("/mcp", """{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "recall", "arguments": {"query": "the time"}}}""");

        async Task PostAsync(string path, string body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative));
            request.Headers.Add("Accept", "application/json, text/event-stream");
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            (await monitored.Http.SendAsync(request, Cancelled)).Dispose();
        }
    }

    private static List<double> Values(JsonArray series) =>
        [.. series.Select(one => (string)one!["value"]![1]!).Select(value => double.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : double.NaN)];

    [GeneratedRegex(@"^label_values\((.+), (\w+)\)$")]
    private static partial Regex LabelValues();
}
