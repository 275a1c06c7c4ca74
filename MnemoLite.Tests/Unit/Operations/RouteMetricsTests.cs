using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using MnemoLite.Api.Operations;

namespace MnemoLite.Tests.Unit.Operations;

public sealed class RouteMetricsTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly RouteMetrics _metrics;
    private readonly Histogram<double> _durations;

    public RouteMetricsTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _metrics = new(meters, _clock);
        _metrics.StartAsync(CancellationToken.None);
        _durations = meters.Create("Microsoft.AspNetCore.Hosting").CreateHistogram<double>("http.server.request.duration");
    }

    [Fact]
    public void Percentiles_are_within_a_thirtieth_of_the_true_ones()
    {
        for (var i = 1; i <= 1000; i++)
            Serve(i / 1e3);
        _clock.Advance(TimeSpan.FromSeconds(10));

        var all = _metrics.Read().SinceStart;

        Assert.Equal((1000, 100), (all.Requests, all.RequestsPerSecond));
        Assert.Equal(500.5, all.MeanMs!.Value, 1.0);
        Assert.InRange(all.P50Ms!.Value, 500, 500 * 1.04);
        Assert.InRange(all.P95Ms!.Value, 950, 950 * 1.04);
        Assert.InRange(all.P99Ms!.Value, 990, 990 * 1.04);
    }

    [Theory]
    [InlineData(0, 0.001)]
    [InlineData(0.0000005, 0.001)]
    [InlineData(0.000031, 0.032)]
    [InlineData(0.001, 1.024)]
    [InlineData(100, 104_000)]
    [InlineData(1e9, 134_217.728)]
    public void Any_time_has_a_bucket(double seconds, double mostMs)
    {
        Serve(seconds);
        Assert.InRange(_metrics.Read().SinceStart.P99Ms!.Value, Math.Min(seconds * 1e3, mostMs), mostMs);
    }

    [Fact]
    public void The_window_forgets_what_the_start_remembers()
    {
        Serve(0.01);
        Pass(minutes: 4);
        Serve(0.02);
        Assert.Equal((2, 240), (_metrics.Read().Window.Requests, _metrics.Read().Window.Seconds));

        Pass(minutes: 2);
        var metrics = _metrics.Read();
        Assert.Equal((1, 2), (metrics.Window.Requests, metrics.SinceStart.Requests));
        Assert.InRange(metrics.Window.P99Ms!.Value, 20, 21);
        Assert.InRange(metrics.Window.Seconds, 270, 300);

        Pass(minutes: 6);
        metrics = _metrics.Read();
        Assert.Equal((0, 2), (metrics.Window.Requests, metrics.SinceStart.Requests));
        Assert.Null(metrics.Window.P99Ms);
        Assert.Equal(0, Assert.Single(metrics.Routes).Window.Requests);
    }

    [Fact]
    public void The_history_has_a_sample_for_every_ten_seconds_of_the_last_hour()
    {
        Assert.Empty(_metrics.ReadHistory().Samples);
        for (var i = 0; i < 20; i++)
            Serve(0.02, i == 0 ? 500 : 200, "/v1/search");
        _clock.Advance(TimeSpan.FromSeconds(10));
        _clock.Advance(TimeSpan.FromSeconds(10));

        var samples = _metrics.ReadHistory().Samples;
        Assert.Equal([(20, 2.0, 1), (0, 0.0, 0)], samples.Select(sample => (sample.Requests, sample.RequestsPerSecond, sample.Errors)));
        Assert.Equal(_clock.GetUtcNow(), samples[1].Time);
        Assert.InRange(samples[0].P95Ms!.Value, 20, 21);
        Assert.Null(samples[1].P95Ms);

        Pass(minutes: 61);
        Serve(0.02, 200, "/mcp");
        _clock.Advance(TimeSpan.FromSeconds(10));
        samples = _metrics.ReadHistory().Samples;
        Assert.Equal((360, 1), (samples.Count, samples.Sum(sample => sample.Requests)));
        Assert.Equal(TimeSpan.FromSeconds(3590), samples[^1].Time - samples[0].Time);
        Assert.Equal(1, samples[^1].Requests);
    }

    [Fact]
    public void The_history_leaves_out_looks_at_the_service_and_streams()
    {
        foreach (var route in (string?[])["/health", "/performance/metrics", "/api/monitoring/status", "/v1/store", "/v1/events/cache/stats", "/v1/events/stream", null])
            Serve(60, 500, route);
        foreach (var route in (string[])["/v1/events/", "/v1/events/{id}", "/v1/search/", "/v1/graph/traverse", "/api/graph/nodes", "/mcp/"])
            Serve(0.01, 200, route);
        _clock.Advance(TimeSpan.FromSeconds(10));

        var history = _metrics.ReadHistory();
        Assert.Equal((6, 0), (history.Window.Requests, history.Window.Errors));
        Assert.Equal((6, 0), (history.Samples[0].Requests, history.Samples[0].Errors));
        Assert.InRange(history.Window.P99Ms!.Value, 10, 11);
        Assert.Equal(13, _metrics.Read().SinceStart.Requests);
    }

    [Fact]
    public void Errors_are_counted_by_whose_they_are_and_by_route()
    {
        foreach (var status in (int[])[200, 201, 404, 422, 500, 503, 503, 200])
            Serve(0.01, status, "/a");
        Serve(0.01, 200, "/b");
        Serve(0.01, 404, route: null);

        var metrics = _metrics.Read();

        var (all, a) = (metrics.SinceStart, metrics.Routes[0]);
        Assert.Equal((10, 3, 3, 0.3), (all.Requests, all.Errors, all.ClientErrors, all.ErrorRate));
        Assert.Equal(("GET", "/a", 8, 3, 2, 0.375), (a.Method, a.Route, a.Window.Requests, a.Window.Errors, a.Window.ClientErrors, a.Window.ErrorRate));
        Assert.Equal(["", "/b"], metrics.Routes.Skip(1).Select(route => route.Route));
    }

    [Fact]
    public async Task Requests_counted_at_once_are_all_counted()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 25_000; i++)
                Serve(0.001, i % 10 == 0 ? 500 : 200, "/a");
        })));
        var all = _metrics.Read().SinceStart;
        Assert.Equal((100_000, 10_000), (all.Requests, all.Errors));
    }

    [Fact]
    public void Counting_a_request_allocates_nothing()
    {
        object ok = 200; // ASP.NET Core boxes a status once
        var (method, route, status) = (
            KeyValuePair.Create<string, object?>("http.request.method", "GET"), KeyValuePair.Create<string, object?>("http.route", "/a"),
            KeyValuePair.Create<string, object?>("http.response.status_code", ok));
        _durations.Record(0.001, method, route, status);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            _durations.Record(0.001, method, route, status);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000); // less than a byte a request
        Assert.Equal(1001, _metrics.Read().SinceStart.Requests);
    }

    public async ValueTask DisposeAsync()
    {
        _metrics.Dispose();
        await _services.DisposeAsync();
    }

    private void Pass(int minutes)
    {
        for (var i = 0; i < 6 * minutes; i++)
            _clock.Advance(TimeSpan.FromSeconds(10));
    }

    private void Serve(double seconds, int status = 200, string? route = "/a")
    {
        var tags = new List<KeyValuePair<string, object?>> { new("http.request.method", "GET"), new("http.response.status_code", status) };
        if (route is not null)
            tags.Add(new("http.route", route));
        _durations.Record(seconds, [.. tags]);
    }
}
