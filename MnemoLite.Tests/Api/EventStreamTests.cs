using System.Collections.Concurrent;
using System.Net.ServerSentEvents;
using System.Text.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

public sealed class EventStreamTests(RunningApplication app)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Changes_are_told_as_they_commit()
    {
        await using var watch = await WatchAsync(app.Http);
        var created = await app.Client.CreateAsync(new() { Content = JsonText.Parse("""{"text": "watched"}""") }, Cancelled);
        var seen = await watch.FindAsync("created", created.Id);
        Assert.Equal("""{"text": "watched"}""", seen.Event!.Content.ToString());
        Assert.Null(seen.Event.Embedding);

        await app.Client.PatchAsync(created.Id, new() { Metadata = JsonText.Parse("""{"a": 1}""") }, Cancelled);
        Assert.Equal("""{"a": 1}""", (await watch.FindAsync("updated", created.Id)).Event!.Metadata.ToString());

        await app.Client.DeleteAsync(created.Id, Cancelled);
        Assert.Null((await watch.FindAsync("deleted", created.Id)).Event);

        var batch = await app.Client.StoreAsync(
            Enumerable.Range(0, 500).Select(i => new BatchEvent { Content = JsonText.From(new { i }) }).ToAsyncEnumerable(), Cancelled);
        foreach (var id in batch.Ids)
            await watch.FindAsync("created", id);
    }

    [Fact]
    public async Task A_change_made_through_another_instance_is_told_too()
    {
        await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={app.ConnectionString}");
        using var other = await api.ConnectAsync(Cancelled);
        await using var watch = await WatchAsync(app.Http);
        var created = await new MnemoLiteClient(other).CreateAsync(new() { Content = JsonText.Parse("{}") }, Cancelled);
        await watch.FindAsync("created", created.Id);
    }

    [Fact]
    public async Task A_feed_that_was_cut_off_tells_that_changes_were_missed_and_goes_on()
    {
        await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={app.ConnectionString}");
        using var http = await api.ConnectAsync(Cancelled);
        await using var watch = await WatchAsync(http);
        await watch.FindAsync("ready", null);
        await using (var connection = new NpgsqlConnection(app.ConnectionString))
        {
            await connection.OpenAsync(Cancelled);
            await using var cut = new NpgsqlCommand(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' AND pid <> pg_backend_pid()", connection);
            Assert.NotEqual(0L, await cut.ExecuteScalarAsync(Cancelled));
        }
        await watch.FindAsync("reset", null);
        var created = await new MnemoLiteClient(http).CreateAsync(new() { Content = JsonText.Parse("{}") }, Cancelled);
        await watch.FindAsync("created", created.Id);
    }

    private static async Task<Watch> WatchAsync(HttpClient http)
    {
        var response = await http.GetAsync(new Uri("/v1/events/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, Cancelled);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        var watch = new Watch(response, await response.Content.ReadAsStreamAsync(Cancelled));
        await watch.FindAsync("ready", null);
        return watch;
    }

    private sealed class Watch(HttpResponseMessage response, Stream stream) : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<(string, Guid?), EventChange> _seen = new();
        private readonly IAsyncEnumerator<SseItem<string>> _items = SseParser.Create(stream).EnumerateAsync(Cancelled).GetAsyncEnumerator(Cancelled);

        /// <summary>Reads on until it has come.</summary>
        public async Task<EventChange> FindAsync(string kind, Guid? id)
        {
            while (!_seen.ContainsKey((kind, id)))
            {
                Assert.True(await _items.MoveNextAsync().AsTask().WaitAsync(Patience, Cancelled), "The stream ended.");
                var change = JsonSerializer.Deserialize(_items.Current.Data, MnemoLiteJson.Default.EventChange)!;
                _seen[(_items.Current.EventType, change.Id)] = change;
            }
            return _seen[(kind, id)];
        }

        public async ValueTask DisposeAsync()
        {
            response.Dispose();
            await stream.DisposeAsync();
        }
    }
}
