using System.Collections.Concurrent;
using Microsoft.Extensions.AI;
using MnemoLite.Api.Embeddings;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

/// <summary>A store that goes over from one model to another, while it is used.</summary>
public sealed class ReembeddingTests(RunningApplication app) : IAsyncLifetime
{
    private const int Dimension = 64;
    private static readonly string[] Former = ["--Embedding:Mode=mock"];
    private OwnDatabase _database = null!;
    private FakeEmbeddingEndpoint _endpoint = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app);
        _endpoint = await FakeEmbeddingEndpoint.StartAsync(Dimension);
    }

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Everything_is_embedded_again_while_the_old_embeddings_answer()
    {
        Guid[] ids;
        await using (var api = Start([]))
        {
            using var http = await api.ConnectAsync(Cancelled);
            ids = await StoreAsync(new(http), 200);
        }

        _endpoint.Answers = 2; // and then it is silent
        Guid changed = ids[0], deleted = ids[1];
        await using (var killed = Start(Model("NextEmbedding")))
        {
            using var http = await killed.ConnectAsync(Cancelled);
            var client = new MnemoLiteClient(http);
            await Eventually.UntilAsync(async () => (await client.GetStoreAsync(Cancelled)).Reembedding is { Done: 128, Total: 200 });
            Assert.Equal("use-lite-fp16", (await client.GetStoreAsync(Cancelled)).Model);
            Assert.Equal(ids[7], await FindAsync(client, "memory7"));
            Assert.Equal(512, (await client.GetAsync(ids[7], Cancelled))!.Embedding!.Length);
            await client.PatchAsync(changed, new() { Content = Text("something else entirely").Content }, Cancelled);
            await client.DeleteAsync(deleted, Cancelled);
            ids = [.. ids, (await client.CreateAsync(Text("written meanwhile"), Cancelled)).Id];
            Assert.Equal(127 - 1, (await client.GetStoreAsync(Cancelled)).Reembedding!.Done); // one changed, one is gone
        }

        _endpoint.Answers = null;
        var before = _endpoint.Embedded;
        await using (var first = Start(Model("NextEmbedding")))
        await using (var second = Start(Model("NextEmbedding")))
        {
            using var http = await first.ConnectAsync(Cancelled);
            using var otherHttp = await second.ConnectAsync(Cancelled);
            MnemoLiteClient[] clients = [new(http), new(otherHttp)];
            Assert.NotNull((await clients[0].GetStoreAsync(Cancelled)).Reembedding);
            var written = new ConcurrentBag<Guid>();
            using var switched = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            var users = clients.Select(client => Task.Run(() => UseAsync(client, ids[7], written, switched.Token), Cancelled)).ToArray();

            _endpoint.State = FakeEmbeddingEndpoint.Well;
            await Eventually.UntilAsync(async () => await clients[1].GetStoreAsync(Cancelled) is { Model: "next", Dimension: Dimension, Reembedding: null });
            var atSwitch = written.Count;
            await Eventually.UntilAsync(() => Task.FromResult(written.Count > atSwitch + 20)); // both write on after it
            await switched.CancelAsync();
            await Task.WhenAll(users);

            Assert.InRange(_endpoint.Embedded - before, 1, 75 + (2 * written.Count) + (100 * users.Length)); // queries too; the 127 that were done are not done again
            await Eventually.UntilAsync(async () => (await clients[0].GetStoreAsync(Cancelled)) is { Pending: 0, Failed: 0 });
            foreach (var id in ids.Where(id => id != deleted).Concat(written))
            {
                var stored = (await clients[0].GetAsync(id, Cancelled))!;
                var expected = await new MockEmbeddingGenerator().GenerateVectorAsync(stored.Content.ToElement().GetProperty("text").GetString()!, cancellationToken: Cancelled);
                Assert.Equal(expected[..Dimension].ToArray(), stored.Embedding);
            }
            Assert.Equal(changed, await FindAsync(clients[1], "something else entirely"));
            Assert.Equal(["0"], await _database.ExecuteAsync("SELECT count(embedding_short) FROM events")); // what was short was of the other model
        }

        await using (var settled = Start(Model("Embedding")))
        {
            using var http = await settled.ConnectAsync(Cancelled);
            Assert.Equal(ids[7], await FindAsync(new(http), "memory7"));
        }
        await using var refused = Start([]);
        Assert.Equal(1, await refused.WaitForExitAsync(Cancelled));
        Assert.Contains("NextEmbedding", refused.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_next_model_refuses_is_told_and_can_be_found_by_its_words()
    {
        Guid[] ids;
        Event refused;
        await using (var api = Start(Former))
        {
            using var http = await api.ConnectAsync(Cancelled);
            var client = new MnemoLiteClient(http);
            refused = await client.CreateAsync(Text(FakeEmbeddingEndpoint.Poison), Cancelled);
            ids = await StoreAsync(client, 10);
        }
        await using var next = Start([.. Former, .. Model("NextEmbedding")]);
        using var nextHttp = await next.ConnectAsync(Cancelled);
        var after = new MnemoLiteClient(nextHttp);
        await Eventually.UntilAsync(async () => await after.GetStoreAsync(Cancelled) is { Model: "next", Failed: 1, Pending: 0 });
        Assert.Equal("failed", (await after.GetAsync(refused.Id, Cancelled))!.EmbeddingState);
        Assert.Equal(refused.Id, (await after.SearchAsync(new() { Query = FakeEmbeddingEndpoint.Poison, Mode = SearchMode.Keyword }, Cancelled)).Events.Single().Id);
        Assert.Equal(ids[3], await FindAsync(after, "memory3"));
    }

    /// <summary>Writes and searches without end; none of it may fail.</summary>
    private static async Task UseAsync(MnemoLiteClient client, Guid wanted, ConcurrentBag<Guid> written, CancellationToken end)
    {
        for (var i = 0; !end.IsCancellationRequested; i++)
        {
            Assert.Equal(wanted, await FindAsync(client, "memory7"));
            written.Add((await client.CreateAsync(Text($"note{i} of {Guid.NewGuid():N}"), Cancelled)).Id);
            var batch = await client.StoreAsync(
                Enumerable.Range(0, 2).Select(n => new BatchEvent { Content = Text($"batch{n} of {Guid.NewGuid():N}").Content }).ToAsyncEnumerable(), Cancelled);
            Assert.Equal(0, batch.Failed);
            foreach (var id in batch.Ids)
                written.Add(id);
        }
    }

    private static async Task<Guid> FindAsync(MnemoLiteClient client, string query) =>
        (await client.SearchAsync(new() { Query = query, Mode = SearchMode.Semantic, Limit = 1 }, Cancelled)).Events.Single().Id;

    private static async Task<Guid[]> StoreAsync(MnemoLiteClient client, int count) =>
        [.. (await client.StoreAsync(
            Enumerable.Range(0, count).Select(i => new BatchEvent { Content = Text($"memory{i}").Content }).ToAsyncEnumerable(), Cancelled)).Ids];

    private ApiProcess Start(string[] settings) => ApiProcess.Start(
        [_database.Setting, .. settings]);

    private string[] Model(string section) =>
        [$"--{section}:Mode=openai", $"--{section}:Endpoint={_endpoint.Address}", $"--{section}:Model=next", $"--{section}:Dimension={Dimension}"];

    private static NewEvent Text(string text) => new() { Content = JsonText.From(new { text }) };
}
