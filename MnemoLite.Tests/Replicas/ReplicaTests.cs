using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.ServerSentEvents;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Replicas;

/// <summary>An instance of the API with a primary and a standby, which is stopped, held back and promoted.</summary>
public sealed class ReplicaTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Reads_go_to_the_standby()
    {
        await using var postgres = await ReplicatedPostgres.StartAsync(app, Cancelled);
        await using var api = ApiProcess.Start(postgres.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        http.DefaultRequestHeaders.CacheControl = new() { NoCache = true };
        var client = new MnemoLiteClient(http);
        var created = await client.CreateAsync(new() { Content = Text("a standby reads") }, Cancelled);
        var node = await client.CreateNodeAsync(new() { Type = "thing", Label = "standby" }, Cancelled);

        (string Statement, Func<Task> Read)[] reads =
        [
            ("SELECT id, timestamp, content, metadata%LEFT JOIN events ON id = $1%", () => client.GetAsync(created.Id, cancellationToken: Cancelled)),
            ("SELECT id, timestamp, content, metadata%ORDER BY timestamp DESC%", () => client.ListAsync(cancellationToken: Cancelled)),
            ("%array_agg(distance)%", () => client.SearchAsync(new() { Query = "standby" }, Cancelled)),
            ("%array_agg(length)%", () => client.SearchAsync(new() { Query = "standby" }, Cancelled)),
            ("WITH matching AS%", () => client.SearchAsync(new(), Cancelled)),
            ("SELECT id, type, label%FROM nodes WHERE%", () => client.GetNodeAsync(node.Id, Cancelled)),
            ("%page AS MATERIALIZED%FROM nodes%", () => client.ListNodesAsync(cancellationToken: Cancelled)),
            ("WITH RECURSIVE walk%", () => client.ExpandAsync(node.Id, cancellationToken: Cancelled)),
        ];
        foreach (var (statement, read) in reads)
        {
            await Eventually.UntilAsync(async () =>
            {
                await read();
                return await postgres.Standby.ExecuteAsync(
                    $"SELECT coalesce(sum(calls), 0)::int FROM pg_stat_statements WHERE query LIKE '{statement}'", Cancelled) is > 0;
            });
        }
        Assert.Equal(true, await postgres.Standby.ExecuteAsync("SELECT pg_is_in_recovery()", Cancelled));
        await UntilStandbyIsAsync("ok", client);
    }

    [Fact]
    public async Task A_read_sees_every_write_before_it_however_far_the_standby_is()
    {
        await using var postgres = await ReplicatedPostgres.StartAsync(app, Cancelled);
        await using var api = ApiProcess.Start(postgres.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await UntilStandbyIsAsync("ok", client);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => WriteAndReadAsync(client, rounds: 15))); // the standby some milliseconds behind

        await postgres.Standby.ExecuteAsync("SELECT pg_wal_replay_pause()", Cancelled);
        await WriteAndReadAsync(client, rounds: 3);
        await UntilStandbyIsAsync("behind", client);

        await using var another = ApiProcess.Start(postgres.Setting);
        using var otherHttp = await another.ConnectAsync(Cancelled);
        var other = new MnemoLiteClient(otherHttp);
        var created = await client.CreateAsync(new() { Content = Text("told by another instance") }, Cancelled);
        await Eventually.UntilAsync(async () => (await other.ListAsync(cancellationToken: Cancelled)).Events.Any(listed => listed.Id == created.Id));

        await postgres.Standby.ExecuteAsync("SELECT pg_wal_replay_resume()", Cancelled);
        await UntilStandbyIsAsync("ok", client);
        await UntilStandbyIsAsync("ok", other);
    }

    [Fact]
    public async Task Reads_go_on_while_the_standby_is_away()
    {
        await using var postgres = await ReplicatedPostgres.StartAsync(app, Cancelled);
        await using var api = ApiProcess.Start(postgres.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        var created = await client.CreateAsync(new() { Content = Text("read all the time") }, Cancelled);
        await UntilStandbyIsAsync("ok", client);

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var readers = Enumerable.Range(0, 4).Select(async _ =>
        {
            while (!enough.IsCancellationRequested)
                Assert.Equal(created.Id, (await client.GetAsync(created.Id, cancellationToken: Cancelled))!.Id);
        }).ToList();
        foreach (var stop in (Func<Task>[])[postgres.Standby.StopAsync, () => postgres.Standby.KillAsync(Cancelled)])
        {
            await stop();
            await UntilStandbyIsAsync("error", client);
            await postgres.Standby.StopAsync();
            await postgres.StartStandbyAsync(Cancelled);
            await UntilStandbyIsAsync("ok", client);
        }
        await enough.CancelAsync();
        await Task.WhenAll(readers);
        Assert.Equal("healthy", (await client.HealthAsync(Cancelled)).Status);
    }

    [Fact]
    public async Task Writes_resume_on_the_promoted_standby_and_no_acknowledged_one_is_lost()
    {
        await using var postgres = await ReplicatedPostgres.StartAsync(app, Cancelled);
        await postgres.Primary.ExecuteAsync("ALTER SYSTEM SET synchronous_standby_names = '*'", Cancelled); // so that all are replicated
        await postgres.Primary.ExecuteAsync("SELECT pg_reload_conf()", Cancelled);
        await using var api = ApiProcess.Start(postgres.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        using var stream = await http.GetAsync(new Uri("/v1/events/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        await using var changes = SseParser.Create(await stream.Content.ReadAsStreamAsync(Cancelled))
            .EnumerateAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        var acknowledged = new ConcurrentBag<Guid>();
        var refused = new ConcurrentBag<HttpStatusCode>();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var writers = Enumerable.Range(0, 4).Select(async writer =>
        {
            for (var i = 0; !enough.IsCancellationRequested; i++)
            {
                using var response = await http.PostAsync(
                    new Uri("/v1/events/", UriKind.Relative),
                    new StringContent($$$"""{"content": {"text": "writer {{{writer}}} noted fact {{{i}}}"}}""", null, "application/json"), Cancelled);
                if (response.StatusCode == HttpStatusCode.Created)
                {
                    acknowledged.Add(Guid.Parse(response.Headers.Location!.OriginalString.Split('/')[^1], CultureInfo.InvariantCulture));
                    continue;
                }
                refused.Add(response.StatusCode);
                Assert.NotNull(response.Headers.RetryAfter);
                await Task.Delay(20, Cancelled);
            }
        }).ToList();
        await Eventually.UntilAsync(() => Task.FromResult(acknowledged.Count > 200));

        await postgres.Primary.KillAsync(Cancelled);
        await Eventually.UntilAsync(async () => await StatusAsync(http, "/readiness") == HttpStatusCode.ServiceUnavailable);
        await postgres.Standby.ExecuteAsync("SELECT pg_promote()", Cancelled);
        var before = acknowledged.Count;
        await Eventually.UntilAsync(() => Task.FromResult(acknowledged.Count > before + 200));
        await enough.CancelAsync();
        await Task.WhenAll(writers);

        Assert.All(refused, status => Assert.Equal(HttpStatusCode.ServiceUnavailable, status));
        Assert.NotEmpty(refused);
        foreach (var id in acknowledged)
            Assert.NotNull(await client.GetAsync(id, cancellationToken: Cancelled));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http, "/readiness"));
        await UntilStandbyIsAsync("error", client);

        await UntilHeardAsync("reset");
        await UntilHeardAsync((await client.CreateAsync(new() { Content = Text("heard of again") }, Cancelled)).Id.ToString());

        async Task UntilHeardAsync(string what)
        {
            do
            {
                Assert.True(await changes.MoveNextAsync().AsTask().WaitAsync(TimeSpan.FromMinutes(1), Cancelled), "The stream ended.");
            }
            while (changes.Current.EventType != what && !changes.Current.Data.Contains(what, StringComparison.Ordinal));
        }
    }

    /// <summary>Writes of every kind, each read at once.</summary>
    private static async Task WriteAndReadAsync(MnemoLiteClient client, int rounds)
    {
        for (var round = 0; round < rounds; round++)
        {
            var created = await client.CreateAsync(new() { Content = Text("read at once") }, Cancelled);
            Assert.NotNull(await client.GetAsync(created.Id, cancellationToken: Cancelled));
            await client.PatchAsync(created.Id, new() { Metadata = JsonText.From(new { round }) }, Cancelled);
            Assert.Equal(JsonText.From(new { round }).ToString().Replace(":", ": ", StringComparison.Ordinal),
                (await client.GetAsync(created.Id, cancellationToken: Cancelled))!.Metadata.ToString());
            await client.DeleteAsync(created.Id, Cancelled);
            Assert.Null(await client.GetAsync(created.Id, cancellationToken: Cancelled));

            var batch = await client.StoreAsync(new[] { new BatchEvent { Content = Text("of a batch") } }.ToAsyncEnumerable(), Cancelled);
            Assert.NotNull(await client.GetAsync(batch.Ids[0], cancellationToken: Cancelled));

            var (one, two) = (await NodeAsync(), await NodeAsync());
            var edge = await client.CreateEdgeAsync(new() { Source = one.Id, Target = two.Id, Type = "knows" }, Cancelled);
            Assert.Equal(2, (await client.ExpandAsync(one.Id, cancellationToken: Cancelled))!.Nodes.Count);
            await client.DeleteEdgeAsync(edge.Id, Cancelled);
            Assert.Single((await client.ExpandAsync(one.Id, cancellationToken: Cancelled))!.Nodes);
        }

        async Task<GraphNode> NodeAsync() => await client.CreateNodeAsync(new() { Type = "thing", Label = "new" }, Cancelled);
    }

    private static Task UntilStandbyIsAsync(string status, MnemoLiteClient client) =>
        Eventually.UntilAsync(async () => (await client.HealthAsync(Cancelled)).Services["postgres_standby"].Status == status);

    private static async Task<HttpStatusCode> StatusAsync(HttpClient http, string path)
    {
        using var response = await http.GetAsync(new Uri(path, UriKind.Relative), Cancelled);
        return response.StatusCode;
    }

    private static JsonText Text(string text) => JsonText.From(new { text });
}
