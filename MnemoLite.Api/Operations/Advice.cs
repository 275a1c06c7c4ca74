using System.Globalization;
using MnemoLite.Client;

namespace MnemoLite.Api.Operations;

/// <summary>What the figures of an instance and its database advise.</summary>
internal static class Advice
{
    private const int FewRequests = 20, FewCalls = 10;
    private const long Mebibyte = 1 << 20;
    private static readonly string[] Severities = ["critical", "warning", "info"];

    /// <summary>Their 503 is an answer, as while the service starts, and not a failure.</summary>
    private static readonly string[] Probes = ["/alive", "/alive/ready", "/health", "/readiness"];

    /// <summary>The advice, the most severe first.</summary>
    public static IReadOnlyList<Suggestion> Give(
        RequestMetrics requests, PoolState pool, SystemMetrics system, DatabaseFigures database, SlowQueries queries, IndexUse indexes) =>
        [.. OnRequests(requests).Concat(OnPool(pool)).Concat(OnSystem(system)).Concat(OnDatabase(database)).Concat(OnQueries(queries))
            .Concat(OnIndexes(indexes, database.SharedBuffersBytes))
            .OrderBy(suggestion => Array.IndexOf(Severities, suggestion.Severity))];

    private static IEnumerable<Suggestion> OnRequests(RequestMetrics requests)
    {
        foreach (var route in requests.Routes.Where(route => route.Window.Requests >= FewRequests))
        {
            var name = $"{route.Method} {(route.Route.Length == 0 ? "(no route)" : route.Route)}";
            if (route.Window.ErrorRate > 0.01 && !Probes.Contains(route.Route))
            {
                yield return new("critical", "requests",
                    Invariant($"{name} failed {route.Window.Errors} of {route.Window.Requests} requests in the last minutes."),
                    "Look into the service's log for the reason, by the trace_id of a failed answer; GET /health says whether the database answers.");
            }
            if (route.Window.P95Ms > 500)
            {
                yield return new("warning", "requests", Invariant($"{name} takes {route.Window.P95Ms:F0} ms or more in 5 % of its requests."),
                    "See which statements are slow (GET /performance/database/slow-queries); narrow searches by metadata or time, or ask for fewer.");
            }
        }
    }

    private static IEnumerable<Suggestion> OnPool(PoolState pool)
    {
        if (pool.Timeouts > 0)
        {
            yield return new("critical", "pool", Invariant($"{pool.Timeouts} requests waited in vain for a database connection."),
                Invariant($"Raise Database__MaxPoolSize (now {pool.Max}), or start more replicas, within PostgreSQL's max_connections."));
        }
        else if (pool.Waiting > 0 || pool.Busy >= 0.9 * pool.Max)
        {
            yield return new("warning", "pool",
                Invariant($"{pool.Busy} of {pool.Max} database connections are busy, {pool.Waiting} requests wait for one."),
                "If it stays so, raise Database__MaxPoolSize within PostgreSQL's max_connections; if slow statements hold the connections, "
                + "mend those first.");
        }
    }

    private static IEnumerable<Suggestion> OnSystem(SystemMetrics system)
    {
        var free = (double)system.Disk.FreeBytes / system.Disk.TotalBytes;
        if (free < 0.1)
        {
            yield return new(free < 0.03 ? "critical" : "warning", "system",
                Invariant($"{Mib(system.Disk.FreeBytes)} MiB ({free:P0}) of the disk are free."),
                "Make room, or move the data to a larger disk: PostgreSQL stops when its disk is full.");
        }
        if (system.Memory.AvailableBytes is { } available && available < 0.1 * system.Memory.TotalBytes)
        {
            yield return new("warning", "system",
                Invariant($"{Mib(available)} MiB of {Mib(system.Memory.TotalBytes)} MiB of memory are free; ")
                + Invariant($"this service holds {Mib(system.Memory.WorkingSetBytes)} MiB."),
                "Stop what is not needed, or lower PostgreSQL's shared_buffers: a machine that swaps is slow in everything.");
        }
        if (system.Cpu.ProcessPercent > 85)
        {
            yield return new("warning", "system",
                Invariant($"This service used {system.Cpu.ProcessPercent} % of {system.Cpu.Cores} cores in the last {system.Cpu.OverSeconds:F0} s."),
                "If it stays so, start replicas on more cores, or send events in batches (POST /v1/events/batch): embedding is what costs most.");
        }
        if (system.Gc.PausePercent > 5)
        {
            yield return new("warning", "system", Invariant($"The garbage collector stops this service for {system.Gc.PausePercent} % of the time."),
                "Give it more memory, or ask for smaller pages and no embeddings in lists.");
        }
    }

    private static IEnumerable<Suggestion> OnDatabase(DatabaseFigures database)
    {
        if (database.CacheHitRatio < 0.95 && database.BlocksRead > 10_000)
        {
            yield return new("warning", "database",
                Invariant($"PostgreSQL found {database.CacheHitRatio:P1} of its blocks in shared buffers of {Mib(database.SharedBuffersBytes)} MiB."),
                "Raise shared_buffers, to a quarter of the machine's memory at most.");
        }
        if (database.Connections > 0.8 * database.MaxConnections)
        {
            yield return new("warning", "database", Invariant($"PostgreSQL has {database.Connections} connections of {database.MaxConnections}."),
                "Raise max_connections, or lower Database__MaxPoolSize of the instances: at the limit new connections are refused.");
        }
        foreach (var table in database.Tables)
        {
            yield return new("warning", "database", Invariant($"{table.Table} has {table.Dead} dead rows beside {table.Live} live ones."),
                $"See that autovacuum runs and no transaction is left open; VACUUM (ANALYZE) {table.Table} frees their space now.");
        }
        if (database is { Partitioned: false, Events: > 500_000 })
        {
            yield return new("info", "database", Invariant($"About {database.Events} events stand in one table."),
                "Partition them by month in a quiet hour (./mnemolite partition, or POST /v1/store/partition), if searches have a time window "
                + "or old months are to go.");
        }
    }

    private static IEnumerable<Suggestion> OnQueries(SlowQueries queries)
    {
        if (!queries.Available)
            yield return new("info", "queries", "Slow statements are not counted.", queries.Detail!);
        foreach (var query in queries.Queries.Where(query => query.Calls >= FewCalls && query.MeanMs > 100).Take(5))
        {
            var text = query.Query.Length <= 120 ? query.Query : $"{query.Query.AsSpan(0, 120)}…";
            yield return new("warning", "queries", Invariant($"{query.MeanMs:F0} ms on average over {query.Calls} calls: {text}"),
                query.CacheHitRatio < 0.9
                    ? Invariant($"{query.CacheHitRatio:P0} of its blocks were in memory: raise shared_buffers.")
                    : "EXPLAIN (ANALYZE, BUFFERS) shows where its time goes; narrow what is asked for, or add an index.");
        }
    }

    private static IEnumerable<Suggestion> OnIndexes(IndexUse indexes, long sharedBuffersBytes)
    {
        foreach (var index in indexes.Indexes.Where(index => index.Unused && index.SizeBytes > 10 * Mebibyte).Take(5))
        {
            var since = indexes.Since is { } time ? Invariant($" since {time:yyyy-MM-dd}") : "";
            yield return new("info", "indexes", Invariant($"{index.Name} on {index.Table} takes {Mib(index.SizeBytes)} MiB and was not used{since}."),
                $"If you made it and it stays unused, DROP INDEX CONCURRENTLY {index.Name}: every write pays for it. "
                + "MnemoLite's own are for searches you may yet make.");
        }
        foreach (var index in indexes.Indexes.Where(
            index => index.SizeBytes > sharedBuffersBytes && index.Definition.Contains("USING hnsw", StringComparison.Ordinal)))
        {
            yield return new("warning", "indexes",
                Invariant($"{index.Name} takes {Mib(index.SizeBytes)} MiB, more than the shared buffers of {Mib(sharedBuffersBytes)} MiB."),
                "Raise shared_buffers above it: a search by meaning reads all over this index.");
        }
    }

    private static long Mib(long bytes) => bytes / Mebibyte;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
