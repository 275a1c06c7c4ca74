using System.Net;
using System.Net.Http.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Caching;

public sealed class RedisTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_one_instance_has_read_another_takes_from_Redis()
    {
        await using var instances = await Instances.StartAsync(app, "--Caching:RedisMilliseconds=5000"); // however busy the machine is
        var id = await instances.RememberAsync("shared");
        Assert.Equal("mnemolite; fwd=miss", await instances.ReadAsync(0, id));
        await Eventually.UntilAsync(async () => await instances.KeysInRedisAsync() > 0); // it is written there after the answer
        Assert.Equal("mnemolite; hit", await instances.ReadAsync(1, id));
    }

    [Fact]
    public async Task What_a_change_made_of_an_event_is_kept_by_the_instance_that_made_it()
    {
        await using var instances = await Instances.StartAsync(app, "--Caching:RedisMilliseconds=5000");
        var id = await instances.RememberAsync("changed here");
        await instances.ChangeAsync(id);
        Assert.Equal("mnemolite; hit", await instances.ReadAsync(0, id));
        Assert.Equal("mnemolite; fwd=miss", await instances.ReadAsync(1, id));
        await Eventually.UntilAsync(async () => await instances.KeysInRedisAsync() > 0);
        Assert.Equal(1, await instances.KeysInRedisAsync()); // of what the other one read
    }

    [Fact]
    public async Task Garbage_in_Redis_is_no_answer()
    {
        await using var instances = await Instances.StartAsync(app);
        var id = await instances.RememberAsync("precious");
        await instances.ReadAsync(0, id);
        await Eventually.UntilAsync(async () => await instances.KeysInRedisAsync() > 0);
        await using (var redis = await instances.Redis.ConnectAsync())
        {
            var server = redis.GetServers()[0];
            await foreach (var key in server.KeysAsync())
            {
                await redis.GetDatabase().HashSetAsync(key, "data", "garbage");
            }
        }
        Assert.Equal("mnemolite; fwd=miss", await instances.ReadAsync(1, id));
    }

    [Fact]
    public async Task Without_Redis_answers_go_on_and_health_says_so_until_it_is_back()
    {
        await using var instances = await Instances.StartAsync(app);
        Assert.Equal("ok", await instances.RedisHealthAsync());
        await instances.Redis.KillServerAsync();
        for (var i = 0; i < 5; i++)
            await instances.ReadAsync(i % 2, await instances.RememberAsync("while it is away"));
        await Eventually.UntilAsync(async () => await instances.RedisHealthAsync() == "error");

        await instances.Redis.StartServerAsync();
        await Eventually.UntilAsync(async () => await instances.RedisHealthAsync() == "ok");
        await Eventually.UntilAsync(async () =>
        {
            var id = await instances.RememberAsync("back");
            await instances.ReadAsync(0, id);
            return await instances.KeysInRedisAsync() > 0;
        });
    }

    [Fact]
    public async Task A_Redis_that_does_not_answer_is_not_waited_for()
    {
        await using var instances = await Instances.StartAsync(app);
        instances.Redis.Stalls = true;
        var id = await instances.RememberAsync("patience");
        Assert.Equal("mnemolite; fwd=miss", await instances.ReadAsync(0, id));
        Assert.Equal("mnemolite; hit", await instances.ReadAsync(0, id));
        await Eventually.UntilAsync(async () => await instances.RedisHealthAsync() == "error");
        instances.Redis.Stalls = false;
        await Eventually.UntilAsync(async () => await instances.RedisHealthAsync() == "ok");
    }

    /// <summary>Two instances of the API with a database and a Redis of their own.</summary>
    private sealed class Instances : IAsyncDisposable
    {
        private readonly OwnDatabase _database;
        private readonly List<ApiProcess> _processes = [];
        private readonly List<HttpClient> _clients = [];

        private Instances(OwnDatabase database, OwnRedis redis) => (_database, Redis) = (database, redis);

        public OwnRedis Redis { get; }

        public static async Task<Instances> StartAsync(RunningApplication app, params string[] settings)
        {
            var instances = new Instances(await OwnDatabase.CreateAsync(app), await OwnRedis.StartAsync());
            for (var i = 0; i < 2; i++)
            {
                var process = ApiProcess.Start([instances._database.Setting, instances.Redis.Setting, "--EMBEDDING_MODE=mock", .. settings]);
                instances._processes.Add(process);
                instances._clients.Add(await process.ConnectAsync(Cancelled));
            }
            return instances;
        }

        /// <summary>Stores an event, of which both instances have heard then.</summary>
        public async Task<Guid> RememberAsync(string text)
        {
            var created = await new MnemoLiteClient(_clients[0]).CreateAsync(new() { Content = JsonText.From(new { text }) }, Cancelled);
            return created.Id;
        }

        /// <summary>Changes an event by the first instance.</summary>
        public Task<Event?> ChangeAsync(Guid id) =>
            new MnemoLiteClient(_clients[0]).PatchAsync(id, new() { Metadata = JsonText.From(new { changed = true }) }, Cancelled);

        /// <summary>Reads an event; how the answer was come by.</summary>
        public async Task<string> ReadAsync(int instance, Guid id)
        {
            using var response = await _clients[instance].GetAsync(new Uri($"/v1/events/{id}", UriKind.Relative), Cancelled);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var read = await response.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Event, Cancelled);
            Assert.Equal(id, read!.Id);
            return Assert.Single(response.Headers.GetValues("Cache-Status"));
        }

        public async Task<string?> RedisHealthAsync()
        {
            using var response = await _clients[0].GetAsync(new Uri("/health", UriKind.Relative), Cancelled);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode); // it goes on without Redis
            var health = await response.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Health, Cancelled);
            return health!.Services["redis"].Status;
        }

        public async Task<long> KeysInRedisAsync()
        {
            await using var redis = await Redis.ConnectAsync();
            return await redis.GetServers()[0].DatabaseSizeAsync();
        }

        public async ValueTask DisposeAsync()
        {
            _clients.ForEach(client => client.Dispose());
            foreach (var process in _processes)
                await process.DisposeAsync();
            await Redis.DisposeAsync();
            await _database.DisposeAsync();
        }
    }
}
