namespace MnemoLite.Client;

/// <summary>The requests one instance of the service has answered.</summary>
/// <param name="Timestamp">When this was counted.</param>
/// <param name="UptimeSeconds">How long the instance has been counting.</param>
/// <param name="Window">All requests of the last minutes.</param>
/// <param name="SinceStart">All requests since the start.</param>
/// <param name="Routes">The same for each route, the most used first.</param>
public sealed record RequestMetrics(
    DateTimeOffset Timestamp, double UptimeSeconds, RequestStatistics Window, RequestStatistics SinceStart, IReadOnlyList<RouteStatistics> Routes);

/// <summary>The requests of one route.</summary>
/// <param name="Method">The HTTP method.</param>
/// <param name="Route">The route's template, <c>/v1/events/{id}</c>; empty for requests that no route took.</param>
/// <param name="Window">Its requests of the last minutes.</param>
/// <param name="SinceStart">Its requests since the start.</param>
public sealed record RouteStatistics(string Method, string Route, RequestStatistics Window, RequestStatistics SinceStart);

/// <summary>How many requests there were in some time, and how long they took; percentiles are at most 4 % above what was measured.</summary>
/// <param name="Seconds">The time.</param>
/// <param name="Requests">How many requests ended in it.</param>
/// <param name="RequestsPerSecond">The same by the second.</param>
/// <param name="Errors">How many of them the service failed (5xx).</param>
/// <param name="ErrorRate">The share of these, 0..1.</param>
/// <param name="ClientErrors">How many were refused as not right (4xx).</param>
public sealed record RequestStatistics(
    double Seconds, long Requests, double RequestsPerSecond, long Errors, double ErrorRate, long ClientErrors)
{
    /// <summary>The mean time in milliseconds; absent without requests.</summary>
    public double? MeanMs { get; init; }

    /// <summary>Half of the requests took no longer than this many milliseconds; absent without requests.</summary>
    public double? P50Ms { get; init; }

    /// <summary>95 % of the requests took no longer than this many milliseconds; absent without requests.</summary>
    public double? P95Ms { get; init; }

    /// <summary>99 % of the requests took no longer than this many milliseconds; absent without requests.</summary>
    public double? P99Ms { get; init; }
}

/// <summary>How the requests on the memory went over the last hour, in one instance; those that look at the service itself and streams are left out.</summary>
/// <param name="Timestamp">When this was read.</param>
/// <param name="IntervalSeconds">How much time a sample covers.</param>
/// <param name="Window">All requests of the last minutes.</param>
/// <param name="Samples">One for every interval that has passed, oldest first; fewer than an hour's after a start.</param>
public sealed record RequestHistory(
    DateTimeOffset Timestamp, double IntervalSeconds, RequestStatistics Window, IReadOnlyList<RequestSample> Samples);

/// <summary>The requests that ended in one interval.</summary>
/// <param name="Time">When it ended.</param>
/// <param name="Requests">How many requests.</param>
/// <param name="RequestsPerSecond">The same by the second.</param>
/// <param name="Errors">How many of them the service failed (5xx).</param>
public sealed record RequestSample(DateTimeOffset Time, long Requests, double RequestsPerSecond, long Errors)
{
    /// <summary>Half of the requests took no longer than this many milliseconds; absent without requests.</summary>
    public double? P50Ms { get; init; }

    /// <summary>95 % of the requests took no longer than this many milliseconds; absent without requests.</summary>
    public double? P95Ms { get; init; }
}

/// <summary>The machine and the process of one instance of the service.</summary>
/// <param name="Timestamp">When this was found out.</param>
/// <param name="Process">The process.</param>
/// <param name="Cpu">The processor.</param>
/// <param name="Memory">The memory.</param>
/// <param name="Disk">The disk the service runs on.</param>
/// <param name="Gc">The garbage collector.</param>
public sealed record SystemMetrics(
    DateTimeOffset Timestamp, ProcessState Process, CpuState Cpu, MemoryState Memory, DiskState Disk, GcState Gc);

/// <summary>The process of the service.</summary>
/// <param name="Id">Its id.</param>
/// <param name="StartedAt">When it started.</param>
/// <param name="UptimeSeconds">How long it has been running.</param>
/// <param name="Threads">How many threads it has.</param>
/// <param name="Runtime">The .NET it runs on.</param>
/// <param name="Version">The version of MnemoLite, with the commit it was built from, if that is known.</param>
/// <param name="Machine">The name of the machine.</param>
public sealed record ProcessState(
    int Id, DateTimeOffset StartedAt, double UptimeSeconds, int Threads, string Runtime, string Version, string Machine);

/// <summary>The processor.</summary>
/// <param name="Cores">How many cores the process may use.</param>
/// <param name="ProcessPercent">What the process used of all of them, 0..100, over the last <paramref name="OverSeconds"/>.</param>
/// <param name="OverSeconds">The time that is meant.</param>
public sealed record CpuState(int Cores, double ProcessPercent, double OverSeconds)
{
    /// <summary>How many tasks of the machine wanted to run, as a mean of the last minute; absent where the system does not say.</summary>
    public double? LoadAverage { get; init; }
}

/// <summary>The memory.</summary>
/// <param name="WorkingSetBytes">What the process holds of it.</param>
/// <param name="TotalBytes">What the process may have: the machine's memory, or the limit of its container.</param>
public sealed record MemoryState(long WorkingSetBytes, long TotalBytes)
{
    /// <summary>What is still free on the machine; absent where the system does not say.</summary>
    public long? AvailableBytes { get; init; }
}

/// <summary>A disk.</summary>
/// <param name="TotalBytes">Its size.</param>
/// <param name="FreeBytes">What is free.</param>
public sealed record DiskState(long TotalBytes, long FreeBytes);

/// <summary>The garbage collector since the start.</summary>
/// <param name="HeapBytes">The size of the managed heap.</param>
/// <param name="AllocatedBytes">What was allocated.</param>
/// <param name="Collections">How many collections there were, by generation.</param>
/// <param name="PausePercent">The share of time it stopped the process, 0..100.</param>
public sealed record GcState(long HeapBytes, long AllocatedBytes, IReadOnlyList<int> Collections, double PausePercent);

/// <summary>The database connections of one instance of the service.</summary>
/// <param name="Min">How many it keeps open once it has them.</param>
/// <param name="Max">How many it may have.</param>
/// <param name="Size">How many it has.</param>
/// <param name="Busy">How many are in use.</param>
/// <param name="Idle">How many are not.</param>
/// <param name="Waiting">How many requests wait for one.</param>
/// <param name="Timeouts">How many have waited in vain since the start.</param>
public sealed record PoolState(int Min, int Max, int Size, int Busy, int Idle, int Waiting, long Timeouts);

/// <summary>The statements that cost the database most, by <c>pg_stat_statements</c>.</summary>
/// <param name="Available">Whether PostgreSQL counts them.</param>
/// <param name="Queries">The statements, the most costly in all first.</param>
public sealed record SlowQueries(bool Available, IReadOnlyList<SlowQuery> Queries)
{
    /// <summary>Since when they are counted.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>Why they are not counted, and what would change that.</summary>
    public string? Detail { get; init; }
}

/// <summary>A statement, whatever values it is run with.</summary>
/// <param name="Query">Its text, without values.</param>
/// <param name="Calls">How often it ran.</param>
/// <param name="TotalMs">What it took in all, in milliseconds.</param>
/// <param name="MeanMs">What it takes, in milliseconds.</param>
/// <param name="MaxMs">What it took at most, in milliseconds.</param>
/// <param name="Rows">How many rows it gave or changed in all.</param>
/// <param name="CacheHitRatio">The share of its blocks that were in PostgreSQL's shared buffers, 0..1.</param>
public sealed record SlowQuery(string Query, long Calls, double TotalMs, double MeanMs, double MaxMs, long Rows, double CacheHitRatio);

/// <summary>The indexes of the database, and how they are used.</summary>
/// <param name="Indexes">Each index, the largest first; the partitions of one count as one.</param>
/// <param name="UnusedBytes">What those take that were never used and hold no constraint.</param>
public sealed record IndexUse(IReadOnlyList<IndexStatistics> Indexes, long UnusedBytes)
{
    /// <summary>Since when the use is counted; absent where that was always.</summary>
    public DateTimeOffset? Since { get; init; }
}

/// <summary>An index.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Table">The table it is of.</param>
/// <param name="Definition">The statement that makes it.</param>
/// <param name="SizeBytes">What it takes on disk.</param>
/// <param name="Scans">How often it was used.</param>
/// <param name="TuplesRead">How many entries were read from it.</param>
/// <param name="Constraint">Whether it holds a constraint: a primary key, or that something is unique.</param>
/// <param name="Unused">Whether it was never used and holds no constraint.</param>
public sealed record IndexStatistics(
    string Name, string Table, string Definition, long SizeBytes, long Scans, long TuplesRead, bool Constraint, bool Unused);

/// <summary>What could be better, the most severe first.</summary>
/// <param name="Timestamp">When this was found out.</param>
/// <param name="Suggestions">The advice; empty where all is well.</param>
public sealed record OptimizationAdvice(DateTimeOffset Timestamp, IReadOnlyList<Suggestion> Suggestions);

/// <summary>One piece of advice.</summary>
/// <param name="Severity"><c>critical</c>, <c>warning</c> or <c>info</c>.</param>
/// <param name="Area">What it is about: <c>requests</c>, <c>pool</c>, <c>database</c>, <c>indexes</c>, <c>queries</c>, <c>system</c>.</param>
/// <param name="Seen">What was seen, with its figure.</param>
/// <param name="Action">What to do.</param>
public sealed record Suggestion(string Severity, string Area, string Seen, string Action);
