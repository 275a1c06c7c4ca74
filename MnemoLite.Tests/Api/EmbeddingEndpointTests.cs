using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Events;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

/// <summary>The API with its embeddings made by an endpoint outside of it, which may be slow, away, or refuse a text.</summary>
public sealed class EmbeddingEndpointTests(RunningApplication app) : IAsyncLifetime
{
    private const string Key = "the key nobody may read";
    private OwnDatabase _database = null!;
    private FakeEmbeddingEndpoint _endpoint = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app);
        _endpoint = await FakeEmbeddingEndpoint.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task A_write_does_not_wait_for_an_endpoint_that_is_silent_and_its_embedding_follows()
    {
        _endpoint.State = FakeEmbeddingEndpoint.Silent;
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);

        var created = await client.CreateAsync(Text("Anna prefers tabs over spaces"), Cancelled);
        Assert.Equal("pending", created.EmbeddingState);
        Assert.Null(created.Embedding);
        var batch = await client.StoreAsync(
            Enumerable.Range(0, 100).Select(i => new BatchEvent { Content = Text($"memory {i}").Content }).ToAsyncEnumerable(), Cancelled);
        Assert.Equal(100, batch.Created);
        Assert.Equal(created.Id, Assert.Single((await client.SearchAsync(new() { Query = "tabs", Mode = SearchMode.Keyword }, Cancelled)).Events).Id);
        Assert.Equal(created.Id, Assert.Single((await client.SearchAsync(new() { Query = "tabs" }, Cancelled)).Events).Id);
        var refused = await Assert.ThrowsAsync<MnemoLiteException>(
            () => client.SearchAsync(new() { Query = "tabs", Mode = SearchMode.Semantic }, Cancelled));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);

        _endpoint.State = FakeEmbeddingEndpoint.Well;
        await Eventually.UntilAsync(async () => (await client.GetAsync(created.Id, Cancelled))!.EmbeddingState is null);
        await Eventually.UntilAsync(async () => (await client.HealthAsync(Cancelled)).Services["embeddings"] is { Pending: 0, Failed: 0 });
        Assert.Equal(512, (await client.GetAsync(created.Id, Cancelled))!.Embedding!.Length);
        var found = await client.SearchAsync(new() { Query = "tabs over spaces", Mode = SearchMode.Semantic, Limit = 1 }, Cancelled);
        Assert.Equal(created.Id, found.Events[0].Id);
        Assert.Contains($"Bearer {Key}", _endpoint.Authorizations);
        Assert.DoesNotContain(Key, api.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_that_is_asked_again_is_not_embedded_again()
    {
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        http.DefaultRequestHeaders.CacheControl = new() { NoCache = true };
        var client = new MnemoLiteClient(http);
        foreach (var query in new[] { "tabs", "spaces", "tabs", "tabs" })
            await client.SearchAsync(new() { Query = query, Mode = SearchMode.Semantic }, Cancelled);
        Assert.Equal(["spaces", "tabs"], _endpoint.Texts.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_backlog_survives_an_outage_and_a_restart()
    {
        _endpoint.State = FakeEmbeddingEndpoint.Away;
        Guid[] ids;
        await using (var killed = Start())
        {
            using var http = await killed.ConnectAsync(Cancelled);
            var client = new MnemoLiteClient(http);
            ids = [.. (await client.StoreAsync(
                Enumerable.Range(0, 70).Select(i => new BatchEvent { Content = Text($"memory {i}").Content }).ToAsyncEnumerable(), Cancelled)).Ids];
            await Eventually.UntilAsync(async () => (await client.HealthAsync(Cancelled)).Services["embeddings"].Pending == 70);
            _endpoint.State = FakeEmbeddingEndpoint.Silent;
            var asked = _endpoint.Asked;
            await Eventually.UntilAsync(() => Task.FromResult(_endpoint.Asked > asked)); // some are taken when it is killed
        }
        // and are so for a minute, which is over now
        await _database.ExecuteAsync("UPDATE events SET embedding_due = embedding_due - interval '1 minute' WHERE embedding_due IS NOT NULL");
        _endpoint.State = FakeEmbeddingEndpoint.Well;
        await using var api = Start();
        using var again = await api.ConnectAsync(Cancelled);
        var restarted = new MnemoLiteClient(again);
        foreach (var id in ids)
            await Eventually.UntilAsync(async () => (await restarted.GetAsync(id, Cancelled))!.Embedding is not null);
    }

    [Fact]
    public async Task A_text_the_endpoint_refuses_is_given_up_and_spoils_no_other()
    {
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        _endpoint.State = FakeEmbeddingEndpoint.Away;
        var texts = Enumerable.Range(0, 10).Select(i => i == 4 ? FakeEmbeddingEndpoint.Poison : $"memory {i}");
        var stored = await client.StoreAsync(texts.Select(text => new BatchEvent { Content = Text(text).Content }).ToAsyncEnumerable(), Cancelled);
        _endpoint.State = FakeEmbeddingEndpoint.Well;

        await Eventually.UntilAsync(async () => (await client.GetAsync(stored.Ids[4], Cancelled))!.EmbeddingState == "failed");
        foreach (var id in stored.Ids.Where((_, i) => i != 4))
            await Eventually.UntilAsync(async () => (await client.GetAsync(id, Cancelled))!.Embedding is not null);
        await Eventually.UntilAsync(async () => (await client.HealthAsync(Cancelled)).Services["embeddings"] is { Pending: 0, Failed: 1 });

        await client.PatchAsync(stored.Ids[4], new() { Content = Text("harmless now").Content }, Cancelled);
        await Eventually.UntilAsync(async () => (await client.GetAsync(stored.Ids[4], Cancelled))!.Embedding is not null);
    }

    [Fact]
    public async Task An_embedding_of_a_former_content_is_dropped()
    {
        _endpoint.State = FakeEmbeddingEndpoint.Silent;
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        var created = await client.CreateAsync(Text("about the first thing"), Cancelled);
        await Eventually.UntilAsync(() => Task.FromResult(_endpoint.Asked > 0));
        await client.PatchAsync(created.Id, new() { Content = Text("something else entirely").Content }, Cancelled);
        _endpoint.State = FakeEmbeddingEndpoint.Well;

        await Eventually.UntilAsync(async () => (await client.GetAsync(created.Id, Cancelled))!.EmbeddingState is null);
        var expected = await new MockEmbeddingGenerator().GenerateVectorAsync("something else entirely", cancellationToken: Cancelled);
        Assert.Equal(expected.ToArray(), (await client.GetAsync(created.Id, Cancelled))!.Embedding);
    }

    [Fact]
    public async Task The_backlog_and_what_was_given_up_are_metrics()
    {
        var builder = WebApplication.CreateBuilder(
            [_database.Setting, "--Embedding:Mode=openai", $"--Embedding:Endpoint={_endpoint.Address}", "--Embedding:Model=fake", "--Embedding:Dimension=512"]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.AddDatabase().AddCaching().AddEmbeddings().AddEvents();
        await using var api = builder.Build();
        var measured = new ConcurrentDictionary<string, long>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Scope == api.Services.GetRequiredService<IMeterFactory>())
                    listener.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => measured[instrument.Name] = value);
        listener.Start();
        await api.Services.GetRequiredService<EmbeddingWorker>().StartAsync(Cancelled);
        await api.Services.GetRequiredService<StorePreparation>().StartAsync(Cancelled);
        await Eventually.UntilAsync(() => Task.FromResult(api.Services.GetRequiredService<StorePreparation>().Ready));

        _endpoint.State = FakeEmbeddingEndpoint.Away;
        var events = api.Services.GetRequiredService<EventService>();
        foreach (var text in new[] { "one", FakeEmbeddingEndpoint.Poison, "two" })
            await events.CreateAsync(Space.Default, Text(text), idempotencyKey: null, Cancelled);
        await MeasuredAsync(pending: 3, failed: 0);
        _endpoint.State = FakeEmbeddingEndpoint.Well;
        await MeasuredAsync(pending: 0, failed: 1);

        Task MeasuredAsync(long pending, long failed) => Eventually.UntilAsync(() =>
        {
            listener.RecordObservableInstruments();
            return Task.FromResult(measured["mnemolite.embeddings.pending"] == pending && measured["mnemolite.embeddings.failed"] == failed);
        });
    }

    [Theory]
    [InlineData("Embedding:Endpoint", "--Embedding:Mode=openai", "--Embedding:Model=m", "--Embedding:Dimension=3")]
    [InlineData("Embedding:Dimension", "--Embedding:Mode=openai", "--Embedding:Model=m", "--Embedding:Endpoint=http://localhost:1/v1")]
    [InlineData("from 1 to 4000", "--Embedding:Dimension=5000")]
    [InlineData("Embedding:Mode", "--Embedding:Mode=magic")]
    [InlineData("no such folder", "--Embedding:Folder=/nowhere")]
    public async Task A_wrong_setting_stops_the_start(string told, params string[] settings)
    {
        await using var api = ApiProcess.Start(settings);
        Assert.Equal(1, await api.WaitForExitAsync(Cancelled));
        Assert.Contains(told, api.Output, StringComparison.Ordinal);
    }

    private ApiProcess Start() => ApiProcess.Start(
        _database.Setting,
        "--Embedding:Mode=openai", $"--Embedding:Endpoint={_endpoint.Address}", "--Embedding:Model=fake", "--Embedding:Dimension=512", $"--Embedding:ApiKey={Key}");

    private static NewEvent Text(string text) => new() { Content = JsonText.From(new { text }) };
}
