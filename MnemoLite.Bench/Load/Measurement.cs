using System.Collections.Concurrent;
using HdrHistogram;

namespace MnemoLite.Bench.Load;

/// <summary>The latencies and failures of a run, by route and by second.</summary>
internal sealed class Measurement
{
    private const int ToldProblems = 5;
    private const int Digits = 3;
    private const long Longest = 120_000_000; // µs
    private static readonly double[] CurvePercentiles =
        [0, 5, 10, 20, 30, 40, 50, 60, 70, 75, 80, 85, 90, 92.5, 95, 96, 97, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 100];

    private readonly ConcurrentDictionary<string, Route> _routes = new();
    private readonly ConcurrentDictionary<int, int> _failures = new();
    private readonly ConcurrentQueue<Problem> _problems = new();
    private readonly Recorder _recent = new(1, Longest, Digits, (id, lowest, highest, digits) => new LongConcurrentHistogram(id, lowest, highest, digits));
    private readonly List<SecondFigures> _seconds = [];
    private HistogramBase? _former;
    private int _failed, _failedBefore;

    public void Record(string route, TimeSpan latency, Outcome outcome)
    {
        var microseconds = Math.Clamp((long)latency.TotalMicroseconds, 1, Longest);
        var its = _routes.GetOrAdd(route, _ => new());
        its.Latencies.RecordValue(microseconds);
        _recent.RecordValue(microseconds);
        if (outcome.IsSuccess)
            return;
        Interlocked.Increment(ref its.Failures);
        Interlocked.Increment(ref _failed);
        _failures.AddOrUpdate(outcome.Status, 1, (_, count) => count + 1);
        if (_problems.Count < ToldProblems)
            _problems.Enqueue(new(route, outcome.Status, outcome.Problem ?? ""));
    }

    /// <summary>Ends a second of the timeline.</summary>
    public SecondFigures EndSecond()
    {
        var recent = _former = _recent.GetIntervalHistogram(_former);
        var failed = Volatile.Read(ref _failed);
        var second = new SecondFigures(
            _seconds.Count + 1, recent.TotalCount, failed - _failedBefore, Milliseconds(recent, 50), Milliseconds(recent, 95), Milliseconds(recent, 99));
        _failedBefore = failed;
        _seconds.Add(second);
        return second;
    }

    /// <param name="name">Of the scenario.</param>
    /// <param name="load">How the requests came, in words.</param>
    /// <param name="elapsed">From the first request to the last answer.</param>
    public ScenarioFigures ToFigures(string name, string load, TimeSpan elapsed)
    {
        var all = new LongHistogram(1, Longest, Digits);
        foreach (var route in _routes.Values)
            all.Add(route.Latencies);
        return new()
        {
            Name = name,
            Load = load,
            Seconds = Math.Round(elapsed.TotalSeconds, 3),
            All = Figures("all", all, _failed, elapsed),
            Routes = [.. _routes.OrderByDescending(route => route.Value.Latencies.TotalCount)
                .Select(route => Figures(route.Key, route.Value.Latencies, route.Value.Failures, elapsed))],
            Timeline = [.. _seconds],
            FailuresByStatus = _failures.ToDictionary(failure => failure.Key == 0 ? "no answer" : $"{failure.Key}", failure => failure.Value),
            Problems = [.. _problems],
        };
    }

    private static RouteFigures Figures(string name, HistogramBase latencies, int failures, TimeSpan elapsed) => new()
    {
        Route = name,
        Requests = latencies.TotalCount,
        Failures = failures,
        PerSecond = Math.Round(latencies.TotalCount / elapsed.TotalSeconds, 2),
        Mean = latencies.TotalCount == 0 ? 0 : Math.Round(latencies.GetMean() / 1000, 3),
        P50 = Milliseconds(latencies, 50),
        P90 = Milliseconds(latencies, 90),
        P95 = Milliseconds(latencies, 95),
        P99 = Milliseconds(latencies, 99),
        P999 = Milliseconds(latencies, 99.9),
        Max = Milliseconds(latencies, 100),
        Curve = [.. CurvePercentiles.Select(percentile => new CurvePoint(percentile, Milliseconds(latencies, percentile)))],
    };

    private static double Milliseconds(HistogramBase latencies, double percentile) =>
        latencies.TotalCount == 0 ? 0 : Math.Round(latencies.GetValueAtPercentile(percentile) / 1000.0, 3);

    private sealed class Route
    {
        public int Failures;

        public HistogramBase Latencies { get; } = new LongConcurrentHistogram(1, Longest, Digits);
    }
}
