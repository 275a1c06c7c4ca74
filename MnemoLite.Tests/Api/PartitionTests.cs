using System.Globalization;
using MnemoLite.Api.Database;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

/// <summary>Events partitioned by month.</summary>
public sealed class PartitionTests(RunningApplication app) : IAsyncLifetime
{
    private OwnDatabase _database = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static DateTimeOffset ThisMonth { get; } = new(DateTime.UtcNow.Year, DateTime.UtcNow.Month, 1, 0, 0, 0, TimeSpan.Zero);

    public async ValueTask InitializeAsync() => _database = await OwnDatabase.CreateAsync(app);

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task Partitioning_a_store_loses_nothing_and_all_goes_on()
    {
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await FillAsync(client);
        var before = await ExportAsync(http);

        var state = await client.PartitionAsync(Cancelled);

        Assert.Equal(before, await ExportAsync(http));
        string[] months = [.. Enumerable.Range(-4, 7).Select(ahead => Partition(ThisMonth.AddMonths(ahead))), "events_others"];
        Assert.Equal(months, state.Partitions!.Select(partition => partition.Name));
        Assert.Equal([10, 10, 10, 10, 11, 0, 0, 3], state.Partitions!.Select(partition => partition.Events));
        Assert.Equal(54, state.Events);

        var found = await client.SearchAsync(new() { Query = "memory3 of month2", Limit = 1 }, Cancelled);
        Assert.Equal("memory3 of month2", TextOf(found.Events[0]));
        Assert.Equal("memory3 of month2", TextOf((await client.SearchAsync(new() { Query = "memory3 of month2", Mode = SearchMode.Semantic, Limit = 1 }, Cancelled)).Events[0]));
        Assert.Equal(10, (await client.SearchAsync(new() { Query = "month1", Mode = SearchMode.Keyword, Limit = 100 }, Cancelled)).Events.Count);
        var created = await client.CreateAsync(new() { Content = Text("written after"), Timestamp = ThisMonth.AddMonths(1) }, Cancelled);
        var table = await _database.ExecuteAsync($"SELECT tableoid::regclass::text FROM events WHERE id = '{created.Id}'");
        Assert.Equal(Partition(ThisMonth.AddMonths(1)), Assert.Single(table));
        await client.PatchAsync(created.Id, new() { Content = Text("changed after") }, Cancelled);
        Assert.Equal(created.Id, (await client.SearchAsync(new() { Query = "\"changed after\"", Mode = SearchMode.Keyword }, Cancelled)).Events.Single().Id);
        Assert.True(await client.DeleteAsync(created.Id, Cancelled));
        var restored = await client.StoreAsync(
            (await client.ListAsync(cancellationToken: Cancelled)).Events.Select(e => new BatchEvent { Id = e.Id, Timestamp = e.Timestamp, Content = e.Content, Metadata = e.Metadata }).ToAsyncEnumerable(), Cancelled);
        Assert.Equal((0, 0), (restored.Created, restored.Failed));

        Assert.Equal(54, (await client.PartitionAsync(Cancelled)).Events);
        Assert.Equal(before, await ExportAsync(http));
    }

    [Fact]
    public async Task A_time_window_reads_only_the_months_it_touches_and_finds_ids_that_tell_another_time()
    {
        await using var api = Start();
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await FillAsync(client);
        await client.PartitionAsync(Cancelled);

        var (from, to) = (ThisMonth.AddMonths(-3), ThisMonth.AddMonths(-2).AddSeconds(-1));
        Assert.Equal(Partition(from), Assert.Single(await ReadPartitionsAsync(from, to)));
        var threeMonths = await ReadPartitionsAsync(from, ThisMonth.AddSeconds(-1));
        Assert.Equal(Enumerable.Range(-3, 3).Select(ahead => Partition(ThisMonth.AddMonths(ahead))), threeMonths);

        var stray = new BatchEvent { Id = Guid.CreateVersion7(ThisMonth.AddMonths(-1).AddDays(1)), Timestamp = from.AddDays(2), Content = Text("memory of another time") };
        var odd = new BatchEvent { Id = Guid.NewGuid(), Timestamp = from.AddDays(3), Content = Text("memory of no time") };
        Assert.Equal(2, (await client.StoreAsync(new[] { stray, odd }.ToAsyncEnumerable(), Cancelled)).Created);
        var page = await client.SearchAsync(new() { TsStart = from, TsEnd = to, Limit = 100 }, Cancelled);
        Assert.Equal(12, page.Events.Count);
        Assert.Contains(page.Events, e => e.Id == stray.Id);
        Assert.Contains(page.Events, e => e.Id == odd.Id);
        var found = await client.SearchAsync(new() { Query = "memory", TsStart = from, TsEnd = to, Limit = 100, Mode = SearchMode.Semantic }, Cancelled);
        Assert.Equal(12, found.Events.Count);
    }

    [Fact]
    public async Task What_comes_before_its_partition_moves_there_and_what_is_too_old_is_dropped()
    {
        Guid late, kept, gone, old;
        await using (var api = Start())
        {
            using var http = await api.ConnectAsync(Cancelled);
            var client = new MnemoLiteClient(http);
            await FillAsync(client);
            await client.PartitionAsync(Cancelled);
            late = (await client.CreateAsync(new() { Content = Text("late"), Timestamp = ThisMonth.AddMonths(-2).AddDays(1) }, Cancelled)).Id;
            old = (await client.CreateAsync(new() { Content = Text("before all partitions"), Timestamp = ThisMonth.AddMonths(-6) }, Cancelled)).Id;
            (kept, gone) = (Guid.CreateVersion7(ThisMonth.AddMonths(-4).AddDays(1)), Guid.NewGuid());
            BatchEvent[] strays =
            [
                new() { Id = kept, Timestamp = ThisMonth, Content = Text("of an old id") },
                new() { Id = gone, Timestamp = ThisMonth.AddMonths(-5), Content = Text("of no time") },
            ];
            Assert.Equal(2, (await client.StoreAsync(strays.ToAsyncEnumerable(), Cancelled)).Created);
        }

        await using (var again = Start())
        {
            using var http = await again.ConnectAsync(Cancelled);
            var client = new MnemoLiteClient(http);
            await Eventually.UntilAsync(async () => (await client.GetStoreAsync(Cancelled)).Partitions![0] is { Events: 1 } first && first.Name == Partition(ThisMonth.AddMonths(-6)));
            Assert.NotNull(await client.GetAsync(old, cancellationToken: Cancelled));
        }

        await using var keeping = Start("--Retention:Months=2");
        using var keptHttp = await keeping.ConnectAsync(Cancelled);
        var after = new MnemoLiteClient(keptHttp);
        await Eventually.UntilAsync(async () => (await after.GetStoreAsync(Cancelled)).Partitions![0].Name == Partition(ThisMonth.AddMonths(-2)));
        Assert.NotNull(await after.GetAsync(late, cancellationToken: Cancelled));
        Assert.NotNull(await after.GetAsync(kept, cancellationToken: Cancelled));
        Assert.Null(await after.GetAsync(gone, cancellationToken: Cancelled));
        Assert.Null(await after.GetAsync(old, cancellationToken: Cancelled));
        Assert.Equal(54 - 20 + 2, (await after.GetStoreAsync(Cancelled)).Events); // the two oldest months are gone; late and kept came
    }

    [Fact]
    public async Task Retention_without_partitions_keeps_all_and_says_so()
    {
        await using var api = Start("--Retention:Months=1");
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await FillAsync(client);
        await Eventually.UntilAsync(() => Task.FromResult(api.Output.Contains("./mnemolite partition", StringComparison.Ordinal)));
        Assert.Equal(54, (await client.GetStoreAsync(Cancelled)).Events);
    }

    [Fact]
    public async Task A_partitioned_store_goes_over_to_another_model()
    {
        await using var endpoint = await FakeEmbeddingEndpoint.StartAsync(dimension: 64);
        await using (var api = Start())
        {
            using var http = await api.ConnectAsync(Cancelled);
            var client = new MnemoLiteClient(http);
            await FillAsync(client);
            await client.PartitionAsync(Cancelled);
        }
        await using var next = Start(
            "--NextEmbedding:Mode=openai", $"--NextEmbedding:Endpoint={endpoint.Address}", "--NextEmbedding:Model=next", "--NextEmbedding:Dimension=64");
        using var nextHttp = await next.ConnectAsync(Cancelled);
        var after = new MnemoLiteClient(nextHttp);
        await Eventually.UntilAsync(async () => await after.GetStoreAsync(Cancelled) is { Model: "next", Pending: 0, Failed: 0 });
        var found = await after.SearchAsync(new() { Query = "memory3 of month2", Mode = SearchMode.Semantic, Limit = 1 }, Cancelled);
        Assert.Equal("memory3 of month2", TextOf(found.Events[0]));
        var valid = await _database.ExecuteAsync("SELECT indisvalid FROM pg_index WHERE indexrelid = 'events_embedding'::regclass");
        Assert.Equal("True", Assert.Single(valid));
    }

    /// <summary>Ten events in each of five months and this one's first moment, one in the far future, two of other ids.</summary>
    private static async Task FillAsync(MnemoLiteClient client)
    {
        var events = Enumerable.Range(0, 50)
            .Select(i => new BatchEvent
            {
                Timestamp = ThisMonth.AddMonths(-(i / 10)).AddDays(i % 10).AddSeconds(1),
                Content = Text($"memory{i % 10} of month{i / 10}"),
            })
            .Append(new() { Timestamp = ThisMonth, Content = JsonText.From(new { nothing = 1 }) })
            .Append(new() { Timestamp = new(9000, 1, 1, 0, 0, 0, TimeSpan.Zero), Content = Text("far away") })
            .Append(new() { Id = Guid.NewGuid(), Timestamp = ThisMonth.AddDays(1), Content = Text("of an id without a time") })
            .Append(new() { Id = Guid.CreateVersion7(ThisMonth.AddYears(40)), Timestamp = ThisMonth, Content = Text("of an id of another time") });
        Assert.Equal(54, (await client.StoreAsync(events.ToAsyncEnumerable(), Cancelled)).Created);
    }

    /// <summary>Which partitions a query of a time window looks into, as EXPLAIN ANALYZE tells.</summary>
    private async Task<string[]> ReadPartitionsAsync(DateTimeOffset from, DateTimeOffset to)
    {
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand { Connection = connection };
        var where = new SqlConditions(command.Parameters, isPartitioned: true);
        where.AddTimeWindow(from, to);
        command.CommandText = $"EXPLAIN (ANALYZE, COSTS off, TIMING off) SELECT content FROM events AS e WHERE {where}";
        var read = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        while (await reader.ReadAsync(Cancelled))
        {
            var line = reader.GetString(0).Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (Array.IndexOf(line, "on") is > 0 and var on && line[on + 1].StartsWith("events_", StringComparison.Ordinal)
                && line[on + 2].StartsWith("e_", StringComparison.Ordinal) && !line.Contains("(never"))
                read.Add(line[on + 1]);
        }
        return [.. read.Order()];
    }

    private ApiProcess Start(params string[] settings) => ApiProcess.Start([_database.Setting, "--Embedding:Mode=mock", .. settings]);

    private static string Partition(DateTimeOffset month) => month.ToString("'events_'yyyy_MM", CultureInfo.InvariantCulture);

    private static async Task<string> ExportAsync(HttpClient http) => await http.GetStringAsync(new Uri("/v1/events/export", UriKind.Relative), Cancelled);

    private static JsonText Text(string text) => JsonText.From(new { text });

    private static string TextOf(Event @event) => @event.Content.ToElement().GetProperty("text").GetString()!;
}
