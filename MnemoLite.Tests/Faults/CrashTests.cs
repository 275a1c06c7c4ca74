using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Faults;

/// <summary>What is acknowledged outlives SIGKILL of anything, at any moment.</summary>
public sealed class CrashTests(RunningApplication app, ITestOutputHelper output)
{
    private const int Rounds = 20, Writers = 50, BatchSize = 5;
    private static readonly Victim[] Victims = Enum.GetValues<Victim>();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private enum Victim
    {
        Postmaster,
        Backend,
        Instance,
        Everything,
    }

    [Fact]
    public async Task No_acknowledged_write_is_lost_and_none_is_doubled_whatever_is_killed_when()
    {
        var seed = Random.Shared.Next();
        output.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var folder = RunningApplication.DataDirectory();
        await using var postgres = await PostgresServer.CreateAsync(app, Path.Combine(folder.FullName, "data"), Cancelled);
        foreach (var setting in (string[])["fsync", "synchronous_commit", "full_page_writes"])
            Assert.Equal("on", await postgres.ExecuteAsync($"SHOW {setting}", Cancelled));
        await using var instances = await Instances.StartAsync(postgres.Setting);

        var ledger = new Ledger();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var writers = Enumerable.Range(0, Writers).Select(writer => WriteAsync(writer, instances, ledger, end.Token)).ToList();
        for (var round = 0; round < Rounds; round++)
        {
            var (before, moment) = (ledger.Acknowledged, random.Next(1, 300));
            await Eventually.UntilAsync(() => Task.FromResult(ledger.Acknowledged >= before + moment));
            var victim = Victims[round % Victims.Length];
            output.WriteLine($"round {round + 1}: {victim} after {ledger.Acknowledged} acknowledged writes");
            switch (victim)
            {
                case Victim.Backend:
                    await postgres.KillBackendAsync(random, Cancelled);
                    break;
                case Victim.Postmaster:
                    await postgres.KillAsync(Cancelled);
                    await postgres.StopAsync();
                    await postgres.StartAsync(Cancelled);
                    break;
                case Victim.Instance:
                    await instances.RestartAsync(random.Next(Instances.Count));
                    break;
                default:
                    await Task.WhenAll([postgres.KillAsync(Cancelled), .. Enumerable.Range(0, Instances.Count).Select(instances.KillAsync)]);
                    await postgres.StopAsync();
                    await postgres.StartAsync(Cancelled);
                    await Task.WhenAll(Enumerable.Range(0, Instances.Count).Select(instances.RestartAsync));
                    break;
            }
        }
        var afterLast = ledger.Acknowledged;
        await Eventually.UntilAsync(() => Task.FromResult(ledger.Acknowledged > afterLast + Writers));
        await end.CancelAsync();
        await Task.WhenAll(writers); // each goes on with its last write until it is acknowledged

        var found = await instances.ReadAllAsync();
        var lost = ledger.Writes.Count(write => !found[write.Key].Any());
        var doubled = found.Count(events => events.Count() > 1);
        var changed = ledger.Writes.Count(write => found[write.Key].Any(stored => stored != write.Value));
        output.WriteLine($"rounds {Rounds}, sent again {ledger.SentAgain}, acknowledged {ledger.Acknowledged}, found {found.Count}, lost {lost}, doubled {doubled}, changed {changed}");
        Assert.Equal((0, 0, 0), (lost, doubled, changed));
        Assert.Equal(ledger.Acknowledged, found.Count);
        Assert.True(ledger.SentAgain >= Rounds, "The faults were hardly noticed.");
        folder.Delete(recursive: true);
    }

    /// <summary>Writes one event after the other, every tenth time some in a batch; each is sent again until it is acknowledged.</summary>
    private static async Task WriteAsync(int writer, Instances instances, Ledger ledger, CancellationToken end)
    {
        for (var i = 0; !end.IsCancellationRequested; i++)
        {
            var key = $"{writer}-{i}";
            if (i % 10 < 9)
            {
                var @event = new NewEvent { Content = Text($"writer {writer} noted {i}"), Metadata = JsonText.From(new { key }) };
                var stored = await SendAsync("/v1/events/", key, @event, MnemoLiteJson.Default.NewEvent, MnemoLiteJson.Default.Event, writer, instances, ledger);
                ledger.Acknowledge(key, stored.Id, @event.Content);
                continue;
            }
            BatchEvent[] batch = [.. Enumerable.Range(0, BatchSize).Select(item => new BatchEvent
            {
                Id = Guid.CreateVersion7(),
                Timestamp = DateTimeOffset.UnixEpoch.AddMinutes(i), // what makes a batch safe to send again are ids and times of its own
                Content = Text($"writer {writer} noted {i} as {item} of some"),
                Metadata = JsonText.From(new { key = $"{key}-{item}" }),
            })];
            var result = await SendAsync(
                "/v1/events/batch", key, batch, MnemoLiteJson.Default.BatchEventArray, MnemoLiteJson.Default.BatchResult, writer, instances, ledger);
            Assert.Equal((0, BatchSize), (result.Failed, result.Created + result.Existing));
            foreach (var (item, @event) in batch.Index())
                ledger.Acknowledge($"{key}-{item}", @event.Id!.Value, @event.Content);
        }
    }

    /// <summary>Sends a request, to one instance and the other in turn, until it is acknowledged.</summary>
    private static async Task<TAnswer> SendAsync<TBody, TAnswer>(
        string path, string key, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> answerType, int writer, Instances instances, Ledger ledger)
    {
        for (var tries = 0; ; tries++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(instances.Addresses[(writer + tries) % Instances.Count], path))
            {
                Content = JsonContent.Create(body, bodyType),
                Headers = { { "Idempotency-Key", key } },
            };
            try
            {
                using var response = await instances.Http.SendAsync(request, Cancelled);
                if (response.IsSuccessStatusCode)
                    return (await response.Content.ReadFromJsonAsync(answerType, Cancelled))!;
                Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
                Assert.NotNull(response.Headers.RetryAfter);
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException)
            {
                // the instance was killed
            }
            ledger.SendAgain();
            await Task.Delay(20 << Math.Min(tries, 4), Cancelled);
        }
    }

    private static JsonText Text(string text) => JsonText.From(new { text });

    /// <summary>What was acknowledged.</summary>
    private sealed class Ledger
    {
        private int _acknowledged, _sentAgain;

        public ConcurrentDictionary<string, (Guid Id, string Content)> Writes { get; } = new();

        public int Acknowledged => _acknowledged;

        public int SentAgain => _sentAgain;

        public void Acknowledge(string key, Guid id, JsonText content)
        {
            Assert.True(Writes.TryAdd(key, (id, content.ToString())));
            Interlocked.Increment(ref _acknowledged);
        }

        public void SendAgain() => Interlocked.Increment(ref _sentAgain);
    }

    /// <summary>Instances of the API on one database, each of which keeps its address when it is started again.</summary>
    private sealed class Instances(string database) : IAsyncDisposable
    {
        public const int Count = 2;
        private readonly ApiProcess[] _processes = new ApiProcess[Count];

        public HttpClient Http { get; } = new();

        public Uri[] Addresses { get; } = new Uri[Count];

        public static async Task<Instances> StartAsync(string database)
        {
            var instances = new Instances(database);
            for (var i = 0; i < Count; i++)
            {
                instances._processes[i] = ApiProcess.Start(database, "--EMBEDDING_MODE=mock");
                using var ready = await instances._processes[i].ConnectAsync(Cancelled);
                instances.Addresses[i] = ready.BaseAddress!;
            }
            return instances;
        }

        /// <summary>Ends one by SIGKILL.</summary>
        public Task KillAsync(int instance) => _processes[instance].KillAsync();

        /// <summary>Kills one, unless that was done, and starts it again.</summary>
        public async Task RestartAsync(int instance)
        {
            await _processes[instance].DisposeAsync();
            _processes[instance] = ApiProcess.Start(database, "--EMBEDDING_MODE=mock", $"--urls={Addresses[instance]}");
            using var ready = await _processes[instance].ConnectAsync(Cancelled);
        }

        /// <summary>Every event that is stored, by its key.</summary>
        public async Task<ILookup<string, (Guid Id, string Content)>> ReadAllAsync()
        {
            using var http = new HttpClient { BaseAddress = Addresses[0] };
            var all = new List<(string Key, Guid Id, string Content)>();
            await foreach (var @event in new MnemoLiteClient(http).ExportAsync(Cancelled))
            {
                using var metadata = JsonDocument.Parse(@event.Metadata.ToString());
                all.Add((metadata.RootElement.GetProperty("key").GetString()!, @event.Id, @event.Content.ToString().Replace("\": ", "\":", StringComparison.Ordinal)));
            }
            return all.ToLookup(stored => stored.Key, stored => (stored.Id, stored.Content));
        }

        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            foreach (var process in _processes)
                await process.DisposeAsync();
        }
    }
}
