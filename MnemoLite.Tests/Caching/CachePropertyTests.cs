using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Caching;

/// <summary>
/// Random writes and reads over two instances: every answer that may come from a cache is compared with the one made at that moment, at once by
/// the instance that wrote, by the other as soon as its stream has told of the write.
/// </summary>
public sealed class CachePropertyTests(RunningApplication app)
{
    private static readonly string[] Vocabulary =
        ["deploy", "rollback", "invoice", "postgres", "vector", "cache", "OrderService.cs", "meeting", "peanut", "blue", "green", "the", "and", "prefers", "tests"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1, false, 1)]
    [InlineData(2, false, 1)]
    [InlineData(3, true, 1)]
    [InlineData(4, true, 3)]
    public async Task Every_cached_answer_is_what_the_database_would_say(int seed, bool withRedis, int spaces)
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var redis = withRedis ? await OwnRedis.StartAsync() : null;
        string[] settings = [database.Setting, "--EMBEDDING_MODE=mock", "--Database:HnswEfSearch=400", .. redis is null ? Array.Empty<string>() : [redis.Setting]];
        await using var first = ApiProcess.Start(settings);
        using var http = await first.ConnectAsync(Cancelled);
        await using var second = ApiProcess.Start(settings);
        using var other = await second.ConnectAsync(Cancelled);
        // what the planner knows changes the weight of words at moments of its own, which no write decides
        await database.ExecuteAsync("ALTER TABLE events SET (autovacuum_enabled = false)");
        var random = new Random(seed);
        string[] names = [Spaces.Default, .. Enumerable.Range(2, spaces - 1).Select(space => $"space-{space}")];
        Run[] runs = [.. names.Select(space => new Run(random, [In(space, http), In(space, other)]))];
        try
        {
            foreach (var run in runs)
                await run.SeedAsync();
            for (var step = 0; step < 400; step++)
            {
                if (step % 3 == 0)
                    await runs[random.Next(spaces)].WriteAsync();
                for (var read = 0; read < 3; read++)
                    await runs[random.Next(spaces)].CompareAsync(seed, step);
            }
        }
        finally
        {
            foreach (var run in runs)
                await run.DisposeAsync();
        }

        var (reads, hits, stale) = (runs.Sum(run => run.Reads), runs.Sum(run => run.Hits), runs.Sum(run => run.Stale));
        Assert.True(hits > 250, $"only {hits} of {reads} answers came from a cache: the test would prove little");
        Assert.True(stale > 50, $"only {stale} answers had been changed by a write: the test would prove little");
        double[] delays = [.. runs.SelectMany(run => run.Delays).Order()];
        TestContext.Current.SendDiagnosticMessage(
            "the other instance told of a write after {0:F1} ms (median), {1:F1} ms at most", delays[delays.Length / 2], delays[^1]);
    }

    private static HttpClient In(string space, HttpClient instance) =>
        new() { BaseAddress = instance.BaseAddress, DefaultRequestHeaders = { { Spaces.Header, space } } };

    /// <summary>What is written and read in one space.</summary>
    private sealed class Run : IAsyncDisposable
    {
        private readonly Random _random;
        private readonly HttpClient[] _instances;
        private readonly List<Guid> _events = [];
        private readonly List<Guid> _nodes = [];
        private readonly List<Guid> _edges = [];
        private readonly List<string> _searches;
        private readonly Watch[] _watches;
        private int _writer;
        private bool _isHeard;

        public Run(Random random, HttpClient[] instances)
        {
            (_random, _instances) = (random, instances);
            _searches = [.. Enumerable.Range(0, 24).Select(_ => RandomSearch())];
            _watches = [.. instances.Select(http => new Watch(http))];
        }

        /// <summary>Milliseconds from the answer to a write until the other instance told of it.</summary>
        public List<double> Delays { get; } = [];

        public int Reads { get; private set; }

        public int Hits { get; private set; }

        public int Stale { get; private set; }

        public async Task SeedAsync()
        {
            foreach (var watch in _watches)
                await watch.Ready;
            var batch = new JsonArray([.. Enumerable.Range(0, 140).Select(_ => (JsonNode)RandomEvent())]);
            using var stored = await _instances[0].PostAsync("/v1/events/batch", Json(batch), Cancelled);
            var result = await stored.Content.ReadFromJsonAsync(MnemoLiteJson.Default.BatchResult, Cancelled);
            _events.AddRange(result!.Ids);
            for (var i = 0; i < 12; i++)
                await CreateNodeAsync();
            for (var i = 0; i < 16; i++)
                await CreateEdgeAsync();
        }

        public async Task WriteAsync()
        {
            _writer = _random.Next(_instances.Length);
            switch (_random.Next(12))
            {
                case 0 or 1 or 2 or 3:
                    var created = await SendAsync(HttpMethod.Post, "/v1/events", RandomEvent());
                    _events.Add(created!["id"]!.GetValue<Guid>());
                    break;
                case 4 or 5:
                    await SendAsync(HttpMethod.Patch, $"/v1/events/{Pick(_events)}/metadata", RandomMetadata());
                    break;
                case 6:
                    await SendAsync(HttpMethod.Patch, $"/v1/events/{Pick(_events)}", new JsonObject { ["content"] = RandomContent() });
                    break;
                case 7:
                    var id = Pick(_events);
                    await SendAsync(HttpMethod.Delete, $"/v1/events/{id}", null);
                    if (_random.Next(2) == 0)
                        _events.Remove(id); // the others are asked for again, and are not there
                    break;
                case 8:
                    await CreateNodeAsync();
                    break;
                case 9:
                    await CreateEdgeAsync();
                    break;
                case 10 when _edges.Count > 5:
                    var edge = Pick(_edges);
                    _edges.Remove(edge);
                    await SendAsync(HttpMethod.Delete, $"/v1/graph/edges/{edge}", null);
                    break;
                default:
                    await SendAsync(HttpMethod.Patch, $"/v1/graph/nodes/{Pick(_nodes)}", new JsonObject { ["label"] = Word() });
                    break;
            }
            _isHeard = false;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var watch in _watches)
                await watch.DisposeAsync();
            foreach (var instance in _instances)
                instance.Dispose();
        }

        public async Task CompareAsync(int seed, int step)
        {
            var reader = _random.Next(_instances.Length);
            while (reader != _writer && !_isHeard)
            {
                // changes are told in their order: one that can be recognised is told after those before it, unless some were missed
                var mark = await SendAsync(HttpMethod.Post, "/v1/events", new JsonObject { ["content"] = new JsonObject() });
                var sinceMark = Stopwatch.StartNew();
                _isHeard = await _watches[reader].TellsOfAsync(mark!["id"]!.GetValue<Guid>());
                if (_isHeard)
                    Delays.Add(sinceMark.Elapsed.TotalMilliseconds);
            }
            var (method, path, body) = RandomRead();
            var (cached, outcome) = await ReadAsync(_instances[reader], method, path, body, bypass: false);
            var (made, _) = await ReadAsync(_instances[reader], method, path, body, bypass: true);
            Assert.True(cached == made, $"seed {seed}, step {step}: {method} {path} {body} ({outcome}) said\n{cached}\nbut it is\n{made}");
            Reads++;
            if (outcome.Contains("hit", StringComparison.Ordinal))
                Hits++;
            else if (outcome.Contains("stale", StringComparison.Ordinal))
                Stale++;
        }

        private (HttpMethod Method, string Path, string? Body) RandomRead() => _random.Next(10) switch
        {
            0 or 1 => (HttpMethod.Get, $"/v1/events/{_events[_random.Next(Math.Min(_events.Count, 12))]}", null),
            2 => (HttpMethod.Get, $"/api/graph/expand/{_nodes[_random.Next(4)]}?depth={1 + _random.Next(3)}&limit={3 + _random.Next(2) * 30}", null),
            3 => (HttpMethod.Get, "/api/graph/nodes?limit=5", null),
            4 => (HttpMethod.Post, "/v1/graph/path", $$"""{"source":"{{_nodes[0]}}","target":"{{_nodes[1 + _random.Next(3)]}}","max_depth":4}"""),
            _ => (HttpMethod.Post, "/v1/search", _searches[_random.Next(_searches.Count)]),
        };

        private async Task CreateNodeAsync()
        {
            var node = await SendAsync(HttpMethod.Post, "/v1/graph/nodes", new JsonObject { ["type"] = "thing", ["label"] = Word() });
            _nodes.Add(node!["id"]!.GetValue<Guid>());
        }

        private async Task CreateEdgeAsync()
        {
            var edge = await SendAsync(
                HttpMethod.Post, "/v1/graph/edges",
                new JsonObject { ["source"] = Pick(_nodes), ["target"] = Pick(_nodes), ["type"] = "knows" });
            _edges.Add(edge!["id"]!.GetValue<Guid>());
        }

        private async Task<JsonNode?> SendAsync(HttpMethod method, string path, JsonNode? body)
        {
            using var request = new HttpRequestMessage(method, path) { Content = body is null ? null : Json(body) };
            using var response = await _instances[_writer].SendAsync(request, Cancelled);
            Assert.True(response.IsSuccessStatusCode || response.StatusCode == HttpStatusCode.NotFound, $"{method} {path}: {response.StatusCode}");
            return response.StatusCode is HttpStatusCode.Created or HttpStatusCode.OK ? JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancelled)) : null;
        }

        private static async Task<(string Answer, string Outcome)> ReadAsync(HttpClient http, HttpMethod method, string path, string? body, bool bypass)
        {
            using var request = new HttpRequestMessage(method, path);
            if (body is not null)
                request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            if (bypass)
                request.Headers.CacheControl = new CacheControlHeaderValue { NoCache = true };
            using var response = await http.SendAsync(request, Cancelled);
            if (response.StatusCode == HttpStatusCode.NotFound)
                return ("404", "");
            var answer = await response.Content.ReadAsStringAsync(Cancelled);
            Assert.True(response.IsSuccessStatusCode, $"{method} {path} {body}: {answer}");
            return (answer, string.Join(',', response.Headers.GetValues("Cache-Status")));
        }

        private JsonObject RandomEvent() => new()
        {
            ["content"] = RandomContent(),
            ["metadata"] = RandomMetadata(),
            ["timestamp"] = new DateTimeOffset(2026, 1, 1 + _random.Next(20), 0, 0, _random.Next(60), TimeSpan.Zero).ToString("O", CultureInfo.InvariantCulture),
        };

        private JsonObject RandomContent() => new() { ["text"] = string.Join(' ', Enumerable.Range(0, 2 + _random.Next(6)).Select(_ => Word())) };

        private JsonObject RandomMetadata() => new() { ["project"] = $"p{_random.Next(4)}", ["priority"] = _random.Next(5) };

        private string RandomSearch()
        {
            var search = new JsonObject { ["limit"] = 1 + _random.Next(12) };
            if (_random.Next(5) > 0)
            {
                search["query"] = _random.Next(8) switch
                {
                    0 => "rolback peanutt", // mistyped
                    1 => $"\"{Word()} {Word()}\" OR {Word()}",
                    2 => $"{Word()} -{Word()}",
                    _ => string.Join(' ', Enumerable.Range(0, 1 + _random.Next(4)).Select(_ => Word())),
                };
                search["mode"] = new[] { "hybrid", "semantic", "keyword" }[_random.Next(3)];
                search["explain"] = _random.Next(2) == 0;
            }
            switch (_random.Next(6))
            {
                case 0:
                    search["metadata"] = new JsonObject { ["project"] = $"p{_random.Next(4)}" };
                    break;
                case 1:
                    search["filter"] = new JsonObject { ["priority"] = new JsonObject { ["$gte"] = _random.Next(5) } };
                    break;
                case 2:
                    search["ts_start"] = $"2026-01-{5 + _random.Next(10):D2}T00:00:00Z";
                    break;
            }
            return search.ToJsonString();
        }

        private string Word() => _random.Next(20) == 0 ? $"word{_random.Next(1000)}" : Vocabulary[_random.Next(Vocabulary.Length)];

        private T Pick<T>(List<T> list) => list[_random.Next(list.Count)];

        private static StringContent Json(JsonNode body) => new(body.ToJsonString(), Encoding.UTF8, "application/json");
    }

    /// <summary>The stream of changes of one instance.</summary>
    private sealed class Watch : IAsyncDisposable
    {
        private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
        private readonly CancellationTokenSource _ending = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        private readonly Channel<Guid?> _told = Channel.CreateUnbounded<Guid?>();
        private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Task _listening;

        public Watch(HttpClient http) => _listening = ListenAsync(http);

        public Task Ready => _ready.Task;

        /// <summary>Waits for that change; false where the instance says first that it may have missed some.</summary>
        public async Task<bool> TellsOfAsync(Guid id)
        {
            Guid? told;
            do
                told = await _told.Reader.ReadAsync(Cancelled).AsTask().WaitAsync(Patience, Cancelled);
            while (told is not null && told != id);
            return told is not null;
        }

        public async ValueTask DisposeAsync()
        {
            await _ending.CancelAsync();
            await _listening;
            _ending.Dispose();
        }

        private async Task ListenAsync(HttpClient http)
        {
            try
            {
                await using var stream = await http.GetStreamAsync(new Uri("/v1/events/stream", UriKind.Relative), _ending.Token);
                await foreach (var item in SseParser.Create(stream).EnumerateAsync(_ending.Token))
                {
                    if (item.EventType == "ready")
                        _ready.TrySetResult();
                    else if (item.EventType == "reset")
                        _told.Writer.TryWrite(null);
                    else if (JsonNode.Parse(item.Data)?["id"] is { } id)
                        _told.Writer.TryWrite(id.GetValue<Guid>());
                }
            }
            catch (OperationCanceledException) when (_ending.IsCancellationRequested)
            {
                // the test is over
            }
            finally
            {
                _told.Writer.TryComplete();
                _ready.TrySetException(new IOException("The stream ended before it was ready."));
            }
        }
    }
}
