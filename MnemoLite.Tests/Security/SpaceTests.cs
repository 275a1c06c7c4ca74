using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;
using Npgsql;

namespace MnemoLite.Tests.Security;

/// <summary>What is stored in one space is found in no other, and who is bound to some comes into no other.</summary>
public sealed class SpaceTests(ProtectedApi api, RunningApplication app) : IClassFixture<ProtectedApi>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_is_in_the_space_it_names()
    {
        var owner = api.Clients[Scopes.Write];
        var (work, home) = (NewName(), NewName());
        var stored = await In(owner, work).CreateAsync(Text("The contract is in the red folder"), Cancelled);

        Assert.Equal(stored.Id, Assert.Single((await In(owner, work).SearchAsync(new() { Query = "contract" }, Cancelled)).Events).Id);
        Assert.NotNull(await In(owner, work).GetAsync(stored.Id, Cancelled));
        foreach (var other in new[] { home, Spaces.Default })
        {
            Assert.Null(await In(owner, other).GetAsync(stored.Id, Cancelled));
            Assert.Null(await In(owner, other).PatchAsync(stored.Id, new() { Metadata = JsonText.Parse("""{"stolen": true}""") }, Cancelled));
            Assert.False(await In(owner, other).DeleteAsync(stored.Id, Cancelled));
            Assert.DoesNotContain(stored.Id, (await In(owner, other).SearchAsync(new() { Query = "contract" }, Cancelled)).Events.Select(found => found.Id));
        }
        Assert.Contains(work, await In(owner, home).ListSpacesAsync(Cancelled));
        Assert.Contains(Spaces.Default, await In(owner, home).ListSpacesAsync(Cancelled));
        Assert.DoesNotContain(home, await In(owner, home).ListSpacesAsync(Cancelled));
    }

    [Theory]
    [InlineData("Work")]
    [InlineData("a b")]
    [InlineData("-a")]
    [InlineData("a;b")]
    [InlineData("'")]
    [InlineData("0123456789012345678901234567890123456789012345678901234567890123")]
    public async Task What_is_no_name_of_a_space_is_refused(string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events/") { Headers = { { Spaces.Header, name } } };
        using var answer = await api.Clients[Scopes.Read].SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        var problem = await answer.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Problem, Cancelled);
        Assert.Equal(Spaces.Header, Assert.Single(problem!.Errors!).Key);
    }

    [Fact]
    public async Task A_key_goes_into_the_spaces_it_is_bound_to_and_into_no_other()
    {
        var (first, second, other) = (NewName(), NewName(), NewName());
        var client = await BoundAsync(Scopes.Write, first, second);
        var bound = new MnemoLiteClient(client);
        Assert.Equal([first, second], (await bound.GetAccessAsync(Cancelled)).Spaces);
        Assert.Equal(new[] { first, second }.Order(StringComparer.Ordinal), await bound.ListSpacesAsync(Cancelled));

        var inFirst = await bound.CreateAsync(Text("without a header it is the first"), Cancelled);
        Assert.NotNull(await In(client, first).GetAsync(inFirst.Id, Cancelled));
        Assert.Null(await In(client, second).GetAsync(inFirst.Id, Cancelled));
        var inSecond = await In(client, second).CreateAsync(Text("and with one the second"), Cancelled);
        Assert.Null(await bound.GetAsync(inSecond.Id, Cancelled));
        Assert.NotNull(await In(api.Clients[Scopes.Read], second).GetAsync(inSecond.Id, Cancelled));

        foreach (var closed in new[] { other, Spaces.Default })
        {
            var refused = await Assert.ThrowsAsync<MnemoLiteException>(() => In(client, closed).GetAsync(inFirst.Id, Cancelled));
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
            Assert.Contains($"{first}, {second}", refused.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Routes are taken from the OpenAPI document, so that a new one cannot be forgotten.</summary>
    [Fact]
    public async Task No_route_tells_or_changes_anything_of_another_space()
    {
        const string Marker = "xylograph";
        var (theirs, mine) = (NewName(), NewName());
        var owner = In(api.Clients[Scopes.Write], theirs);
        var (@event, node, edge) = await FillAsync(owner, Marker);
        var export = await ExportAsync(api.Clients[Scopes.Read], theirs);
        var client = await BoundAsync(Scopes.Write, mine);

        var routes = JsonElement.Parse(await client.GetStringAsync("/openapi/v1.json", Cancelled)).GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(operation => (Method: new HttpMethod(operation.Name.ToUpperInvariant()), Path: path.Name)))
            .Where(route => route.Path != "/v1/events/stream").ToList(); // it never ends
        Assert.True(routes.Count > 45);
        var asked = 0;
        foreach (var (method, path) in routes)
        {
            foreach (var id in path.Contains("{id}", StringComparison.Ordinal) ? [@event, node, edge] : new[] { Guid.Empty })
            {
                foreach (var body in method == HttpMethod.Get || method == HttpMethod.Delete ? new string?[] { null } : Bodies(Marker, @event, node))
                {
                    var url = $"{path.Replace("{id}", id.ToString(), StringComparison.Ordinal)}?{QueryOf(Marker, @event)}";
                    using var request = new HttpRequestMessage(method, url) { Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json") };
                    using var answer = await client.SendAsync(request, Cancelled);
                    var text = await answer.Content.ReadAsStringAsync(Cancelled);
                    Assert.False(text.Contains(Marker, StringComparison.OrdinalIgnoreCase) && !IsOwn(text, body, Marker), $"{method} {url} {body}: {text}");
                    asked++;
                }
            }
        }
        Assert.True(asked > 100, $"{asked} requests");
        Assert.Equal(export, await ExportAsync(api.Clients[Scopes.Read], theirs));
        Assert.Equal(2, (await owner.GetGraphSummaryAsync(Cancelled)).Nodes);
    }

    [Fact]
    public async Task No_tool_of_an_agent_tells_or_changes_anything_of_another_space()
    {
        const string Marker = "quetzal";
        var (theirs, mine) = (NewName(), NewName());
        var (@event, node, _) = await FillAsync(In(api.Clients[Scopes.Write], theirs), Marker);
        var export = await ExportAsync(api.Clients[Scopes.Read], theirs);
        await using var agent = await AgentAsync(await BoundAsync(Scopes.Write, mine));

        foreach (var (tool, arguments) in new (string, JsonObject)[]
        {
            ("recall", new() { ["query"] = Marker }), ("recall", []), ("get", new() { ["id"] = @event }), ("summarize", []),
            ("update", new() { ["id"] = @event, ["text"] = "changed" }), ("forget", new() { ["id"] = @event }), ("explore", new() { ["start"] = node }),
            ("link", new() { ["from"] = @event, ["to"] = "Anna", ["relation"] = "about" }),
        })
        {
            var result = await agent.CallToolAsync(
                tool, arguments.ToDictionary(argument => argument.Key, argument => (object?)argument.Value), cancellationToken: Cancelled);
            var text = string.Concat(result.Content.OfType<TextContentBlock>().Select(block => block.Text));
            Assert.DoesNotContain(Marker, text.Replace($"\"{Marker}\"", "", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase);
        }
        Assert.Empty(await agent.ListResourcesAsync(cancellationToken: Cancelled));
        await Assert.ThrowsAnyAsync<ModelContextProtocol.McpException>(
            () => agent.ReadResourceAsync($"mnemolite://events/{@event}", cancellationToken: Cancelled).AsTask());
        Assert.Equal(export, await ExportAsync(api.Clients[Scopes.Read], theirs));

        await agent.CallToolAsync("remember", new Dictionary<string, object?> { ["text"] = "kept in mine" }, cancellationToken: Cancelled);
        Assert.Contains("kept in mine", await ExportAsync(api.Clients[Scopes.Read], mine), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_tells_of_its_space_only()
    {
        var (theirs, mine) = (NewName(), NewName());
        var watched = await BoundAsync(Scopes.Read, mine);
        var owner = api.Clients[Scopes.Write];
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        await foreach (var change in new MnemoLiteClient(watched).WatchAsync(patience.Token))
        {
            if (change.EventType is "ready" or "reset") // after a reset, which says that some may have been missed, as before
            {
                var other = await In(owner, theirs).CreateAsync(Text("not to be told"), Cancelled);
                await In(owner, theirs).DeleteAsync(other.Id, Cancelled);
                await In(owner, mine).CreateAsync(Text("the first that is told"), Cancelled);
            }
            else if (change.EventType is "created" or "updated" or "deleted")
            {
                Assert.Equal(("created", "the first that is told"), (change.EventType, change.Data.Event!.Content.ToElement().GetProperty("text").GetString()));
                return;
            }
        }
        Assert.Fail("The stream ended.");
    }

    [Fact]
    public async Task An_answer_in_the_cache_is_for_its_space_only()
    {
        var (one, two) = (await BoundAsync(Scopes.Write, NewName()), await BoundAsync(Scopes.Write, NewName()));
        var stored = await new MnemoLiteClient(one).CreateAsync(Text("cached"), Cancelled);
        foreach (var path in new[] { $"/v1/events/{stored.Id}", "/v1/search/?vector_query=cached", "/api/graph/nodes" })
        {
            var first = await one.GetStringAsync(path, Cancelled);
            await Eventually.UntilAsync(async () =>
            {
                using var again = await one.GetAsync(path, Cancelled);
                return again.Headers.GetValues("Cache-Status").Single().Contains("hit", StringComparison.Ordinal);
            });
            using var other = await two.GetAsync(path, Cancelled);
            Assert.DoesNotContain("hit", other.IsSuccessStatusCode ? other.Headers.GetValues("Cache-Status").Single() : "", StringComparison.Ordinal);
            Assert.DoesNotContain(stored.Id.ToString(), other.IsSuccessStatusCode ? await other.Content.ReadAsStringAsync(Cancelled) : "", StringComparison.Ordinal);
        }
        // a write in one leaves what is cached in the other
        await new MnemoLiteClient(two).CreateAsync(Text("cached, too"), Cancelled);
        using var still = await one.GetAsync("/v1/search/?vector_query=cached", Cancelled);
        Assert.Contains("hit", still.Headers.GetValues("Cache-Status").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_idempotency_key_in_two_spaces_is_two_requests()
    {
        var ids = new HashSet<Guid>();
        var key = Guid.NewGuid().ToString();
        foreach (var client in new[] { await BoundAsync(Scopes.Write, NewName()), await BoundAsync(Scopes.Write, NewName()) })
        {
            for (var times = 0; times < 2; times++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/events/")
                {
                    Headers = { { "Idempotency-Key", key } },
                    Content = JsonContent.Create(Text("once in each"), MnemoLiteJson.Default.NewEvent),
                };
                using var answer = await client.SendAsync(request, Cancelled);
                ids.Add((await answer.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Event, Cancelled))!.Id);
            }
        }
        Assert.Equal(2, ids.Count);
    }

    [Fact]
    public async Task A_mistyped_word_is_mended_by_the_words_of_its_space()
    {
        var (theirs, mine) = (NewName(), NewName());
        var owner = api.Clients[Scopes.Write];
        await In(owner, theirs).CreateAsync(Text("rhododendron blooms"), Cancelled);
        await In(owner, mine).CreateAsync(Text("philodendron grows"), Cancelled);
        var search = new SearchRequest { Query = "rhododendrom", Mode = SearchMode.Keyword };
        Assert.Single((await In(owner, theirs).SearchAsync(search, Cancelled)).Events);
        var bound = await BoundAsync(Scopes.Read, mine);
        var found = (await new MnemoLiteClient(bound).SearchAsync(search with { Query = "rhododendron" }, Cancelled)).Events;
        // known elsewhere, it is unknown here: so it stands for what is most like it here, if anything is
        Assert.DoesNotContain("rhododendron", string.Concat(found.Select(hit => hit.Content)), StringComparison.Ordinal);
        Assert.Equal(
            (await In(owner, mine).SearchAsync(search with { Query = "rhododendron" }, Cancelled)).Events.Select(hit => hit.Id), found.Select(hit => hit.Id));
    }

    /// <summary>What a query that forgets the space would see: PostgreSQL itself keeps it there.</summary>
    [Fact]
    public async Task PostgreSQL_keeps_a_bound_connection_in_its_space()
    {
        var (theirs, mine) = (NewName(), NewName());
        var (@event, _, _) = await FillAsync(In(api.Clients[Scopes.Write], theirs), "hidden");
        var (own, _, _) = await FillAsync(In(api.Clients[Scopes.Write], mine), "seen");
        await using var source = NpgsqlDataSource.Create(api.Database.ConnectionString);
        await using (var connection = await MnemoLite.Api.Database.SpaceConnections.OpenConnectionAsync(source, new(mine, IsBound: true), Cancelled))
        {
            foreach (var (table, rows) in new[] { ("events", 1), ("nodes", 2), ("edges", 1), ("idempotency_keys", 0) })
            {
                Assert.Equal(rows, await CountAsync($"SELECT count(*) FROM {table}"));
                Assert.Equal(0, await CountAsync($"SELECT count(*) FROM {table} WHERE space <> '{mine}'"));
                await using var delete = new NpgsqlCommand($"DELETE FROM {table} WHERE space = '{theirs}'", connection);
                Assert.Equal(0, await delete.ExecuteNonQueryAsync(Cancelled));
            }
            Assert.Equal(0, await CountAsync("SELECT count(*) FROM words WHERE word = 'hidden'"));
            foreach (var (word, found) in new[] { ("hidden", 0), ("seen", 1) })
            {
                Assert.Equal(found, await CountAsync($"SELECT count(*) FROM events_with_words('{word}')"));
                Assert.Equal(found, await CountAsync($"SELECT count(*) FROM ids_with_words('{word}')"));
            }
            await using var update = new NpgsqlCommand("UPDATE events SET metadata = '{}' RETURNING id", connection);
            Assert.Equal(own, await update.ExecuteScalarAsync(Cancelled));
            await RefusedAsync($"UPDATE events SET space = '{theirs}'");
            await RefusedAsync($"INSERT INTO nodes (space, id, type, label, created_at) VALUES ('{theirs}', gen_random_uuid(), 't', 'l', now())");
            await RefusedAsync("SELECT * FROM api_keys");
            await RefusedAsync("UPDATE store SET dimension = 1");
            await RefusedAsync("ALTER TABLE events DISABLE ROW LEVEL SECURITY");

            async Task<long> CountAsync(string sql)
            {
                await using var command = new NpgsqlCommand(sql, connection);
                return (long)(await command.ExecuteScalarAsync(Cancelled))!;
            }

            async Task RefusedAsync(string sql)
            {
                await using var command = new NpgsqlCommand(sql, connection);
                var refused = await Assert.ThrowsAsync<PostgresException>(() => command.ExecuteNonQueryAsync(Cancelled));
                Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
            }
        }
        Assert.Equal(["2"], await api.Database.ExecuteAsync($"SELECT count(*) FROM events WHERE id IN ('{@event}', '{own}')"));
    }

    [Fact]
    public async Task A_connection_that_was_bound_is_free_for_the_next()
    {
        var mine = NewName();
        await using var source = new NpgsqlDataSourceBuilder(
            new NpgsqlConnectionStringBuilder(api.Database.ConnectionString) { Pooling = true, MaxPoolSize = 1 }.ConnectionString).Build();
        for (var times = 0; times < 3; times++)
        {
            await using (var bound = await MnemoLite.Api.Database.SpaceConnections.OpenConnectionAsync(source, new(mine, IsBound: true), Cancelled))
            {
                await using var prepared = new NpgsqlCommand("SELECT concat(current_user, ' ', current_setting('mnemolite.space'))", bound);
                await prepared.PrepareAsync(Cancelled); // a connection with prepared statements is reset in another way
                Assert.Equal($"mnemolite_bound {mine}", await prepared.ExecuteScalarAsync(Cancelled));
            }
            await using var free = source.CreateCommand("SELECT concat(current_user, ' ', current_setting('mnemolite.space', true))");
            Assert.Equal($"{new NpgsqlConnectionStringBuilder(api.Database.ConnectionString).Username} ", await free.ExecuteScalarAsync(Cancelled));
        }
    }

    /// <summary>By whatever way they are looked up: one by one, or by an index and ids where the space is large or the only one.</summary>
    [Theory]
    [InlineData(0, 300)]
    [InlineData(200, 300)]
    [InlineData(200, 4300)]
    public async Task A_bound_key_finds_what_any_key_finds(int elsewhere, int events)
    {
        await using var own = new ProtectedApi(app);
        await own.InitializeAsync();
        var space = NewName();
        await StoreAsync(own, Spaces.Default, elsewhere);
        await StoreAsync(own, space, events);
        await own.Database.ExecuteAsync("ANALYZE events");
        var bound = new MnemoLiteClient(own.ClientOf(await own.Keys.CreateAsync("bound", Scopes.Read, null, [space], Cancelled)));
        var any = In(own.Clients[Scopes.Read], space, bypassesCaches: true);
        foreach (var request in new SearchRequest[]
        {
            new() { Query = "green tea" }, new() { Query = "number 17", Mode = SearchMode.Keyword }, new() { Query = "common", Mode = SearchMode.Keyword },
            new() { Metadata = JsonText.Parse("""{"part": 3}""") }, new() { Query = "tea", Metadata = JsonText.Parse("""{"part": 3}""") },
            new() { Query = "green", Filter = JsonText.Parse("""{"part": {"$gt": 5}}""") },
        })
        {
            var (expected, found) = (await any.SearchAsync(request, Cancelled), await bound.SearchAsync(request, Cancelled));
            Assert.NotEmpty(expected.Events);
            Assert.Equal(expected.Events.Select(hit => hit.Id), found.Events.Select(hit => hit.Id));
            Assert.Equal(expected.Total, found.Total);
        }
    }

    [Fact]
    public async Task A_bound_key_stays_in_its_space_when_events_are_partitioned()
    {
        await using var own = new ProtectedApi(app);
        await own.InitializeAsync();
        var (theirs, mine) = (NewName(), NewName());
        await StoreAsync(own, theirs, 30);
        await StoreAsync(own, mine, 20);
        var bound = new MnemoLiteClient(own.ClientOf(await own.Keys.CreateAsync("bound", Scopes.Write, null, [mine], Cancelled)));
        Assert.Equal(20, (await bound.SearchAsync(new() { Query = "common", Mode = SearchMode.Keyword, Limit = 100 }, Cancelled)).Events.Count);

        await new MnemoLiteClient(own.Clients[Scopes.Admin]).PartitionAsync(Cancelled);

        foreach (var request in new SearchRequest[] { new() { Query = "tea in " + theirs }, new() { Query = "common", Mode = SearchMode.Keyword }, new() { TsStart = DateTimeOffset.UnixEpoch } })
        {
            var found = await bound.SearchAsync(request with { Limit = 100 }, Cancelled);
            Assert.Equal(20, found.Events.Count);
            Assert.All(found.Events, hit => Assert.EndsWith($" in {mine}", hit.Content.ToElement().GetProperty("text").GetString(), StringComparison.Ordinal));
        }
        await using var source = NpgsqlDataSource.Create(own.Database.ConnectionString);
        await using var connection = await MnemoLite.Api.Database.SpaceConnections.OpenConnectionAsync(source, new(mine, IsBound: true), Cancelled);
        await using var count = new NpgsqlCommand("SELECT count(*) FROM events", connection);
        Assert.Equal(20L, await count.ExecuteScalarAsync(Cancelled));
        await using var month = new NpgsqlCommand($"SELECT count(*) FROM events_{DateTime.UtcNow:yyyy_MM}", connection);
        var refused = await Assert.ThrowsAsync<PostgresException>(() => month.ExecuteScalarAsync(Cancelled));
        Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, refused.SqlState);
    }

    private static async Task StoreAsync(ProtectedApi own, string space, int count)
    {
        var client = In(own.Clients[Scopes.Write], space);
        var stored = await client.StoreAsync(
            Enumerable.Range(0, count).Select(i => new BatchEvent
            {
                Content = JsonText.From(new JsonObject { ["text"] = $"A common {(i % 3 == 0 ? "green" : "black")} tea, number {i} in {space}" }),
                Metadata = JsonText.From(new JsonObject { ["part"] = i % 10 }),
            }).ToAsyncEnumerable(),
            Cancelled);
        Assert.Equal(count, stored.Created);
    }

    /// <summary>The first start of this release has to lock events for a moment; while an export reads them, nobody is to wait behind it.</summary>
    [Fact]
    public async Task A_start_that_has_to_wait_for_a_reader_lets_others_pass_and_tries_again()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using (var first = ApiProcess.Start(database.Setting))
            (await first.ConnectAsync(Cancelled)).Dispose();
        await database.ExecuteAsync("DROP POLICY one_space ON events; ALTER TABLE events DISABLE ROW LEVEL SECURITY");
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Cancelled);
        await using var reading = await connection.BeginTransactionAsync(Cancelled);
        await using (var read = new NpgsqlCommand("SELECT count(*) FROM events", connection, reading))
            await read.ExecuteScalarAsync(Cancelled);

        await using var api = ApiProcess.Start(database.Setting);
        await Eventually.UntilAsync(() => Task.FromResult(api.Output.Contains("lock timeout", StringComparison.Ordinal)));
        Assert.Equal(["0"], await database.ExecuteAsync("SELECT count(*) FROM events"));
        await reading.CommitAsync(Cancelled);
        (await api.ConnectAsync(Cancelled)).Dispose();
        Assert.Equal(["True"], await database.ExecuteAsync("SELECT relrowsecurity FROM pg_class WHERE relname = 'events'"));
    }

    [Fact]
    public async Task A_release_that_knows_no_spaces_takes_a_bound_key_for_a_wrong_one()
    {
        var key = await api.Keys.CreateAsync("bound", Scopes.Read, null, [NewName()], Cancelled);
        Assert.True(ApiKey.TryReadId(key, out var id));
        var hash = Assert.Single(await api.Database.ExecuteAsync($"SELECT encode(hash, 'hex') FROM api_keys WHERE id = '{id}'"));
        Assert.NotEqual(Convert.ToHexStringLower(ApiKey.Hash(key)), hash);
    }

    private static string NewName() => $"space-{Guid.NewGuid():N}"[..20];

    private static NewEvent Text(string text) => new() { Content = JsonText.From(new JsonObject { ["text"] = text }) };

    private static MnemoLiteClient In(HttpClient client, string space, bool bypassesCaches = false)
    {
        var own = new HttpClient { BaseAddress = client.BaseAddress };
        own.DefaultRequestHeaders.Authorization = client.DefaultRequestHeaders.Authorization;
        own.DefaultRequestHeaders.Add(Spaces.Header, space);
        own.DefaultRequestHeaders.CacheControl = bypassesCaches ? new() { NoCache = true } : null;
        return new(own);
    }

    private static async Task<(Guid Event, Guid Node, Guid Edge)> FillAsync(MnemoLiteClient client, string marker)
    {
        var @event = await client.CreateAsync(
            Text($"A {marker} in the attic") with { Metadata = JsonText.From(new JsonObject { ["project"] = marker, ["severity"] = "critical" }) }, Cancelled);
        var node = await client.CreateNodeAsync(
            new() { Type = marker, Label = $"The {marker}", Properties = JsonText.From(new JsonObject { ["event_id"] = @event.Id.ToString() }) }, Cancelled);
        var other = await client.CreateNodeAsync(new() { Type = "place", Label = $"Attic of the {marker}" }, Cancelled);
        var edge = await client.CreateEdgeAsync(new() { Source = node.Id, Target = other.Id, Type = $"{marker}_in" }, Cancelled);
        return (@event.Id, node.Id, edge.Id);
    }

    private static string QueryOf(string marker, Guid id) =>
        $"vector_query={marker}&filter_metadata=%7B%22project%22%3A%22{marker}%22%7D&distance_threshold=2&limit=50&period=30d&q={marker}&event_id={id}&depth=3";

    /// <summary>Bodies of which each route takes one or the other.</summary>
    private static string[] Bodies(string marker, Guid @event, Guid node) =>
    [
        """{"query": "QUERY"}""".Replace("QUERY", marker, StringComparison.Ordinal),
        """{"filter": {"project": {"$exists": true}}, "limit": 50}""",
        "{}",
        $$"""{"project": "{{marker}}"}""",
        $$"""{"embedding": [{{string.Join(',', Enumerable.Repeat("0.1", 512))}}], "limit": 50}""",
        $"[{string.Join(',', Enumerable.Repeat("0.1", 512))}]",
        $$"""{"start": "{{node}}", "max_depth": 3, "direction": "both"}""",
        $$"""{"source": "{{node}}", "target": "{{node}}", "max_depth": 3}""",
        $$"""{"nodes": ["{{node}}"]}""",
        """[{"id": "EVENT", "timestamp": "2026-01-31T12:00:00Z", "content": {"text": "overwritten"}}]""".Replace("EVENT", @event.ToString(), StringComparison.Ordinal),
        """{"content": {"text": "overwritten"}}""",
        """{"label": "overwritten"}""",
    ];

    /// <summary>Whether the marker is in the answer because the request said it.</summary>
    private static bool IsOwn(string text, string? body, string marker) =>
        body?.Contains(marker, StringComparison.Ordinal) == true && !text.Contains("attic", StringComparison.OrdinalIgnoreCase);

    private async Task<HttpClient> BoundAsync(string scope, params string[] spaces) =>
        api.ClientOf(await api.Keys.CreateAsync("bound", scope, null, spaces, Cancelled));

    private static async Task<string> ExportAsync(HttpClient client, string space)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events/export") { Headers = { { Spaces.Header, space } } };
        using var answer = await client.SendAsync(request, Cancelled);
        return await answer.Content.ReadAsStringAsync(Cancelled);
    }

    private Task<McpClient> AgentAsync(HttpClient client) => McpClient.CreateAsync(
        new HttpClientTransport(new() { Endpoint = new Uri(api.Address, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp }, client),
        cancellationToken: Cancelled);
}
