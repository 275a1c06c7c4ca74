using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Caching;

public sealed class CacheTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_read_once_is_answered_from_the_cache()
    {
        var @event = await RememberAsync(app.Http, "read twice");
        var (first, made) = await ReadAsync(app.Http, $"/v1/events/{@event}");
        var (second, cached) = await ReadAsync(app.Http, $"/v1/events/{@event}");
        Assert.Equal(("mnemolite; fwd=miss", "mnemolite; hit"), (made, cached));
        Assert.Equal(first, second);
    }

    [Fact]
    public async Task A_client_can_ask_for_an_answer_that_is_made_now()
    {
        var @event = await RememberAsync(app.Http, "made now");
        await ReadAsync(app.Http, $"/v1/events/{@event}");
        Assert.Equal("mnemolite; fwd=request", (await ReadAsync(app.Http, $"/v1/events/{@event}", noCache: true)).Outcome);
    }

    [Fact]
    public async Task What_a_change_made_of_an_event_is_in_the_cache_from_then_on()
    {
        var @event = await RememberAsync(app.Http, "changed and read");
        for (var i = 0; i < 2; i++)
        {
            using var patch = new StringContent($"{{\"seen\": {i}}}", null, "application/json");
            using var changed = await app.Http.PatchAsync(new Uri($"/v1/events/{@event}/metadata", UriKind.Relative), patch, Cancelled);
            Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
            var (cached, outcome) = await ReadAsync(app.Http, $"/v1/events/{@event}");
            Assert.Equal("mnemolite; hit", outcome);
            Assert.Contains($"\"seen\": {i}", cached, StringComparison.Ordinal);
            Assert.Equal((cached, "mnemolite; fwd=request"), await ReadAsync(app.Http, $"/v1/events/{@event}", noCache: true));
        }
    }

    [Fact]
    public async Task Whichever_of_the_changes_made_at_once_comes_last_is_what_the_cache_answers()
    {
        var @event = await RememberAsync(app.Http, "changed by many");
        for (var round = 0; round < 25; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, 6).Select(async writer =>
            {
                using var patch = new StringContent($"{{\"last\": {writer}, \"by {writer}\": {round}}}", null, "application/json");
                using var changed = await app.Http.PatchAsync(new Uri($"/v1/events/{@event}/metadata", UriKind.Relative), patch, Cancelled);
                Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
                var (read, _) = await ReadAsync(app.Http, $"/v1/events/{@event}");
                Assert.Contains($"\"by {writer}\": {round}", read, StringComparison.Ordinal); // its own change is never hidden
            }));
            var (cached, _) = await ReadAsync(app.Http, $"/v1/events/{@event}");
            Assert.Equal(cached, (await ReadAsync(app.Http, $"/v1/events/{@event}", noCache: true)).Body);
        }
    }

    [Fact]
    public async Task That_there_is_no_such_event_is_known_only_until_there_is_one()
    {
        var id = Guid.CreateVersion7();
        for (var i = 0; i < 2; i++)
        {
            using var missing = await app.Http.GetAsync(new Uri($"/v1/events/{id}", UriKind.Relative), Cancelled);
            Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        }
        var stored = await app.Client.StoreAsync(new[] { new BatchEvent { Id = id, Content = JsonText.From(new { text = "here now" }) } }.ToAsyncEnumerable(), Cancelled);
        Assert.Equal(1, stored.Created);
        using var found = await app.Http.GetAsync(new Uri($"/v1/events/{id}", UriKind.Relative), Cancelled);
        Assert.Equal(HttpStatusCode.OK, found.StatusCode);
    }

    [Fact]
    public async Task A_hundred_requests_for_what_is_not_in_the_cache_make_one_query()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting, "--EMBEDDING_MODE=mock");
        using var http = await api.ConnectAsync(Cancelled);
        var @event = await RememberAsync(http, "wanted by all");
        await using var holding = new NpgsqlConnection(database.ConnectionString);
        await holding.OpenAsync(Cancelled);
        await using var transaction = await holding.BeginTransactionAsync(Cancelled);
        await using (var command = new NpgsqlCommand("LOCK TABLE events IN ACCESS EXCLUSIVE MODE", holding, transaction))
            await command.ExecuteNonQueryAsync(Cancelled); // nobody can read before all have asked

        var asked = Enumerable.Range(0, 100).Select(_ => ReadAsync(http, $"/v1/events/{@event}")).ToList();
        await Eventually.UntilAsync(async () => await QueriesAsync() == "1");
        await Eventually.UntilAsync(async () => await ActiveRequestsAsync(http) >= 101); // and the one that asks
        Assert.Equal("1", await QueriesAsync());
        await transaction.RollbackAsync(Cancelled);

        var answers = await Task.WhenAll(asked);
        Assert.Single(answers.Select(answer => answer.Body).Distinct());
        Assert.Single(answers, answer => answer.Outcome.Contains("miss", StringComparison.Ordinal));
        var stats = await StatsAsync(http);
        Assert.Equal((99, 1), (stats.EventCache.Hits, stats.EventCache.Misses));

        async Task<string> QueriesAsync() => (await database.ExecuteAsync(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%LEFT JOIN events%'"))[0];
    }

    [Fact]
    public async Task Hits_misses_items_and_evictions_are_counted_exactly()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting, "--EMBEDDING_MODE=mock", "--Caching:EventItems=3");
        using var http = await api.ConnectAsync(Cancelled);
        var first = await RememberAsync(http, "first");
        await ReadAsync(http, $"/v1/events/{first}");
        await ReadAsync(http, $"/v1/events/{first}");
        await ReadAsync(http, $"/v1/events/{first}?include_embedding=false");
        for (var i = 0; i < 3; i++)
            await new MnemoLiteClient(http).PatchAsync(first, new() { Metadata = JsonText.From(new { i }) }, Cancelled); // each in place of the one before
        var stats = (await StatsAsync(http)).EventCache;
        Assert.Equal((1, 2, "33.3%", 2, 3), (stats.Hits, stats.Misses, stats.HitRate, stats.Items, stats.MaxItems));
        Assert.InRange(stats.MemoryBytes, 5000, 20_000); // one of the two with its 512 numbers

        for (var i = 0; i < 10; i++)
            await ReadAsync(http, $"/v1/events/{await RememberAsync(http, $"another {i}")}");
        await Eventually.UntilAsync(async () => (await StatsAsync(http)).EventCache is { Evictions: > 0, Items: <= 3 });

        var client = new MnemoLiteClient(http);
        await client.ClearCachesAsync(Cancelled);
        await Eventually.UntilAsync(async () => (await client.GetCacheStatsAsync(Cancelled)).EventCache is { Items: 0, MemoryBytes: 0 });

        using var cleared = await http.PostAsync(new Uri("/v1/events/cache/clear", UriKind.Relative), null, Cancelled);
        Assert.Equal(HttpStatusCode.NoContent, cleared.StatusCode);
    }

    [Fact]
    public async Task Changes_missed_while_the_connection_was_lost_are_not_answered_from_the_cache()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting, "--EMBEDDING_MODE=mock");
        using var http = await api.ConnectAsync(Cancelled);
        var @event = await RememberAsync(http, "before");
        await Eventually.UntilAsync(async () => (await ReadAsync(http, $"/v1/events/{@event}")).Outcome.Contains("hit", StringComparison.Ordinal));

        // a change that nobody tells of, and the feed's connection lost before anybody could have
        await database.ExecuteAsync($"""
            WITH changed AS (UPDATE events SET metadata = '{"{"}"seen": true{"}"}' WHERE id = '{@event}' RETURNING id)
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity, changed WHERE datname = current_database() AND query LIKE 'LISTEN%'
            """);
        await Eventually.UntilAsync(async () => (await ReadAsync(http, $"/v1/events/{@event}")).Body.Contains("seen", StringComparison.Ordinal));
        await Eventually.UntilAsync(async () => (await ReadAsync(http, $"/v1/events/{@event}")).Outcome.Contains("hit", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_is_not_hidden_by_the_cache()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var door = new Door(new NpgsqlConnectionStringBuilder(database.ConnectionString).Port);
        var byTheDoor = new NpgsqlConnectionStringBuilder(database.ConnectionString) { Host = "127.0.0.1", Port = door.Port, Pooling = true };
        await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={byTheDoor}", "--EMBEDDING_MODE=mock", "--Caching:EventSeconds=3600");
        using var http = await api.ConnectAsync(Cancelled);
        var @event = await RememberAsync(http, "told to nobody");
        await Eventually.UntilAsync(async () => (await ReadAsync(http, $"/v1/events/{@event}")).Outcome.Contains("hit", StringComparison.Ordinal));

        door.LoseAnswerTo("UPDATE events", done: "UPDATE 1");
        using var patch = new StringContent("{\"committed\": true}", null, "application/json");
        using var refused = await http.PatchAsync(new Uri($"/v1/events/{@event}/metadata", UriKind.Relative), patch, Cancelled);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.Equal(["t"], await database.ExecuteAsync($"SELECT CASE WHEN metadata ? 'committed' THEN 't' END FROM events WHERE id = '{@event}'"));
        await Eventually.UntilAsync(async () => (await ReadAsync(http, $"/v1/events/{@event}")).Body.Contains("committed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_write_leaves_the_searches_it_cannot_change_in_the_cache()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        for (var i = 0; i < 120; i++)
            await client.CreateAsync(new() { Content = JsonText.From(new { text = $"The deployment of release {i} failed" }), Metadata = JsonText.From(new { project = "web" }) }, Cancelled);
        var searches = new (string Name, SearchRequest Request)[]
        {
            ("filter", new() { Metadata = JsonText.From(new { project = "web" }) }),
            ("window", new() { TsEnd = DateTimeOffset.UtcNow.AddDays(-1) }),
            ("meaning", new() { Query = "Which releases could not be deployed?", Mode = SearchMode.Semantic, Limit = 5 }),
            ("words", new() { Query = "deployment failed", Mode = SearchMode.Keyword, Limit = 5 }),
            ("both", new() { Query = "deployment failed", Limit = 5 }),
        };
        foreach (var (_, request) in searches)
            await SearchAsync(http, request);

        await client.CreateAsync(new() { Content = JsonText.From(new { text = "My grandmother keeps bees" }), Metadata = JsonText.From(new { project = "home" }) }, Cancelled);
        foreach (var (name, request) in searches)
            Assert.Equal((name, "mnemolite; hit"), (name, await SearchAsync(http, request)));

        await client.CreateAsync(new() { Content = JsonText.From(new { text = "The deployment of forty new chairs to the office in the north went well" }), Metadata = JsonText.From(new { project = "home" }) }, Cancelled);
        foreach (var (name, request) in searches)
        {
            Assert.Equal((name, "mnemolite; hit"), (name, await SearchAsync(http, request)));
            Assert.Equal(await ReadSearchAsync(http, request, "no-cache"), await ReadSearchAsync(http, request, "max-age=60"));
        }

        await client.CreateAsync(new() { Content = JsonText.From(new { text = "Which releases could not be deployed? The deployment failed of release 500" }), Metadata = JsonText.From(new { project = "web" }) }, Cancelled);
        foreach (var (name, request) in searches)
        {
            var outcome = name switch
            {
                "filter" => "mnemolite; fwd=stale",
                "meaning" => "mnemolite; fwd=stale; detail=page", // it is the first of them
                _ => "mnemolite; hit", // it has all the words, too, but those that are shorter come first
            };
            Assert.Equal((name, outcome), (name, await SearchAsync(http, request)));
            Assert.Equal(await ReadSearchAsync(http, request, "no-cache"), await ReadSearchAsync(http, request, "max-age=60"));
        }

        var shortest = await client.CreateAsync(new() { Content = JsonText.From(new { text = "deployment failed" }), Metadata = JsonText.From(new { project = "home" }) }, Cancelled);
        await SearchAgainAsync();
        await client.PatchAsync(shortest.Id, new() { Metadata = JsonText.From(new { seen = true }) }, Cancelled);
        await SearchAgainAsync();
        await client.DeleteAsync(shortest.Id, Cancelled);
        await SearchAgainAsync();

        async Task SearchAgainAsync()
        {
            foreach (var (name, request) in searches)
            {
                var outcome = await SearchAsync(http, request);
                if (name == "words")
                    Assert.Equal("mnemolite; fwd=stale; detail=page", outcome);
                Assert.Equal(await ReadSearchAsync(http, request, "no-cache"), await ReadSearchAsync(http, request, "max-age=60"));
            }
        }
    }

    private static async Task<Guid> RememberAsync(HttpClient http, string text) =>
        (await new MnemoLiteClient(http).CreateAsync(new() { Content = JsonText.From(new { text }) }, Cancelled)).Id;

    private static async Task<(string Body, string Outcome)> ReadAsync(HttpClient http, string path, bool noCache = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        request.Headers.CacheControl = noCache ? new() { NoCache = true } : null;
        using var response = await http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return (await response.Content.ReadAsStringAsync(Cancelled), Assert.Single(response.Headers.GetValues("Cache-Status")));
    }

    private static async Task<string> SearchAsync(HttpClient http, SearchRequest request)
    {
        using var response = await http.PostAsJsonAsync(new Uri("/v1/search", UriKind.Relative), request, MnemoLiteJson.Default.SearchRequest, Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return Assert.Single(response.Headers.GetValues("Cache-Status"));
    }

    private static async Task<string> ReadSearchAsync(HttpClient http, SearchRequest search, string cacheControl)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("/v1/search", UriKind.Relative));
        request.Content = JsonContent.Create(search, MnemoLiteJson.Default.SearchRequest);
        request.Headers.Add("Cache-Control", cacheControl);
        using var response = await http.SendAsync(request, Cancelled);
        return await response.Content.ReadAsStringAsync(Cancelled);
    }

    private static async Task<int> ActiveRequestsAsync(HttpClient http)
    {
        var metrics = await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), Cancelled);
        return metrics.Split('\n').Where(line => line.StartsWith("http_server_active_requests{", StringComparison.Ordinal))
            .Sum(line => int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));
    }

    private static async Task<CachesStats> StatsAsync(HttpClient http) =>
        (await http.GetFromJsonAsync(new Uri("/v1/events/cache/stats", UriKind.Relative), MnemoLiteJson.Default.CachesStats, Cancelled))!;
}
