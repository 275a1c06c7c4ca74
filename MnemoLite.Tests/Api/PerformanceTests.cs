using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

public sealed class PerformanceTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Requests_are_counted_by_route()
    {
        await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={app.ConnectionString}");
        using var http = await api.ConnectAsync(Cancelled);
        for (var i = 0; i < 3; i++)
            (await http.GetAsync($"/v1/events/{Guid.NewGuid()}", Cancelled)).Dispose();
        (await http.GetAsync("/v1/events/?limit=1", Cancelled)).Dispose();
        (await http.GetAsync("/v1/events/?limit=0", Cancelled)).Dispose();
        (await http.GetAsync($"/no/{Guid.NewGuid()}", Cancelled)).Dispose();
        (await http.GetAsync($"/no/{Guid.NewGuid()}", Cancelled)).Dispose();

        // a request is counted once it is over, which its client may know first
        var client = new MnemoLiteClient(http);
        await Eventually.UntilAsync(async () => (await FindAsync("")).Requests == 2 && (await FindAsync("/v1/events")).Requests == 2);

        Assert.Equal((3, 3, 0), Counts(await FindAsync("/v1/events/{id}")));
        Assert.Equal((2, 1, 0), Counts(await FindAsync("/v1/events")));
        Assert.Equal((2, 2, 0), Counts(await FindAsync("")));
        var metrics = await client.GetRequestMetricsAsync(Cancelled);
        Assert.Equal(metrics.SinceStart.Requests, metrics.Routes.Sum(route => route.SinceStart.Requests));
        Assert.All(metrics.Routes.SelectMany(route => (RequestStatistics[])[route.Window, route.SinceStart]).Append(metrics.SinceStart), found =>
        {
            Assert.True(0 < found.P50Ms && found.P50Ms <= found.P95Ms && found.P95Ms <= found.P99Ms);
            Assert.InRange(found.RequestsPerSecond, 0.001, 1e6);
        });

        async Task<RequestStatistics> FindAsync(string route) =>
            (await client.GetRequestMetricsAsync(Cancelled)).Routes.Where(found => found.Method == "GET" && found.Route.TrimEnd('/') == route)
                .Select(found => found.SinceStart).SingleOrDefault() ?? new(0, 0, 0, 0, 0, 0);

        static (long, long, long) Counts(RequestStatistics found) => (found.Requests, found.ClientErrors, found.Errors);
    }

    [Fact]
    public async Task The_pool_shows_what_is_busy_and_what_waits()
    {
        await using var api = ApiProcess.Start(
            $"--ConnectionStrings:mnemolite={app.ConnectionString}", "--Database:MinPoolSize=0", "--Database:MaxPoolSize=4");
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        var @event = await client.CreateAsync(new() { Content = default }, Cancelled);
        await using var holder = new NpgsqlConnection(app.ConnectionString);
        await holder.OpenAsync(Cancelled);
        Task<HttpResponseMessage>[] patches;
        await using (var held = await holder.BeginTransactionAsync(Cancelled))
        {
            await using var hold = new NpgsqlCommand("SELECT FROM events WHERE id = $1 FOR UPDATE", holder, held);
            hold.Parameters.Add(new() { Value = @event.Id });
            await hold.ExecuteNonQueryAsync(Cancelled);
            patches = [.. Enumerable.Range(0, 6).Select(i => http.PatchAsJsonAsync($"/v1/events/{@event.Id}/metadata", new { i }, Cancelled))];

            PoolState pool = null!;
            await Eventually.UntilAsync(async () => (pool = await client.GetPoolAsync(Cancelled)) is { Waiting: >= 2, Busy: 4 });
            Assert.Equal((0, 4, 4, 4, 0), (pool.Min, pool.Max, pool.Size, pool.Busy, pool.Idle));
            // the work in the background waits as well, and may begin to between two reads
            PrometheusText metrics = null!;
            await Eventually.UntilAsync(async () =>
                (metrics = PrometheusText.Parse(await http.GetStringAsync("/metrics", Cancelled))).Single("mnemolite_database_waiting")
                    == (await client.GetPoolAsync(Cancelled)).Waiting);
            Assert.True(metrics.Single("mnemolite_database_waiting") >= 2);
            Assert.Equal(4, metrics.Single("db_client_connection_count", ("db_client_connection_state", "used")));
        }
        foreach (var patch in patches)
            Assert.Equal(HttpStatusCode.OK, (await patch).StatusCode);
        await Eventually.UntilAsync(async () => await client.GetPoolAsync(Cancelled) is { Waiting: 0, Idle: > 0, Timeouts: 0 });
    }

    [Fact]
    public async Task The_history_is_of_requests_on_the_memory()
    {
        await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={app.ConnectionString}");
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        for (var i = 0; i < 3; i++)
            (await http.GetAsync("/v1/events/?limit=1", Cancelled)).Dispose();
        (await http.GetAsync("/v1/store", Cancelled)).Dispose();
        (await http.PostAsync("/mcp", null, Cancelled)).Dispose();
        foreach (var path in (string[])["/v1/graph/nodes/" + Guid.NewGuid(), "/api/graph/nodes"])
            (await http.GetAsync(path, Cancelled)).Dispose();

        await Eventually.UntilAsync(async () => (await client.GetRequestHistoryAsync(Cancelled)).Window.Requests == 6);
        Assert.Equal(10, (await client.GetRequestHistoryAsync(Cancelled)).IntervalSeconds);
    }

    [Fact]
    public async Task The_machine_and_the_process_are_described()
    {
        var system = await app.Client.GetSystemMetricsAsync(Cancelled);
        Assert.Equal(Environment.ProcessorCount, system.Cpu.Cores);
        Assert.Equal(Environment.MachineName, system.Process.Machine);
        Assert.Matches(@"^\d+\.\d+\.\d+", system.Process.Version);
        Assert.InRange(system.Cpu.ProcessPercent, 0, 100);
        Assert.InRange(system.Cpu.OverSeconds, 0.001, 60);
        Assert.InRange(system.Memory.WorkingSetBytes, 50L << 20, 4L << 30);
        Assert.True(system.Memory.WorkingSetBytes < system.Memory.TotalBytes);
        Assert.InRange(system.Memory.AvailableBytes!.Value, 1, long.MaxValue);
        Assert.InRange(system.Disk.FreeBytes, 1, system.Disk.TotalBytes);
        Assert.Equal(3, system.Gc.Collections.Count);
        Assert.InRange(system.Gc.HeapBytes, 1, system.Memory.WorkingSetBytes);
        Assert.InRange(system.Process.StartedAt, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow);
        Assert.NotEqual(Environment.ProcessId, system.Process.Id);
    }

    [Fact]
    public async Task Slow_statements_are_listed_without_their_values()
    {
        var name = $"probe_{Guid.NewGuid():N}";
        await using (var connection = new NpgsqlConnection(app.ConnectionString))
        {
            await connection.OpenAsync(Cancelled);
            await using var slow = new NpgsqlCommand($"SELECT pg_sleep(1), 'secret' AS {name}, 987654321", connection);
            await slow.ExecuteNonQueryAsync(Cancelled);
            await using var utility = new NpgsqlCommand($"COMMENT ON TABLE store IS 'secret {name}'; COMMENT ON TABLE store IS NULL", connection);
            await utility.ExecuteNonQueryAsync(Cancelled);
        }

        var found = await app.Client.GetSlowQueriesAsync(100, Cancelled);

        Assert.True(found.Available);
        Assert.Null(found.Detail);
        Assert.InRange(found.Since!.Value, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow);
        var ours = Assert.Single(found.Queries, query => query.Query.Contains(name, StringComparison.Ordinal));
        Assert.Equal($"SELECT pg_sleep($1), $2 AS {name}, $3", ours.Query);
        Assert.Equal((1, 1), (ours.Calls, ours.Rows));
        Assert.InRange(ours.TotalMs, 1000, 60_000);
        Assert.Equal(found.Queries.OrderByDescending(query => query.TotalMs).Select(query => query.TotalMs), found.Queries.Select(query => query.TotalMs));
        Assert.Single((await app.Client.GetSlowQueriesAsync(1, Cancelled)).Queries);
        using var refused = await app.Http.GetAsync("/performance/database/slow-queries?limit=101", Cancelled);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
    }

    [Fact]
    public async Task Where_statements_are_not_counted_it_says_how_to_have_them_counted()
    {
        var role = $"owner_{Guid.NewGuid():N}";
        var database = await OwnDatabase.CreateAsync(app, hasSchema: false);
        try
        {
            await database.ExecuteAsync($"""
                CREATE ROLE {role} LOGIN PASSWORD 'only-here'; ALTER SCHEMA public OWNER TO {role};
                CREATE EXTENSION vector; CREATE EXTENSION pg_trgm
                """);
            var settings = new NpgsqlConnectionStringBuilder(database.Setting.Split('=', 2)[1]) { Username = role, Password = "only-here" };
            await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={settings}");
            using var http = await api.ConnectAsync(Cancelled);
            var client = new MnemoLiteClient(http);

            var found = await client.GetSlowQueriesAsync(cancellationToken: Cancelled);
            Assert.False(found.Available);
            Assert.Empty(found.Queries);
            Assert.Contains("CREATE EXTENSION pg_stat_statements", found.Detail, StringComparison.Ordinal);
            var advice = await client.GetSuggestionsAsync(Cancelled);
            Assert.Contains(advice.Suggestions, suggestion => suggestion is { Severity: "info", Area: "queries" } && suggestion.Action == found.Detail);
            Assert.NotEmpty((await client.GetIndexesAsync(Cancelled)).Indexes);
            Assert.Equal(0, (await client.GetMonitoringMetricsAsync(Cancelled)).TotalEvents);

            await database.ExecuteAsync("CREATE EXTENSION pg_stat_statements");
            Assert.True((await client.GetSlowQueriesAsync(cancellationToken: Cancelled)).Available);
        }
        finally
        {
            await database.ExecuteAsync($"DROP OWNED BY {role} CASCADE");
            await database.ExecuteAsync($"DROP ROLE {role}");
            await database.DisposeAsync();
        }
    }

    [Fact]
    public async Task Indexes_are_listed_with_their_use()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await client.CreateAsync(new() { Content = default }, Cancelled);
        await database.ExecuteAsync("CREATE INDEX mine ON events (embedding_attempts)");
        await client.PartitionAsync(Cancelled);

        var use = await client.GetIndexesAsync(Cancelled);

        var key = Assert.Single(use.Indexes, index => index.Name == "events_pkey");
        Assert.Equal(("events", true, false), (key.Table, key.Constraint, key.Unused));
        var mine = Assert.Single(use.Indexes, index => index.Name == "mine");
        Assert.Equal(("events", 0, false, true), (mine.Table, mine.Scans, mine.Constraint, mine.Unused));
        Assert.Contains("(embedding_attempts)", mine.Definition, StringComparison.Ordinal);
        Assert.InRange(mine.SizeBytes, 8192, 1 << 20);
        Assert.InRange(use.UnusedBytes, mine.SizeBytes, use.Indexes.Sum(index => index.SizeBytes));
        var sizes = use.Indexes.Select(index => index.SizeBytes).ToList();
        Assert.Equal(sizes.OrderDescending(), sizes);
    }

    [Fact]
    public async Task Suggestions_say_what_was_seen_and_what_to_do()
    {
        var advice = JsonElement.Parse(await app.Http.GetStringAsync("/performance/optimize/suggestions/", Cancelled));
        Assert.Equal(["timestamp", "suggestions"], advice.EnumerateObject().Select(field => field.Name));
        Assert.All(advice.GetProperty("suggestions").EnumerateArray(), suggestion =>
        {
            Assert.Equal(["severity", "area", "seen", "action"], suggestion.EnumerateObject().Select(field => field.Name));
            Assert.All(suggestion.EnumerateObject(), field => Assert.NotEmpty(field.Value.GetString()!));
        });
    }
}
