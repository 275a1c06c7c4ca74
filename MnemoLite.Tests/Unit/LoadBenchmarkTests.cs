using System.Text.Json;
using System.Xml.Linq;
using Microsoft.Extensions.Time.Testing;
using MnemoLite.Bench.Load;
using MnemoLite.Bench.Retrieval;
using LoadOptions = MnemoLite.Bench.Load.LoadOptions;

namespace MnemoLite.Tests.Unit;

/// <summary>What the load benchmark draws, how it times, and what it makes of it.</summary>
public sealed class LoadBenchmarkTests
{
    private static readonly LabelledSet Labelled = LabelledSet.Load(LabelledSet.Folder);
    private static readonly Operation Ping = new("ping", HttpMethod.Get, "ping");
    private readonly FakeTimeProvider _clock = new();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1.1)]
    public void Places_are_drawn_by_Zipfs_law(double exponent)
    {
        const int Draws = 200_000;
        var zipf = new Zipf(100, exponent);
        var random = new Random(1);
        var drawn = Enumerable.Range(0, Draws).Select(_ => zipf.Next(random)).CountBy(place => place).ToDictionary();
        var sum = Enumerable.Range(1, 100).Sum(place => Math.Pow(place, -exponent));
        Assert.Equal(Enumerable.Range(0, 100), drawn.Keys.Order());
        foreach (var place in new[] { 0, 1, 9, 99 })
            Assert.Equal(Math.Pow(place + 1, -exponent) / sum, (double)drawn[place] / Draws, 0.005);
    }

    [Fact]
    public void Operations_are_mixed_as_the_scenario_says()
    {
        const int Draws = 100_000;
        var scenario = new MixedScenario(new Dataset(Labelled, 1), Enumerable.Range(0, 1000).Select(_ => Guid.NewGuid()), 1.1, DateTimeOffset.UtcNow);
        var random = new Random(1);
        var drawn = new Dictionary<string, double>();
        for (var i = 0; i < Draws; i++)
        {
            var operation = scenario.Next(random);
            drawn[operation.Route] = drawn.GetValueOrDefault(operation.Route) + (1.0 / Draws);
            using var answer = new HttpResponseMessage { Headers = { Location = new Uri("/v1/events/1", UriKind.Relative) } };
            operation.Answered?.Invoke(answer);
        }
        var expected = new Dictionary<string, double>
        {
            ["search"] = 0.55,
            ["read"] = 0.3,
            ["create"] = 0.08,
            ["patch metadata"] = 0.03,
            ["graph"] = 0.03,
            ["delete"] = 0.01,
        };
        Assert.Equal(expected.Keys.Order(), drawn.Keys.Order());
        Assert.All(expected, share => Assert.Equal(share.Value, drawn[share.Key], 0.005));
    }

    [Fact]
    public void Only_what_the_run_created_is_deleted()
    {
        var scenario = new MixedScenario(new Dataset(Labelled, 1), [Guid.NewGuid()], 1.1, DateTimeOffset.UtcNow);
        var random = new Random(1);
        Assert.DoesNotContain(Enumerable.Range(0, 10_000).Select(_ => scenario.Next(random)), operation => operation.Method == HttpMethod.Delete);
    }

    [Fact]
    public void The_dataset_is_the_same_for_the_same_seed()
    {
        var now = DateTimeOffset.UtcNow;
        var memories = Memories(1);
        Assert.Equal(memories, Memories(1));
        Assert.NotEqual(memories, Memories(2));
        Assert.Equal(memories.Count, memories.Distinct().Count());
        Assert.All(memories, memory => Assert.InRange(JsonElement.Parse(memory).GetProperty("text").GetString()!.Split(' ').Length, 8, 20));
        Assert.Equal(2000, new Dataset(Labelled, 1).SearchBodies(now).Count);

        List<string> Memories(int seed) => [.. new Dataset(Labelled, seed).Events(now).Take(500).Select(memory => memory.Content.ToString())];
    }

    [Fact]
    public async Task A_timetable_counts_latency_from_when_a_request_was_due()
    {
        var requests = 0;
        var generator = new LoadGenerator(_ => Ping, Send, 1, _clock);
        var figures = await generator.RunTimetableAsync("open", 100, TimeSpan.FromSeconds(0.5), TestContext.Current.CancellationToken);
        Assert.Equal(50, figures.All.Requests);
        Assert.Equal(500, figures.All.Max, 1.0);
        Assert.Equal(250, figures.All.P50, 10.0); // 500, 490, 480 … 10 ms: measured from the sending all but one would be 0

        Task<Outcome> Send(Operation operation, CancellationToken cancellationToken)
        {
            if (requests++ == 0)
                _clock.Advance(TimeSpan.FromSeconds(0.5)); // the service stands still
            return Task.FromResult(new Outcome(200));
        }
    }

    [Fact]
    public async Task A_timetable_sends_each_request_when_it_is_due()
    {
        var start = _clock.GetUtcNow();
        var sent = new List<double>();
        var generator = new LoadGenerator(_ => Ping, Send, 1, _clock);
        // without the test's synchronisation context, so that what waits goes on within Advance
        await Task.Run(
            async () =>
            {
                var running = generator.RunTimetableAsync("open", 40, TimeSpan.FromSeconds(0.25), TestContext.Current.CancellationToken);
                while (!running.IsCompleted)
                {
                    _clock.Advance(TimeSpan.FromMilliseconds(1));
                    await Task.Yield();
                }
                await running;
            },
            TestContext.Current.CancellationToken);
        Assert.Equal([0, 25, 50, 75, 100, 125, 150, 175, 200, 225], sent);

        Task<Outcome> Send(Operation operation, CancellationToken cancellationToken)
        {
            sent.Add((_clock.GetUtcNow() - start).TotalMilliseconds);
            return Task.FromResult(new Outcome(200));
        }
    }

    [Fact]
    public async Task A_user_sends_the_next_request_after_the_answer()
    {
        var generator = new LoadGenerator(_ => Ping, Send, 1, _clock);
        var figures = await generator.RunUsersAsync("closed", 1, 10, TimeSpan.FromSeconds(1), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(100, figures.All.Requests);
        Assert.Equal(100, figures.All.PerSecond);
        Assert.Equal(10, figures.All.P50, 0.02);

        Task<Outcome> Send(Operation operation, CancellationToken cancellationToken)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(10));
            return Task.FromResult(new Outcome(200));
        }
    }

    [Fact]
    public void Percentiles_are_those_of_what_was_recorded()
    {
        var measurement = new Measurement();
        for (var milliseconds = 1; milliseconds <= 1000; milliseconds++)
            measurement.Record(milliseconds % 2 == 0 ? "even" : "odd", TimeSpan.FromMilliseconds(milliseconds), new(200));
        var figures = measurement.ToFigures("x", "", TimeSpan.FromSeconds(10));
        Assert.Equal(1000, figures.All.Requests);
        Assert.Equal(100, figures.All.PerSecond);
        foreach (var (expected, actual) in new[]
                 {
                     (500, figures.All.P50), (900, figures.All.P90), (950, figures.All.P95), (990, figures.All.P99), (999, figures.All.P999),
                     (1000, figures.All.Max), (500.5, figures.All.Mean),
                 })
            Assert.Equal(expected, actual, expected * 0.001);
        Assert.Equal(["even", "odd"], figures.Routes.Select(route => route.Route).Order());
        Assert.All(figures.Routes, route => Assert.Equal(500, route.Requests));
        Assert.Equal(figures.All.Curve.OrderBy(point => point.Milliseconds), figures.All.Curve);
    }

    [Fact]
    public void Failures_are_counted_by_status_and_the_first_told()
    {
        var measurement = new Measurement();
        measurement.Record("read", TimeSpan.FromMilliseconds(1), new(200));
        for (var i = 0; i < 10; i++)
            measurement.Record("read", TimeSpan.FromMilliseconds(1), new(503, "The database is away."));
        measurement.Record("search", TimeSpan.FromMilliseconds(1), new(0, "Connection refused"));
        var figures = measurement.ToFigures("x", "", TimeSpan.FromSeconds(1));
        Assert.Equal(11, figures.All.Failures);
        Assert.Equal(10, figures.FailuresByStatus["503"]);
        Assert.Equal(1, figures.FailuresByStatus["no answer"]);
        Assert.Equal(5, figures.Problems.Count);
        Assert.Equal(new("read", 503, "The database is away."), figures.Problems[0]);
    }

    [Fact]
    public void Seconds_hold_what_happened_in_each()
    {
        var measurement = new Measurement();
        measurement.Record("read", TimeSpan.FromMilliseconds(100), new(200));
        var first = measurement.EndSecond();
        measurement.Record("read", TimeSpan.FromMilliseconds(5), new(200));
        measurement.Record("read", TimeSpan.FromMilliseconds(5), new(500));
        var second = measurement.EndSecond();
        Assert.Equal((1, 1, 0), (first.Second, first.Requests, first.Failures));
        Assert.Equal((2, 2, 1), (second.Second, second.Requests, second.Failures));
        Assert.Equal(5, second.P99, 0.02);
    }

    [Theory]
    [InlineData(9, 10.0, null, true, 0.9)]
    [InlineData(11, 10.0, null, false, 1.1)]
    [InlineData(11, null, 10.0, true, 1.1)]
    [InlineData(9, null, 10.0, false, 0.9)]
    [InlineData(0, 0.0, null, true, null)]
    [InlineData(1, 0.0, null, false, null)]
    [InlineData(5, null, null, null, null)]
    public void A_bar_is_held_or_missed(double value, double? most, double? least, bool? passed, double? ratio)
    {
        var row = new Row("x", value, "ms", "") { AtMost = most, AtLeast = least };
        Assert.Equal((passed, ratio), (row.Passed, row.Ratio));
    }

    [Fact]
    public void Runs_are_compared_by_name()
    {
        var old = Report(10);
        var comparison = new Comparison(JsonSerializer.Deserialize<Report>(JsonSerializer.Serialize(old, ReportJson.Options), ReportJson.Options));
        Assert.Equal(old.Scenarios[0].All.P50, comparison.Find("paced", "all")!.P50);
        Assert.Equal(old.Scenarios[0].Routes[0].P99, comparison.Find("paced", "search")!.P99);
        Assert.Null(comparison.Find("closed", "search"));
        Assert.Null(comparison.Find("paced", "create"));
        Assert.Equal(old.Rows[0], comparison.Find("paced: P50"));
        Assert.Equal(0.5, Comparison.Ratio(5, 10));
        Assert.Null(Comparison.Ratio(5, 0));
        Assert.Null(Comparison.Ratio(5, null));
        Assert.Null(new Comparison(null).Find("paced", "all"));

        using var table = new StringWriter();
        TableReport.Write(table, Report(5).Scenarios[0], comparison);
        Assert.Contains("0.50×", table.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_page_is_well_formed_and_needs_nothing_else(bool isCompared)
    {
        var html = HtmlReport.Write(Report(10), new(isCompared ? Report(20) : null));
        var page = XDocument.Parse(html);
        Assert.DoesNotContain("http:", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("https:", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("<script", html, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(page.Descendants(), element => element.Attribute("src") is not null || element.Attribute("href") is not null);
        // HTML has no empty elements in this form, but for these
        Assert.All(page.Descendants().Where(element => element.IsEmpty), element => Assert.Contains(element.Name.LocalName, (string[])["meta", "path", "rect"]));
        Assert.Contains(page.Descendants("td"), cell => cell.Value == "paced: P50");
        Assert.Contains(page.Descendants("li"), item => item.Value.Contains("<script>alert(1)</script>", StringComparison.Ordinal));
        Assert.Equal(isCompared, page.Descendants("th").Any(head => head.Value == "P99 ×"));
    }

    [Theory]
    [InlineData("There is no scenario 'fast'", "fast")]
    [InlineData("There is no option --fast", "paced", "--fast", "1")]
    [InlineData("--users needs a number from 1 to 1000, not 'many'", "--users", "many")]
    [InlineData("--duration needs a number", "closed", "--duration", "0")]
    [InlineData("--api needs an address", "--api", "nowhere")]
    [InlineData("--data is for an application the benchmark starts", "--api", "http://localhost:1", "--data", "x")]
    [InlineData("There is no file", "--compare", "/no/such.json")]
    public void A_wrong_command_line_is_told(string message, params string[] arguments) =>
        Assert.StartsWith(message, Assert.ThrowsAny<ArgumentException>(() => LoadOptions.Read(arguments)).Message, StringComparison.Ordinal);

    [Fact]
    public void Without_arguments_it_is_paced()
    {
        var options = LoadOptions.Read([]);
        Assert.Equal(["paced"], options.Asked);
        Assert.Equal((50, 10, 60, 50_000, 1.2), (options.Users, options.Ramp, options.Duration.TotalSeconds, options.Events, options.Zipf));
    }

    private static Report Report(int milliseconds)
    {
        var measurement = new Measurement();
        for (var i = 0; i < 100; i++)
            measurement.Record(i % 2 == 0 ? "search" : "read", TimeSpan.FromMilliseconds(milliseconds), new(200));
        measurement.EndSecond();
        measurement.Record("read", TimeSpan.FromMilliseconds(milliseconds), new(500, "<script>alert(1)</script> & more"));
        measurement.EndSecond();
        var scenario = measurement.ToFigures("paced", "50 users", TimeSpan.FromSeconds(2)) with { Caches = [new("event", 7, 3)], WorkingSetMegabytes = 200 };
        return new()
        {
            StartedAt = DateTimeOffset.UnixEpoch,
            Machine = new("Linux", ".NET", "A processor", 2, 16, LargePages: true),
            Store = new(50_000, 10_000, 50_000, "model"),
            Zipf = 1.1,
            Seed = 1,
            Scenarios = [scenario],
            Rows = [new("paced: P50", milliseconds, "ms", "50 users") { AtMost = 15 }, new("expand", 3, "ms", "")],
        };
    }
}
