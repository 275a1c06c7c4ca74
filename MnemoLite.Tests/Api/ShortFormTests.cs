using System.Globalization;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Search;
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
            DROP INDEX events_embedding_whole, events_short_by_time;
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

        Assert.Equal(["0"], await _database.ExecuteAsync("SELECT count(*) FROM events WHERE embedding_short IS DISTINCT FROM short_form(embedding, space)"));
        Assert.Equal(["1"], await _database.ExecuteAsync("SELECT count(*) FROM events WHERE embedding_short IS NULL")); // the one of another kind
        Assert.Equal(["True"], await _database.ExecuteAsync("SELECT indisvalid FROM pg_index WHERE indexrelid = 'events_short_by_time'::regclass"));
        foreach (var http in new[] { firstHttp, secondHttp })
        {
            var found = await new MnemoLiteClient(http).SearchAsync(new() { Query = "memory 7 of the migration", Mode = SearchMode.Semantic, Limit = 1 }, Cancelled);
            Assert.Equal(ids[7], found.Events.Single().Id);
        }

        await new MnemoLiteClient(secondHttp).PatchAsync(written.Id, new() { Content = JsonText.From(new { text = "something else entirely" }) }, Cancelled);
        Assert.Equal(["0"], await _database.ExecuteAsync("SELECT count(*) FROM events WHERE embedding_short IS DISTINCT FROM short_form(embedding, space)"));
    }

    [Fact]
    public async Task A_store_that_becomes_large_gets_an_index_while_it_is_used_and_a_small_one_has_none()
    {
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        var created = await client.CreateAsync(new() { Content = JsonText.From(new { text = "the only one that says anything" }) }, Cancelled);
        Assert.Empty(await _database.ExecuteAsync("SELECT FROM pg_class WHERE relname = 'events_embedding_short'"));

        await _database.ExecuteAsync($$"""
            INSERT INTO events (id, timestamp, content) SELECT gen_random_uuid(), now(), '{}' FROM generate_series(1, {{FlatIndex.MostEvents}});
            INSERT INTO embedding_changes (space, id) SELECT '{{Spaces.Default}}', gen_random_uuid() FROM generate_series(1, 5001); -- so many that all is read anew
            """);
        var asked = 0;
        await Eventually.UntilAsync(async () =>
        {
            var found = await client.SearchAsync(new() { Query = $"does any say something {asked++}", Mode = SearchMode.Semantic, Limit = 1 }, Cancelled);
            Assert.Equal(created.Id, found.Events.Single().Id);
            return await _database.ExecuteAsync("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('events_embedding_short')") is ["True"];
        });
    }

    [Fact]
    public async Task A_store_of_a_release_with_one_index_of_short_forms_keeps_it_and_gets_the_other()
    {
        await using (var api = Start())
            (await api.ConnectAsync(Cancelled)).Dispose();
        await _database.ExecuteAsync("""
            DROP INDEX events_short_by_time;
            CREATE INDEX events_embedding_short ON events USING hnsw (embedding_short halfvec_cosine_ops) WITH (m = 12)
            """);

        await using var next = Start();
        await Eventually.UntilAsync(async () =>
            await _database.ExecuteAsync("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('events_short_by_time')") is ["True"]);
        Assert.Equal(["True"], await _database.ExecuteAsync("SELECT indisvalid FROM pg_index WHERE indexrelid = 'events_embedding_short'::regclass"));
    }

    [Fact]
    public async Task A_store_whose_short_forms_do_not_tell_the_space_keeps_them()
    {
        await using (var api = Start())
            (await api.ConnectAsync(Cancelled)).Dispose();
        var directions = EmbeddingDirections.Load(Path.Combine(UseLiteEmbeddingGenerator.DefaultFolder, "directions.f16")).Values;
        // As the former release begins in an empty store.
        await _database.ExecuteAsync($"""
            DROP TRIGGER events_shorten ON events;
            DELETE FROM directions;
            DROP INDEX events_embedding_whole, events_short_by_time;
            CREATE INDEX events_embedding ON events USING hnsw ((embedding::halfvec(512)) halfvec_cosine_ops);
            DO $$ BEGIN PERFORM begin_short_forms(ARRAY[{string.Join(',', directions.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))}]::real[], 512); END $$;
            """);

        await using var next = Start();
        using var http = await next.ConnectAsync(Cancelled);
        await FindsWhatIsNearestInEachSpaceAsync(http);
        Assert.Equal(["0"], await _database.ExecuteAsync("SELECT count(*) FROM events WHERE embedding_short IS DISTINCT FROM shorten(embedding)"));
    }

    [Fact]
    public async Task A_short_form_tells_the_space_and_the_former_release_finds_by_it_too()
    {
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        await FindsWhatIsNearestInEachSpaceAsync(http);

        // as in the former release, which asks without a space: in each the order is the same
        Assert.Equal(["0"], await _database.ExecuteAsync("""
            SELECT count(*) FROM events AS asked JOIN events AS found USING (space) JOIN events AS other USING (space)
            WHERE (asked.embedding_short <=> found.embedding_short) < (asked.embedding_short <=> other.embedding_short) - 0.01
                AND (shorten(asked.embedding) <=> found.embedding_short) > (shorten(asked.embedding) <=> other.embedding_short)
            """));

        await _database.ExecuteAsync("UPDATE events SET space = 'third' WHERE space = 'second'");
        Assert.Equal(["0"], await _database.ExecuteAsync("SELECT count(*) FROM events WHERE embedding_short IS DISTINCT FROM short_form(embedding, space)"));
        Assert.True(
            await CountAsync("third") > await CountAsync(Spaces.Default), "what is asked for a space should find more of it than what is asked for another");

        async Task<int> CountAsync(string space) => int.Parse((await _database.ExecuteAsync($"""
            WITH asked AS (SELECT shorten(embedding, '{space}') AS short FROM events WHERE space = 'third' ORDER BY id LIMIT 1)
            SELECT count(*) FROM (SELECT space FROM events, asked ORDER BY embedding_short <=> short LIMIT 40) AS nearest WHERE space = 'third'
            """))[0], CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task What_the_service_works_out_along_the_directions_is_what_the_store_has_along_them()
    {
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        var embedding = (await new MnemoLiteClient(http).CreateAsync(new() { Content = JsonText.From(new { text = "along the directions" }) }, Cancelled)).Embedding!;
        var directions = EmbeddingDirections.Load(Path.Combine(UseLiteEmbeddingGenerator.DefaultFolder, "directions.f16")).First;
        var rows = new float[EmbeddingDirections.OfMeaning, embedding.Length];
        Buffer.BlockCopy(directions, 0, rows, 0, directions.Length * sizeof(float));

        var stored = (await _database.ExecuteAsync("SELECT unnest(along_directions(embedding)::real[])::text FROM events"))
            .Select(value => float.Parse(value, CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(EmbeddingDirections.OfMeaning, stored.Length);
        foreach (var length in new[] { 1f, 1e-30f, 1e30f })
        {
            var along = new ShortForms(rows).Along(Array.ConvertAll(embedding, value => value * length));
            Assert.Equal(stored.Length, along.Length);
            Assert.All(stored.Zip(along), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    private static async Task FindsWhatIsNearestInEachSpaceAsync(HttpClient http)
    {
        foreach (var space in (string[])[Spaces.Default, "second"])
        {
            http.DefaultRequestHeaders.Remove(Spaces.Header);
            http.DefaultRequestHeaders.Add(Spaces.Header, space);
            var client = new MnemoLiteClient(http);
            await client.StoreAsync(
                Enumerable.Range(0, 40).Select(i => new BatchEvent { Content = JsonText.From(new { text = $"memory {i} of {space}" }) }).ToAsyncEnumerable(), Cancelled);
            var found = await client.SearchAsync(new() { Query = $"memory 7 of {space}", Mode = SearchMode.Semantic, Limit = 3 }, Cancelled);
            Assert.Contains($"\"memory 7 of {space}\"", found.Events[0].Content.ToString(), StringComparison.Ordinal);
        }
    }

    private ApiProcess Start() => ApiProcess.Start(_database.Setting);
}
