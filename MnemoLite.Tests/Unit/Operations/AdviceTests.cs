using MnemoLite.Api.Operations;
using MnemoLite.Client;

namespace MnemoLite.Tests.Unit.Operations;

public sealed class AdviceTests
{
    private const long Mebibyte = 1 << 20, Gibibyte = 1 << 30;
    private static readonly RequestStatistics Few = new(300, 5, 0.02, 0, 0, 0) { P95Ms = 900 };

    private RequestMetrics _requests = new(default, 600, Few, Few, []);
    private PoolState _pool = new(20, 30, 20, 2, 18, 0, 0);
    private SystemMetrics _system = new(
        default, new(1, default, 600, 20, ".NET", "0.1.0", "machine"), new(2, 10, 5), new(200 * Mebibyte, 8 * Gibibyte) { AvailableBytes = 4 * Gibibyte },
        new(100 * Gibibyte, 50 * Gibibyte), new(0, 0, [], 0.5));
    private DatabaseFigures _database = new(0.99, 100_000, 22, 100, 512 * Mebibyte, false, 50_000, []);
    private SlowQueries _queries = new(true, []);
    private IndexUse _indexes = new([], 0);

    [Fact]
    public void Where_all_is_well_there_is_none() => Assert.Empty(Give());

    [Fact]
    public void A_failing_or_slow_route_is_named()
    {
        var failing = new RequestStatistics(300, 100, 0.33, 5, 0.05, 0) { P95Ms = 12 };
        var slow = new RequestStatistics(300, 100, 0.33, 0, 0, 0) { P95Ms = 812.4 };
        _requests = _requests with
        {
            Routes = [new("GET", "/rare", Few, Few), new("POST", "/v1/search", slow, slow), new("GET", "/v1/events/{id}", failing, failing)],
        };
        var advice = Give();
        Assert.Equal(2, advice.Count);
        AssertIs(advice[0], "critical", "requests", "GET /v1/events/{id} failed 5 of 100");
        AssertIs(advice[1], "warning", "requests", "POST /v1/search takes 812 ms");
    }

    [Theory]
    [InlineData("/alive/ready")]
    [InlineData("/health")]
    public void A_probe_that_says_the_service_is_not_ready_has_not_failed(string probe)
    {
        var starting = new RequestStatistics(300, 22, 0.07, 7, 0.32, 0) { P95Ms = 12 };
        _requests = _requests with { Routes = [new("GET", probe, starting, starting)] };
        Assert.Empty(Give());
    }

    [Fact]
    public void An_exhausted_pool_is_told_with_its_setting()
    {
        _pool = _pool with { Size = 30, Busy = 30, Idle = 0, Waiting = 4 };
        AssertIs(Assert.Single(Give()), "warning", "pool", "30 of 30 database connections are busy, 4 requests wait");
        _pool = _pool with { Timeouts = 3 };
        var advice = Assert.Single(Give());
        AssertIs(advice, "critical", "pool", "3 requests waited in vain");
        Assert.Contains("Database__MaxPoolSize (now 30)", advice.Action, StringComparison.Ordinal);
    }

    [Fact]
    public void A_machine_short_of_disk_memory_or_processor_is_told()
    {
        _system = _system with
        {
            Disk = new(100 * Gibibyte, 2 * Gibibyte),
            Memory = _system.Memory with { AvailableBytes = 100 * Mebibyte },
            Cpu = _system.Cpu with { ProcessPercent = 97.5 },
            Gc = _system.Gc with { PausePercent = 12 },
        };
        var advice = Give();
        Assert.All(advice, suggestion => Assert.Equal("system", suggestion.Area));
        AssertIs(advice[0], "critical", "system", "2048 MiB (2 %) of the disk are free");
        AssertIs(advice[1], "warning", "system", "100 MiB of 8192 MiB of memory are free");
        AssertIs(advice[2], "warning", "system", "97.5 % of 2 cores");
        AssertIs(advice[3], "warning", "system", "12 % of the time");
    }

    [Fact]
    public void A_database_short_of_buffers_or_connections_or_full_of_dead_rows_is_told()
    {
        _database = new(0.8, 100_000, 95, 100, 128 * Mebibyte, false, 750_000, [new("events", 10_000, 50_000)]);
        var advice = Give();
        AssertIs(advice[0], "warning", "database", "80.0 % of its blocks in shared buffers of 128 MiB");
        AssertIs(advice[1], "warning", "database", "95 connections of 100");
        AssertIs(advice[2], "warning", "database", "events has 50000 dead rows beside 10000");
        AssertIs(advice[3], "info", "database", "About 750000 events stand in one table");
        _database = _database with { Partitioned = true };
        Assert.Equal(3, Give().Count);
    }

    [Fact]
    public void Slow_statements_are_told_or_how_to_see_them()
    {
        _queries = new(true, [new("SELECT slow", 50, 10_000, 200, 900, 50, 0.99), new("SELECT once", 1, 10_000, 10_000, 10_000, 1, 0.99)]);
        AssertIs(Assert.Single(Give()), "warning", "queries", "200 ms on average over 50 calls: SELECT slow");
        _queries = new(false, []) { Detail = "Do this." };
        var advice = Assert.Single(Give());
        AssertIs(advice, "info", "queries", "not counted");
        Assert.Equal("Do this.", advice.Action);
    }

    [Fact]
    public void A_large_unused_index_and_one_larger_than_the_buffers_are_told()
    {
        _indexes = new(
            [
                Index("mine", "CREATE INDEX mine", 20 * Mebibyte, unused: true),
                Index("small", "CREATE INDEX small", Mebibyte, unused: true),
                Index("events_embedding", "CREATE INDEX events_embedding ON events USING hnsw (embedding)", Gibibyte, unused: false),
            ],
            21 * Mebibyte);
        var advice = Give();
        Assert.Equal(2, advice.Count);
        AssertIs(advice[0], "warning", "indexes", "events_embedding takes 1024 MiB, more than the shared buffers of 512 MiB");
        AssertIs(advice[1], "info", "indexes", "mine on events takes 20 MiB and was not used");
    }

    private static IndexStatistics Index(string name, string definition, long bytes, bool unused) =>
        new(name, "events", definition, bytes, unused ? 0 : 9, 0, Constraint: false, unused);

    private IReadOnlyList<Suggestion> Give() => Advice.Give(_requests, _pool, _system, _database, _queries, _indexes);

    private static void AssertIs(Suggestion suggestion, string severity, string area, string seen)
    {
        Assert.Equal((severity, area), (suggestion.Severity, suggestion.Area));
        Assert.Contains(seen, suggestion.Seen, StringComparison.Ordinal);
        Assert.NotEmpty(suggestion.Action);
    }
}
