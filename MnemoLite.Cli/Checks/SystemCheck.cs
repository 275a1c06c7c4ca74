using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Cli.Checks;

/// <summary>The checks of a running system, through what its users have: the API, MCP, the dashboard.</summary>
internal sealed class SystemCheck(Uri api, Uri web) : IDisposable
{
    private const string LookAtLog = "The log says more: logs/mnemolite.log in the data folder";
    private const int Users = 20;
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(2), Patience = TimeSpan.FromSeconds(15);
    private const double MostMilliseconds = 200;
    private const string LookAtSuggestions = "What could be better: GET /performance/optimize/suggestions";
    private const string LookAtStatus = "Does it run? ./mnemolite status";

    private readonly HttpClient _http = AccessKey.Connect(api, ConnectPatience, Patience);

    private MnemoLiteClient Client => new(_http);

    public CheckList List { get; } = new();

    public void Dispose() => _http.Dispose();

    /// <summary>Whether everything answers.</summary>
    /// <returns>Whether the API does, without which nothing else can be tried out.</returns>
    public async Task<bool> QuickAsync(CancellationToken cancellationToken)
    {
        Health? health = null;
        await List.CheckAsync("The API is healthy", LookAtStatus, async () =>
        {
            health = await Client.HealthAsync(cancellationToken);
            return health.Status == "healthy" ? $"{health.DurationMs:0} ms" : throw new CommandException($"it is {health.Status}");
        }, cancellationToken);
        foreach (var (name, service) in health?.Services ?? new Dictionary<string, ServiceHealth>())
        {
            if (service.Status is "ok" or "behind") // behind: it catches up by itself
                List.Passed($"{name} is in order", service.Status == "ok" ? service.Version ?? service.Model ?? "ok" : service.Status);
            else
                List.Failed($"{name} is in order", $"{service.Status}{(service.Detail is { } detail ? $", {detail.TrimEnd('.')}" : "")}", LookAtLog);
        }
        await List.CheckAsync("The dashboard answers", LookAtStatus, async () =>
        {
            using var answer = await _http.GetAsync(new Uri(web, "/alive"), cancellationToken);
            return answer.EnsureSuccessStatusCode().RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority);
        }, cancellationToken);
        if (health is null)
        {
            Terminal.Note("Without the API nothing else can be tried out");
            return false;
        }
        await List.CheckAsync("The version is known", LookAtStatus,
            async () => (await Client.GetSystemMetricsAsync(cancellationToken)).Process.Version, cancellationToken);
        await List.CheckAsync("The store answers", LookAtLog, async () =>
        {
            var store = await Client.GetStoreAsync(cancellationToken);
            return $"{store.Events:N0} events, {store.SizeBytes / 1048576.0:N1} MiB, model {store.Model}";
        }, cancellationToken);
        return true;
    }

    /// <summary>And whether a memory of its own is kept, found and forgotten.</summary>
    public async Task<bool> FullAsync(CancellationToken cancellationToken)
    {
        if (!await QuickAsync(cancellationToken))
            return false;
        await using (var trial = new Trial(Client, List, cancellationToken))
        {
            await trial.RunAsync();
        }
        await List.CheckAsync("MCP lists its tools", LookAtLog, () => ListToolsAsync(cancellationToken), cancellationToken);
        await List.CheckAsync("Metrics are told", LookAtLog, async () =>
        {
            var families = (await _http.GetStringAsync(new Uri("metrics", UriKind.Relative), cancellationToken)).Split('\n').Count(line => line.StartsWith("# TYPE ", StringComparison.Ordinal));
            return families > 0 ? $"{families} metrics" : throw new CommandException("there are none");
        }, cancellationToken);
        return true;
    }

    /// <summary>And whether it is fast enough for many users at a time; reads only.</summary>
    public async Task LoadAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        if (!await FullAsync(cancellationToken))
            return;
        ReadLoad? load = null;
        await List.CheckAsync($"{Users} users are served for {duration.TotalSeconds:0} s", LookAtSuggestions, async () =>
        {
            load = await ReadLoad.PutOnAsync(Client, Users, duration, null, cancellationToken);
            return load.Failures == 0 ? $"{load.Requests:N0} requests" : throw new CommandException($"{load.Failures:N0} of {load.Requests:N0} requests failed");
        }, cancellationToken);
        if (load is null)
            return;
        var figures = $"P50 {load.Percentile(50):0.0} ms, P95 {load.Percentile(95):0.0} ms, P99 {load.Percentile(99):0.0} ms";
        if (load.Percentile(95) <= MostMilliseconds)
            List.Passed($"P95 is at most {MostMilliseconds} ms", figures);
        else
            List.Failed($"P95 is at most {MostMilliseconds} ms", figures, LookAtSuggestions);
    }

    /// <summary>What an event says in <c>content.text</c>, if it does.</summary>
    internal static string? TextOf(Event? @event) =>
        @event?.Content.ToElement().TryGetProperty("text", out var text) == true && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private async Task<string> ListToolsAsync(CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("mcp", UriKind.Relative));
        request.Headers.Add("Accept", "application/json, text/event-stream");
        request.Content = JsonContent.Create(new { jsonrpc = "2.0", id = 1, method = "tools/list" });
        using var response = await _http.SendAsync(request, cancellationToken);
        var body = await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(cancellationToken);
        var message = body.Split('\n').FirstOrDefault(line => line.StartsWith("data:", StringComparison.Ordinal))?["data:".Length..] ?? body;
        var tools = JsonElement.Parse(message).TryGetProperty("result", out var result) ? result.GetProperty("tools").GetArrayLength() : 0;
        return tools > 0 ? $"{tools} tools" : throw new CommandException("it names none");
    }

    /// <summary>An event and a part of the graph that no one else has; whatever becomes of them, they are deleted in the end.</summary>
    private sealed class Trial(MnemoLiteClient client, CheckList list, CancellationToken cancellationToken) : IAsyncDisposable
    {
        private const string Name = "mnemolite_check", Beginning = "MnemoLite checks itself with a memory of its own, ";
        private static readonly TimeSpan EmbeddingPatience = TimeSpan.FromSeconds(15), ForgettingPatience = TimeSpan.FromSeconds(5);
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(250), LongestCheck = TimeSpan.FromHours(1);

        private readonly Guid _mark = Guid.NewGuid(), _node = Guid.CreateVersion7(), _neighbour = Guid.CreateVersion7();
        private readonly string _word = RandomNumberGenerator.GetString("abcdefghijklmnop", 24);
        private Event? _event;

        private Event Own => _event ?? throw new CommandException("there is no memory to try it with");

        private string Text => Beginning + _word;

        private JsonText Mark => JsonText.From(new Dictionary<string, Guid> { [Name] = _mark });

        public async Task RunAsync()
        {
            await CheckAsync("Nothing of earlier checks is left", ForgetEarlierAsync);
            await CheckAsync("A memory is kept", async () =>
            {
                _event = await client.CreateAsync(new NewEvent { Content = JsonText.From(new { text = Text }), Metadata = Mark }, cancellationToken);
                return $"{_event.Id}";
            });
            await CheckAsync("It is read", async () =>
                TextOf(await client.GetAsync(Own.Id, cancellationToken)) == Text
                    ? "as it was written"
                    : throw new CommandException("it is not as it was written"));
            await CheckAsync("It is changed", async () =>
            {
                var patched = await client.PatchAsync(Own.Id, new EventPatch { Metadata = JsonText.From(new { changed = true }) }, cancellationToken);
                return patched is not null && patched.Metadata.ToElement().TryGetProperty("changed", out _) ? "metadata" : throw new CommandException("it has not changed");
            });
            await CheckAsync("It is listed", async () =>
                (await client.ListAsync(Own.Timestamp, Own.Timestamp, cancellationToken: cancellationToken)).Events.Any(IsOwn)
                    ? "by its time"
                    : throw new CommandException("the list lacks it"));
            await CheckAsync("It is found by words", () => FindAsync(new SearchRequest { Query = _word, Mode = SearchMode.Keyword }));
            await CheckAsync("It is found by meaning", async () =>
            {
                using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                patience.CancelAfter(EmbeddingPatience);
                while ((await client.GetAsync(Own.Id, patience.Token))?.EmbeddingState == "pending")
                    await Task.Delay(Pause, patience.Token);
                return await FindAsync(new SearchRequest { Query = Text, Mode = SearchMode.Semantic });
            });
            await CheckAsync("It is found by metadata", () => FindAsync(new SearchRequest { Filter = Mark }));
            await CheckAsync("The graph links two nodes", LinkAsync);
        }

        /// <summary>Deletes what checks that were killed could not.</summary>
        private async Task<string> ForgetEarlierAsync()
        {
            var before = DateTimeOffset.UtcNow - LongestCheck;
            var filter = JsonText.From(new Dictionary<string, object> { [Name] = new Dictionary<string, bool> { ["$exists"] = true } });
            var forgotten = 0;
            foreach (var @event in (await client.SearchAsync(new SearchRequest { Filter = filter, TsEnd = before, Limit = 1000 }, cancellationToken)).Events)
            {
                if (TextOf(@event)?.StartsWith(Beginning, StringComparison.Ordinal) == true)
                    forgotten += await client.DeleteAsync(@event.Id, cancellationToken) ? 1 : 0;
            }
            foreach (var node in (await client.ListNodesAsync(Name, limit: 1000, cancellationToken: cancellationToken)).Nodes.Where(node => node.Data.CreatedAt < before))
                forgotten += await client.DeleteNodeAsync(node.Data.Id, cancellationToken) ? 1 : 0;
            return forgotten == 0 ? "none was" : $"{forgotten} deleted now";
        }

        /// <summary>Deletes what was made, also when the checks were interrupted.</summary>
        public async ValueTask DisposeAsync()
        {
            await list.CheckAsync("It is forgotten", $"Delete the events with the metadata {Mark}", ForgetAsync, CancellationToken.None);
            await list.CheckAsync("The nodes are deleted", $"Delete the graph's nodes {_node} and {_neighbour}", UnlinkAsync, CancellationToken.None);
        }

        private Task CheckAsync(string what, Func<Task<string>> check) => list.CheckAsync(what, LookAtLog, check, cancellationToken);

        private bool IsOwn(Event @event) => @event.Id == Own.Id;

        private async Task<string> FindAsync(SearchRequest request)
        {
            var own = Own;
            var place = (await client.SearchAsync(request, cancellationToken)).Events.Select(@event => @event.Id).ToList().IndexOf(own.Id) + 1;
            return place > 0 ? $"at place {place}" : throw new CommandException("the search does not find it");
        }

        private async Task<string> LinkAsync()
        {
            foreach (var id in new[] { _node, _neighbour })
                await client.CreateNodeAsync(new NewGraphNode { Id = id, Type = Name, Label = $"{_word} {id}", Properties = Mark }, cancellationToken);
            await client.CreateEdgeAsync(new NewGraphEdge { Source = _node, Target = _neighbour }, cancellationToken);
            var around = await client.ExpandAsync(_node, cancellationToken: cancellationToken);
            return around?.Nodes.Any(node => node.Data.Id == _neighbour) == true ? "one edge" : throw new CommandException("the neighbour is not found");
        }

        private async Task<string> ForgetAsync()
        {
            var forgotten = _event is not null && await client.DeleteAsync(_event.Id, CancellationToken.None) ? 1 : 0;
            // and by its mark, as it may be stored though the answer was lost
            foreach (var @event in (await client.SearchAsync(new SearchRequest { Filter = Mark }, CancellationToken.None)).Events)
                forgotten += await client.DeleteAsync(@event.Id, CancellationToken.None) ? 1 : 0;
            for (var since = Stopwatch.GetTimestamp(); _event is not null && await client.GetAsync(_event.Id, CancellationToken.None) is not null;)
            {
                if (Stopwatch.GetElapsedTime(since) > ForgettingPatience)
                    throw new CommandException("it is still there");
                await Task.Delay(Pause, CancellationToken.None); // another instance hears of the deletion a moment later than it is made
            }
            return forgotten == 1 ? "1 event" : $"{forgotten} events";
        }

        private async Task<string> UnlinkAsync()
        {
            var deleted = 0;
            foreach (var id in new[] { _node, _neighbour })
                deleted += await client.DeleteNodeAsync(id, CancellationToken.None) ? 1 : 0;
            return $"{deleted} nodes";
        }
    }
}
