using System.Globalization;
using MnemoLite.Api.Storage;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

/// <summary>Instances on one database share its work: none of it is done twice.</summary>
public sealed class SharedWorkTests(RunningApplication app) : IAsyncLifetime
{
    private const int Events = 200;
    private OwnDatabase _database = null!;
    private FakeEmbeddingEndpoint _endpoint = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app, hasSchema: false);
        _endpoint = await FakeEmbeddingEndpoint.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _endpoint.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Three_instances_that_start_together_on_an_empty_database_make_its_schema_once()
    {
        await using var first = Start();
        await using var second = Start();
        await using var third = Start();
        foreach (var api in new[] { first, second, third })
        {
            using var http = await api.ConnectAsync(Cancelled);
            Assert.DoesNotContain("not ready", api.Output, StringComparison.Ordinal);
        }
        var scripts = await _database.ExecuteAsync("SELECT scriptname FROM schemaversions");
        Assert.NotEmpty(scripts);
        Assert.Equal(scripts.Distinct(), scripts);
    }

    [Fact]
    public async Task Two_instances_share_a_backlog_of_embeddings()
    {
        string[] model = ["--Embedding:Mode=openai", $"--Embedding:Endpoint={_endpoint.Address}", "--Embedding:Model=fake", "--Embedding:Dimension=512"];
        _endpoint.State = FakeEmbeddingEndpoint.Silent;
        await using var first = Start(model);
        await using var second = Start(model);
        using var http = await first.ConnectAsync(Cancelled);
        using var otherHttp = await second.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await StoreAsync(client);
        await Eventually.UntilAsync(() => Task.FromResult(_endpoint.Asked == 2)); // each instance is at some of them
        _endpoint.State = FakeEmbeddingEndpoint.Well;
        await Eventually.UntilAsync(async () => await client.GetStoreAsync(Cancelled) is { Pending: 0, Failed: 0 });
        AssertEachOnce();
    }

    [Fact]
    public async Task One_of_two_instances_embeds_everything_again()
    {
        await using (var api = Start("--Embedding:Mode=mock"))
        {
            using var http = await api.ConnectAsync(Cancelled);
            await StoreAsync(new(http));
        }
        string[] models =
        [
            "--Embedding:Mode=mock", "--NextEmbedding:Mode=openai", $"--NextEmbedding:Endpoint={_endpoint.Address}", "--NextEmbedding:Model=next",
            "--NextEmbedding:Dimension=512",
        ];
        await using var first = Start(models);
        await using var second = Start(models);
        foreach (var api in new[] { first, second })
        {
            using var http = await api.ConnectAsync(Cancelled);
            await Eventually.UntilAsync(async () => await new MnemoLiteClient(http).GetStoreAsync(Cancelled) is { Model: "next", Pending: 0, Failed: 0 });
        }
        AssertEachOnce();
    }

    [Fact]
    public async Task Two_instances_look_after_the_partitions_one_after_the_other()
    {
        var old = DateTimeOffset.UtcNow.AddMonths(-3);
        var next = await FillPartitionsAsync(old);
        await using var connection = new NpgsqlConnection(_database.ConnectionString);
        await connection.OpenAsync(Cancelled);
        await ExecuteAsync($"SELECT pg_advisory_lock({PartitionStore.LockId})");
        await using var first = Start("--Embedding:Mode=mock", "--Retention:Months=1");
        await using var second = Start("--Embedding:Mode=mock", "--Retention:Months=1");
        const string Waiting =
            "SELECT pid FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND NOT granted AND datname = current_database()";
        await Eventually.UntilAsync(async () => (await _database.ExecuteAsync(Waiting)).Count == 2);
        var done = await CountDoneAsync();
        await ExecuteAsync($"SELECT pg_advisory_unlock({PartitionStore.LockId})");
        await Eventually.UntilAsync(async () => await CountDoneAsync() == done + 2);

        using var http = await first.ConnectAsync(Cancelled);
        var names = (await new MnemoLiteClient(http).GetStoreAsync(Cancelled)).Partitions!.Select(one => one.Name).ToArray();
        Assert.Contains(next, names);
        Assert.DoesNotContain(NameOf(old), names);

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync(Cancelled);
        }
    }

    /// <summary>How often the partitions were looked after: to the end, which is to analyse them.</summary>
    private async Task<int> CountDoneAsync()
    {
        var count = await _database.ExecuteAsync("SELECT analyze_count FROM pg_stat_user_tables WHERE relname = 'events_others'");
        return int.Parse(Assert.Single(count), CultureInfo.InvariantCulture);
    }

    /// <summary>A partitioned store with an old event, and without the partition of the last month ahead; returns that one's name.</summary>
    private async Task<string> FillPartitionsAsync(DateTimeOffset time)
    {
        await using var api = Start("--Embedding:Mode=mock");
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await client.CreateAsync(new() { Content = Text("old"), Timestamp = time }, Cancelled);
        var state = await client.PartitionAsync(Cancelled);
        Assert.Equal(NameOf(time), state.Partitions![0].Name);
        var last = state.Partitions[^2].Name; // after it comes the one of all others
        await _database.ExecuteAsync($"DROP TABLE {last}");
        return last;
    }

    private static string NameOf(DateTimeOffset month) => month.ToString("'events_'yyyy_MM", CultureInfo.InvariantCulture);

    private void AssertEachOnce() => Assert.Equal(Enumerable.Range(0, Events).Select(i => $"memory {i}").Order(), _endpoint.Texts.Order());

    private static async Task StoreAsync(MnemoLiteClient client)
    {
        var stored = await client.StoreAsync(
            Enumerable.Range(0, Events).Select(i => new BatchEvent { Content = Text($"memory {i}") }).ToAsyncEnumerable(), Cancelled);
        Assert.Equal(Events, stored.Created);
    }

    private ApiProcess Start(params string[] settings) => ApiProcess.Start([_database.Setting, .. settings]);

    private static JsonText Text(string text) => JsonText.From(new { text });
}
