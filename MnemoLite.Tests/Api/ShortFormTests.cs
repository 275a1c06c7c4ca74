using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

/// <summary>Short forms of embeddings, in a store that was there before them.</summary>
public sealed class ShortFormTests(RunningApplication app) : IAsyncLifetime
{
    private OwnDatabase _database = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _database = await OwnDatabase.CreateAsync(app);

    public async ValueTask DisposeAsync() => await _database.DisposeAsync();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_store_of_a_former_release_gets_them_while_two_instances_use_it(bool isPartitioned)
    {
        var foreign = new float[512];
        Array.Fill(foreign, 0.044f);
        Guid[] ids;
        await using (var api = Start())
        {
            using var http = await api.ConnectAsync(Cancelled);
            var client = new MnemoLiteClient(http);
            ids = [.. (await client.StoreAsync(
                Enumerable.Range(0, 250).Select(i => new BatchEvent { Content = JsonText.From(new { text = $"memory {i} of the migration" }) }).ToAsyncEnumerable(), Cancelled)).Ids];
            await client.CreateAsync(new() { Content = JsonText.From(new { }), Embedding = foreign }, Cancelled);
        }
        // As it was before there were short forms.
        await _database.ExecuteAsync("""
            DROP TRIGGER events_shorten ON events;
            DELETE FROM directions;
            UPDATE events SET embedding_short = NULL;
            DROP INDEX events_embedding_short, events_embedding_whole, events_short_by_time;
            CREATE INDEX events_embedding ON events USING hnsw ((embedding::halfvec(512)) halfvec_cosine_ops);
            """);
        if (isPartitioned)
            await _database.ExecuteAsync("DO $$ BEGIN PERFORM partition_events(1); END $$");

        await using var first = Start();
        await using var second = Start();
        using var firstHttp = await first.ConnectAsync(Cancelled);
        using var secondHttp = await second.ConnectAsync(Cancelled);
        var written = await new MnemoLiteClient(firstHttp).CreateAsync(new() { Content = JsonText.From(new { text = "written meanwhile" }) }, Cancelled);
        await Eventually.UntilAsync(() => Task.FromResult(new[] { first, second }.Any(api => api.Output.Contains("All events have short forms", StringComparison.Ordinal))));

        Assert.Equal(["0"], await _database.ExecuteAsync("SELECT count(*) FROM events WHERE embedding_short IS DISTINCT FROM short_form(embedding)"));
        Assert.Equal(["1"], await _database.ExecuteAsync("SELECT count(*) FROM events WHERE embedding_short IS NULL")); // the one of another kind
        foreach (var index in (string[])["events_embedding_short", "events_short_by_time"])
            Assert.Equal(["True"], await _database.ExecuteAsync($"SELECT indisvalid FROM pg_index WHERE indexrelid = '{index}'::regclass"));
        foreach (var http in new[] { firstHttp, secondHttp })
        {
            var found = await new MnemoLiteClient(http).SearchAsync(new() { Query = "memory 7 of the migration", Mode = SearchMode.Semantic, Limit = 1 }, Cancelled);
            Assert.Equal(ids[7], found.Events.Single().Id);
        }

        await new MnemoLiteClient(secondHttp).PatchAsync(written.Id, new() { Content = JsonText.From(new { text = "something else entirely" }) }, Cancelled);
        Assert.Equal(["0"], await _database.ExecuteAsync("SELECT count(*) FROM events WHERE embedding_short IS DISTINCT FROM short_form(embedding)"));
    }

    [Fact]
    public async Task A_store_of_a_release_with_one_index_of_short_forms_gets_the_other()
    {
        await using (var api = Start())
            (await api.ConnectAsync(Cancelled)).Dispose();
        await _database.ExecuteAsync("DROP INDEX events_short_by_time");

        await using var next = Start();
        await Eventually.UntilAsync(async () =>
            await _database.ExecuteAsync("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('events_short_by_time')") is ["True"]);
    }

    private ApiProcess Start() => ApiProcess.Start(_database.Setting);
}
