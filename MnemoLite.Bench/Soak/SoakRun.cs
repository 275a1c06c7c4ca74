using MnemoLite.Bench.Load;

namespace MnemoLite.Bench.Soak;

/// <summary>A long run at a load that is easily borne: what the application takes has to stay as it is (docs/performance.md).</summary>
/// <param name="target">The filled store.</param>
/// <param name="options">How much load, and for how long.</param>
/// <param name="interval">How often what the application takes is looked at.</param>
internal sealed class SoakRun(Target target, LoadOptions options, TimeSpan interval)
{
    private const int Connections = 512;

    public IReadOnlyList<Series> Series { get; private set; } = [];

    public List<Row> Rows { get; } = [];

    /// <summary>Runs it; what was seen until then is there also of a run that was cut short.</summary>
    public async Task<ScenarioFigures> RunAsync(CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        await using var application = await target.Own!.RunSeparatelyAsync(cancellationToken);
        using var load = new LoadClient(application.Api, Connections);
        using var http = new HttpClient { BaseAddress = application.Api };
        var scenario = new MixedScenario(target.Dataset, target.Events, options.Zipf, DateTimeOffset.UtcNow);
        var generator = new LoadGenerator(scenario.Next, load.SendAsync, target.Dataset.Seed, clock, Progress.OfConsole, LoadGenerator.SleepAsync);
        var sampler = new SoakSampler(application, clock);
        var clients = new SoakClients(application, target.Dataset, clock);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var beside = Task.WhenAll(sampler.RunAsync(interval, ended.Token), clients.RunAsync(ended.Token));
        ScenarioFigures figures;
        try
        {
            var before = await CacheStatistics.ReadAsync(http);
            figures = await generator.RunTimetableAsync("soak", options.Rate, options.Length, cancellationToken);
            figures = figures with { Caches = CacheStatistics.Between(before, await CacheStatistics.ReadAsync(http)) };
            Rows.Add(new("soak: failed requests", figures.All.Failures, "", $"of {figures.All.Requests:N0}") { AtMost = 0 });
        }
        finally
        {
            await ended.CancelAsync();
            await beside;
            Series = sampler.Series;
            Rows.AddRange(clients.ToRows());
            Rows.Add(new("soak: processes started again", sampler.Restarts, "", "of the API, the dashboard and the AppHost") { AtMost = 0 });
            Rows.AddRange(Series.Select(series => series.ToRow()).OfType<Row>());
        }
        return figures;
    }
}
