using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using MnemoLite.Client;
using MnemoLite.Tests.Api;
using MnemoLite.Tests.AppHost;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using Npgsql;

namespace MnemoLite.Tests.Telemetry;

/// <summary>What an instance of the API sends a collector, and writes on the console.</summary>
public sealed partial class TelemetryTests(RunningApplication app, TelemetryTests.Instance instance) : IClassFixture<TelemetryTests.Instance>
{
    private const string Caller = "00000000000000a1"; // the span that requests say they are a part of

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_remembered_asked_or_secret_is_in_no_trace_metric_or_log()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var collector = await OtlpReceiver.StartAsync();
        await using var api = collector.StartApi(database.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var marker = $"m{Guid.NewGuid():N}";

        await AskEverythingAsync(http, marker);
        await FailInTheDatabaseAsync(http, database, marker);
        var last = await TraceAsync(http, HttpMethod.Get, "/v1/events/"); // what came before it was sent before it
        HashSet<string> failed = [];
        await Eventually.UntilAsync(() =>
        {
            failed = [.. Failure().Matches(api.Output).Select(line => line.Groups[1].Value)];
            return Task.FromResult(failed.Count == 3 && failed.IsSubsetOf(collector.TracesOfLogs) && collector.Spans.Any(span => span.TraceId == last));
        });
        var exports = collector.Metrics.Count(IsOfTools);
        await Eventually.UntilAsync(() => Task.FromResult(collector.Metrics.Count(IsOfTools) >= exports + 2)); // the second began after all of that

        // The requests and their failures are told of: without what they held.
        var requests = collector.Spans.Where(span => span.Attributes.ContainsKey("http.response.status_code")).ToList();
        Assert.Superset(
            new HashSet<string> { "200", "201", "204", "400", "404", "405", "409", "422", "500" },
            requests.Select(span => span.Attributes["http.response.status_code"]).ToHashSet());
        Assert.All(failed, trace => Assert.Contains(requests, span => span.TraceId == trace));
        Assert.All((string[])["MnemoLite", "Npgsql", "Experimental.ModelContextProtocol"], source => Assert.Contains(collector.Spans, span => span.Source == source));
        Assert.Contains("http.server.request.duration", collector.Metrics);
        Assert.All([collector.Everything, api.Output], told =>
        {
            Assert.Contains("23514", told, StringComparison.Ordinal);
            Assert.DoesNotContain(marker, told, StringComparison.OrdinalIgnoreCase);
            Assert.DoesNotContain(new NpgsqlConnectionStringBuilder(app.ConnectionString).Password!, told, StringComparison.Ordinal);
        });

        static bool IsOfTools(string metric) => metric == "mcp.server.operation.duration";
    }

    [Fact]
    public async Task What_an_embedding_endpoint_is_sent_is_in_none_of_it_either()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var endpoint = await FakeEmbeddingEndpoint.StartAsync();
        await using var collector = await OtlpReceiver.StartAsync();
        var marker = $"m{Guid.NewGuid():N}";
        await using var api = collector.StartApi(
            database.Setting, "--Embedding:Mode=openai", $"--Embedding:Endpoint={endpoint.Address}", "--Embedding:Model=fake", "--Embedding:Dimension=512",
            $"--Embedding:ApiKey={marker}");
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await client.CreateAsync(new() { Content = JsonText.From(new { text = $"{marker} likes tea" }) }, Cancelled);
        await client.CreateAsync(new() { Content = JsonText.From(new { text = FakeEmbeddingEndpoint.Poison, marker }) }, Cancelled);
        await client.SearchAsync(new() { Query = marker, Mode = SearchMode.Semantic }, Cancelled);
        await Eventually.UntilAsync(() => Task.FromResult(api.Output.Contains("is given up", StringComparison.Ordinal)));
        endpoint.State = FakeEmbeddingEndpoint.Away;
        await client.CreateAsync(new() { Content = JsonText.From(new { text = $"{marker} likes coffee" }) }, Cancelled);
        await Eventually.UntilAsync(() => Task.FromResult(api.Output.Contains("Embeddings cannot be made", StringComparison.Ordinal)));

        await Eventually.UntilAsync(() => Task.FromResult(
            collector.Spans.Any(span => span.Source == "System.Net.Http") && collector.Everything.Contains("Embeddings cannot be made", StringComparison.Ordinal)));
        Assert.Contains($"Bearer {marker}", endpoint.Authorizations);
        Assert.DoesNotContain(marker, collector.Everything, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(marker, api.Output, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_search_is_one_trace_down_to_the_cache_the_embedding_and_the_database()
    {
        var trace = await TraceAsync(instance.Http, HttpMethod.Get, "/v1/search?vector_query=where+is+the+tea");

        var spans = await JoinedAsync(instance.Collector, trace);
        Assert.Equal("GET /v1/search", Root(spans).Name);
        Assert.Equal("miss", Assert.Single(spans, span => span.Name == "cache search").Attributes["mnemolite.cache.outcome"]);
        Assert.Single(spans, span => span.Name.StartsWith("embeddings ", StringComparison.Ordinal));
        Assert.Contains(spans, span => span.Source == "Npgsql" && span.Name == "SELECT events");
        Assert.All(spans.Where(span => span.Source == "Npgsql"), span => Assert.Equal("cache search", Parent(spans, span).Name));
    }

    [Fact]
    public async Task A_call_of_an_agents_tool_is_one_trace()
    {
        var trace = await TraceAsync(instance.Http, HttpMethod.Post, "/mcp", """
            {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "recall", "arguments": {"query": "who has the teapot"}}}
            """);

        var spans = await JoinedAsync(instance.Collector, trace);
        Assert.Equal("POST /mcp/", Root(spans).Name);
        var call = Assert.Single(spans, span => span.Name == "tools/call recall");
        Assert.Equal(Root(spans), Parent(spans, call));
        Assert.Equal(call, Parent(spans, Assert.Single(spans, span => span.Name.StartsWith("embeddings ", StringComparison.Ordinal))));
        Assert.Equal(call, Parent(spans, spans.First(span => span.Source == "Npgsql" && span.Name == "SELECT events")));
    }

    [Fact]
    public async Task A_line_on_the_console_and_a_failed_answer_name_their_trace()
    {
        await instance.Database.ExecuteAsync("ALTER TABLE nodes RENAME COLUMN label TO name");

        using var request = Traced(HttpMethod.Get, "/api/graph/nodes", out var trace);
        using var answer = await instance.Http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.InternalServerError, answer.StatusCode);
        Assert.Contains($"\"trace_id\":\"{trace}\"", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        await Eventually.UntilAsync(() => Task.FromResult(
            instance.Collector.TracesOfLogs.Contains(trace) && instance.Api.Output.Contains($"trace {trace} A request failed", StringComparison.Ordinal)));
        Assert.Contains(await JoinedAsync(instance.Collector, trace), span => span.Source == "Npgsql");
    }

    /// <summary>Every way in which a client's words come, right and wrong.</summary>
    private static async Task AskEverythingAsync(HttpClient http, string marker)
    {
        var @event = """{"content": {"text": "MARKER likes tea", "MARKER": 1}, "metadata": {"MARKER": "MARKER"}}""";
        var created = (await SendAsync("POST", "/v1/events/", @event)).Location!.OriginalString;
        await SendAsync("GET", created);
        await SendAsync("PATCH", created, """{"content": {"text": "MARKER likes coffee"}}""");
        await SendAsync("PATCH", $"{created}/metadata", """{"MARKER": null}""");
        await SendAsync("POST", "/v1/events/batch", @event + "\n" + @event);
        await SendAsync("POST", "/v1/events/batch", "MARKER");
        await SendAsync("GET", $"/v1/search?vector_query={marker}");
        await SendAsync("GET", $"/v1/search?vector_query=tea&limit={marker}");
        await SendAsync("POST", "/v1/search", """{"query": "MARKER", "filter": {"MARKER": "MARKER"}}""");
        await SendAsync("POST", "/v1/search", """{"filter": {"a": {"$MARKER": 1}}}""");
        await SendAsync("GET", $"/v1/search/metadata?filter_metadata=%7B%22{marker}%22%3A%22{marker}%22%7D");
        await SendAsync("GET", $"/v1/search/facets?{marker}={marker}");
        await SendAsync("GET", $"/v1/events/export?metadata=%7B%22{marker}%22%3A1%7D");
        await SendAsync("GET", $"/api/monitoring/events/timeline?severity={marker}");
        await SendAsync("POST", "/v1/graph/nodes", """{"type": "MARKER", "label": "MARKER"}""");
        await SendAsync("GET", $"/api/graph/nodes?label={marker}&type={marker}");
        foreach (var path in (string[])[$"/{marker}", $"/v1/events/{marker}", $"/api/graph/expand/{marker}", $"/v1/events/?limit={marker}", $"/mcp/{marker}"])
            await SendAsync("GET", path);
        await SendAsync("PUT", $"/v1/events/?{marker}");
        await SendAsync(marker.ToUpperInvariant(), "/v1/events/");
        foreach (var wrong in (string[])["""{"content": MARKER""", "\"MARKER\"", """{"content": "MARKER", "MARKER": 1}"""])
            await SendAsync("POST", "/v1/events/", wrong);
        await SendAsync("POST", "/v1/events/", """{"content": {"text": "MARKER"}, "timestamp": "MARKER"}""");
        using (var keyed = Marked(HttpMethod.Post, "/v1/events/", """{"content": {"text": "another"}}"""))
            (await http.SendAsync(keyed, Cancelled)).Dispose(); // a key that was used already
        await SendAsync("DELETE", created);

        foreach (var method in (string[])["tools/call", "resources/read", "prompts/get", marker])
        {
            await SendAsync("POST", "/mcp", """
                {"jsonrpc": "2.0", "id": "MARKER", "method": "METHOD", "params": {"name": "MARKER", "uri": "mnemolite://MARKER", "arguments": {"MARKER": 1}}}
                """.Replace("METHOD", method, StringComparison.Ordinal));
        }
        await SendAsync("POST", "/mcp", """{"jsonrpc": MARKER""");
        await using var agent = await McpClient.CreateAsync(
            new HttpClientTransport(new() { Endpoint = new(http.BaseAddress!, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp }),
            new() { ClientInfo = new() { Name = marker, Version = marker } }, cancellationToken: Cancelled);
        foreach (var (tool, arguments) in new (string, Dictionary<string, object?>)[]
        {
            ("remember", new() { ["text"] = $"{marker} moved", ["metadata"] = new Dictionary<string, string> { [marker] = marker } }),
            ("recall", new() { ["query"] = marker }),
            ("recall", new() { ["query"] = marker, ["mode"] = marker }),
            ("get", new() { ["id"] = marker }),
            ("link", new() { ["from"] = marker, ["to"] = marker, ["relation"] = marker }),
            ("explore", new() { ["start"] = marker }),
        })
        {
            await agent.CallToolAsync(tool, arguments, cancellationToken: Cancelled);
        }
        await Assert.ThrowsAnyAsync<McpException>(async () => await agent.ReadResourceAsync($"mnemolite://events/{marker}", cancellationToken: Cancelled));

        async Task<HttpResponseHeaders> SendAsync(string method, string path, string? body = null)
        {
            using var request = Marked(new(method), path, body);
            using var answer = await http.SendAsync(request, Cancelled);
            return answer.Headers;
        }

        HttpRequestMessage Marked(HttpMethod method, string path, string? body)
        {
            var request = Request(method, path, body?.Replace("MARKER", marker, StringComparison.Ordinal));
            request.Headers.Host = $"{marker}.example";
            foreach (var header in (string[])["Idempotency-Key", "User-Agent", "Cookie", "X-Forwarded-For", "Referer", "Mcp-Session-Id", marker])
                request.Headers.TryAddWithoutValidation(header, marker);
            request.Headers.TryAddWithoutValidation("baggage", $"{marker}={marker}");
            request.Headers.Authorization = new("Bearer", marker);
            return request;
        }
    }

    /// <summary>Has the database refuse three requests with errors that repeat what was sent.</summary>
    private static async Task FailInTheDatabaseAsync(HttpClient http, OwnDatabase database, string marker)
    {
        await database.ExecuteAsync("""
            ALTER TABLE events ADD CONSTRAINT calm CHECK (content ->> 'text' NOT LIKE 'refuse %');
            CREATE FUNCTION complain() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no % here', NEW; END $$;
            CREATE TRIGGER complain BEFORE INSERT ON nodes FOR EACH ROW EXECUTE FUNCTION complain();
            """);
        foreach (var (path, body) in new[]
        {
            ("/v1/events/", """{"content": {"text": "refuse MARKER"}}"""),
            ("/v1/graph/nodes", """{"type": "thing", "label": "MARKER"}"""),
            ("/mcp", """{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "remember", "arguments": {"text": "refuse MARKER"}}}"""),
        })
        {
            using var request = Request(HttpMethod.Post, path, body.Replace("MARKER", marker, StringComparison.Ordinal));
            (await http.SendAsync(request, Cancelled)).Dispose();
        }
    }

    /// <summary>Asks as a part of a new trace; its id.</summary>
    private static async Task<string> TraceAsync(HttpClient http, HttpMethod method, string path, string? body = null)
    {
        using var request = Traced(method, path, out var trace, body);
        using var answer = await http.SendAsync(request, Cancelled);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
        return trace;
    }

    private static HttpRequestMessage Traced(HttpMethod method, string path, out string trace, string? body = null)
    {
        trace = Guid.NewGuid().ToString("N");
        var request = Request(method, path, body);
        request.Headers.Add("traceparent", $"00-{trace}-{Caller}-01");
        return request;
    }

    private static HttpRequestMessage Request(HttpMethod method, string path, string? body)
    {
        var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        request.Headers.Add("Accept", "application/json, text/event-stream");
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        return request;
    }

    /// <summary>The spans of a trace once the outermost has come, which ends last; each leads to it.</summary>
    private static async Task<List<OtlpReceiver.Span>> JoinedAsync(OtlpReceiver collector, string trace)
    {
        var spans = new List<OtlpReceiver.Span>();
        await Eventually.UntilAsync(() =>
        {
            spans = [.. collector.Spans.Where(span => span.TraceId == trace)];
            return Task.FromResult(spans.Any(span => span.ParentId == Caller));
        });
        Assert.All(spans, span =>
        {
            for (var steps = 0; span.ParentId != Caller; steps++)
            {
                Assert.True(steps < spans.Count, "The parents go in a circle.");
                span = Parent(spans, span);
            }
        });
        return spans;
    }

    private static OtlpReceiver.Span Root(List<OtlpReceiver.Span> spans) => Assert.Single(spans, span => span.ParentId == Caller);

    private static OtlpReceiver.Span Parent(List<OtlpReceiver.Span> spans, OtlpReceiver.Span child) => Assert.Single(spans, span => span.Id == child.ParentId);

    [GeneratedRegex("trace ([0-9a-f]{32}) A request failed")]
    private static partial Regex Failure();

    /// <summary>An instance of the API that sends its telemetry to a collector; shared by the tests of traces.</summary>
    public sealed class Instance(RunningApplication app) : IAsyncLifetime
    {
        internal OwnDatabase Database { get; private set; } = null!;

        internal OtlpReceiver Collector { get; private set; } = null!;

        internal ApiProcess Api { get; private set; } = null!;

        public HttpClient Http { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Database = await OwnDatabase.CreateAsync(app);
            Collector = await OtlpReceiver.StartAsync();
            Api = Collector.StartApi(Database.Setting);
            Http = await Api.ConnectAsync(Cancelled);
        }

        public async ValueTask DisposeAsync()
        {
            Http?.Dispose();
            if (Api is not null)
                await Api.DisposeAsync();
            if (Collector is not null)
                await Collector.DisposeAsync();
            if (Database is not null)
                await Database.DisposeAsync();
        }
    }
}
