using MnemoLite.Bench.Soak;

namespace MnemoLite.Bench.Load;

/// <summary>What a run of the benchmark found; the JSON file.</summary>
internal sealed record Report
{
    public required DateTimeOffset StartedAt { get; init; }

    public required MachineFigures Machine { get; init; }

    public required StoreFigures Store { get; init; }

    /// <summary>The exponent of Zipf's law by which requests repeat themselves.</summary>
    public required double Zipf { get; init; }

    public required int Seed { get; init; }

    public IReadOnlyList<ScenarioFigures> Scenarios { get; init; } = [];

    public IReadOnlyList<Row> Rows { get; init; } = [];

    /// <summary>What a long run looked at.</summary>
    public IReadOnlyList<Series> Series { get; init; } = [];
}

/// <summary>The machine; <paramref name="LargePages"/> tells whether a PostgreSQL on it has its buffers in large pages.</summary>
internal sealed record MachineFigures(string System, string Runtime, string Processor, int Processors, double MemoryGigabytes, bool LargePages);

internal sealed record StoreFigures(long Events, int Nodes, int Edges, string Model);

/// <summary>A scenario's load and what came of it. Latencies are milliseconds.</summary>
internal sealed record ScenarioFigures
{
    public required string Name { get; init; }

    public required string Load { get; init; }

    public required double Seconds { get; init; }

    public required RouteFigures All { get; init; }

    public required IReadOnlyList<RouteFigures> Routes { get; init; }

    public required IReadOnlyList<SecondFigures> Timeline { get; init; }

    public required IReadOnlyDictionary<string, int> FailuresByStatus { get; init; }

    public required IReadOnlyList<Problem> Problems { get; init; }

    /// <summary>What the caches did meanwhile, where the service tells.</summary>
    public IReadOnlyList<CacheFigures> Caches { get; init; } = [];

    /// <summary>The API's memory at the end, where its process is on this machine.</summary>
    public double? WorkingSetMegabytes { get; init; }
}

internal sealed record RouteFigures
{
    public required string Route { get; init; }

    public required long Requests { get; init; }

    public required int Failures { get; init; }

    public required double PerSecond { get; init; }

    public required double Mean { get; init; }

    public required double P50 { get; init; }

    public required double P90 { get; init; }

    public required double P95 { get; init; }

    public required double P99 { get; init; }

    public required double P999 { get; init; }

    public required double Max { get; init; }

    public required IReadOnlyList<CurvePoint> Curve { get; init; }
}

internal readonly record struct CurvePoint(double Percentile, double Milliseconds);

internal readonly record struct SecondFigures(int Second, long Requests, int Failures, double P50, double P95, double P99);

/// <summary>An answer that was not as it should be.</summary>
internal sealed record Problem(string Route, int Status, string Detail);

internal sealed record CacheFigures(string Name, long Hits, long Misses)
{
    public double HitRate => Hits + Misses == 0 ? 0 : Math.Round((double)Hits / (Hits + Misses), 4);
}

/// <summary>A figure beside its bar.</summary>
/// <param name="Name">What was measured.</param>
/// <param name="Value">How much it was.</param>
/// <param name="Unit">Of value and bar.</param>
/// <param name="Detail">What stands behind it.</param>
internal sealed record Row(string Name, double Value, string Unit, string Detail)
{
    /// <summary>What the value must not be above.</summary>
    public double? AtMost { get; init; }

    /// <summary>What the value must not be below.</summary>
    public double? AtLeast { get; init; }

    /// <summary>Whether the bar is held; null where there is none.</summary>
    public bool? Passed => AtMost is { } most ? Value <= most : AtLeast is { } least ? Value >= least : null;

    /// <summary>How many times the bar the value is.</summary>
    public double? Ratio => (AtMost ?? AtLeast) is { } bar and not 0 ? Math.Round(Value / bar, 3) : null;
}
