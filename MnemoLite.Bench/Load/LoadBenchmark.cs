using System.Runtime.InteropServices;
using System.Text.Json;
using MnemoLite.Bench.Retrieval;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>Puts load on a store of known content and tells how the API bears it.</summary>
internal sealed class LoadBenchmark : IAsyncDisposable
{
    private const int Connections = 512;
    private static readonly (TimeSpan, TimeSpan) Pause = (TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(0.9));
    private static readonly Progress Progress = Progress.OfConsole;

    private readonly LoadOptions _options;
    private readonly Dataset _dataset;
    private readonly OwnApplication? _own;
    private readonly Uri _address;
    private readonly HttpClient _http;
    private readonly LoadClient _load;
    private readonly IReadOnlyList<Guid> _events;

    private LoadBenchmark(LoadOptions options, Dataset dataset, OwnApplication? own, HttpClient http, IReadOnlyList<Guid> events)
    {
        (_options, _dataset, _own, _http, _events) = (options, dataset, own, http, events);
        _address = http.BaseAddress!;
        _load = new(_address, Connections);
    }

    public static async Task<int> RunAsync(LoadOptions options)
    {
        var startedAt = DateTimeOffset.UtcNow;
        await using var benchmark = await PrepareAsync(options);
        var store = await new MnemoLiteClient(benchmark._http).GetStoreAsync();
        var scenarios = new List<ScenarioFigures>();
        foreach (var name in options.Asked)
        {
            var scenario = await benchmark.RunAsync(name);
            TableReport.Write(Console.Out, scenario);
            scenarios.Add(scenario);
        }
        var report = new Report
        {
            StartedAt = startedAt,
            Machine = Machine(),
            Store = new(store.Events, Dataset.Nodes, Dataset.Edges, store.Model),
            Zipf = options.Zipf,
            Seed = options.Seed,
            Scenarios = scenarios,
        };
        if (options.Json is not null)
            await File.WriteAllTextAsync(options.Json, JsonSerializer.Serialize(report, ReportJson.Options));
        return scenarios.All(scenario => scenario.All.Failures == 0) ? 0 : 1;
    }

    public async ValueTask DisposeAsync()
    {
        _load.Dispose();
        _http.Dispose();
        if (_own is not null)
            await _own.DisposeAsync();
    }

    private static async Task<LoadBenchmark> PrepareAsync(LoadOptions options)
    {
        var dataset = new Dataset(LabelledSet.Load(LabelledSet.Folder), options.Seed);
        var own = options.Api is null ? await StartAsync(options.Data) : null;
        try
        {
            var http = own?.CreateApiClient() ?? new HttpClient { BaseAddress = options.Api };
            http.Timeout = TimeSpan.FromMinutes(10);
            var seeding = new Seeding(http, dataset, Progress);
            if (await seeding.CompleteAsync(options.Events, CancellationToken.None) && own is not null)
            {
                await TidyAsync(await own.GetConnectionStringAsync());
                if (options.Data is not null)
                {
                    await own.SaveAsync(options.Data);
                    http.Dispose();
                    http = own.CreateApiClient();
                    seeding = new(http, dataset, Progress);
                }
            }
            var events = await seeding.ReadIdsAsync(CancellationToken.None);
            Progress.Clear();
            return new(options, dataset, own, http, events);
        }
        catch
        {
            if (own is not null)
                await own.DisposeAsync();
            throw;
        }
    }

    private static async Task<OwnApplication> StartAsync(DirectoryInfo? data)
    {
        Progress.Show("Starting MnemoLite on a store of its own …");
        return await OwnApplication.StartAsync(data is not null && OwnApplication.IsTemplate(data) ? data : null);
    }

    /// <summary>Does now what PostgreSQL would else do in the background while it is measured.</summary>
    private static async Task TidyAsync(string connectionString)
    {
        Progress.Show("Vacuuming …");
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var command = source.CreateCommand("VACUUM (ANALYZE) events, words, nodes, edges");
        command.CommandTimeout = 600;
        await command.ExecuteNonQueryAsync();
        await using var checkpoint = source.CreateCommand("CHECKPOINT");
        await checkpoint.ExecuteNonQueryAsync();
    }

    private async Task<ScenarioFigures> RunAsync(string name)
    {
        var scenario = new MixedScenario(_dataset, _events, _options.Zipf, DateTimeOffset.UtcNow);
        var generator = new LoadGenerator(scenario.Next, _load.SendAsync, _options.Seed, TimeProvider.System, Progress);
        var before = await CacheStatistics.ReadAsync(_http);
        var figures = name switch
        {
            "paced" => await generator.RunUsersAsync(name, _options.Users, _options.Ramp, _options.Duration, Pause),
            "closed" => await generator.RunUsersAsync(name, _options.Users, _options.Ramp, _options.Duration),
            "open" => await generator.RunTimetableAsync(name, _options.Rate, _options.Duration),
            _ => throw new ArgumentException($"There is no scenario '{name}'."),
        };
        return figures with
        {
            Caches = CacheStatistics.Between(before, await CacheStatistics.ReadAsync(_http)),
            WorkingSetMegabytes = ApiProcess.Find(_address)?.ReadWorkingSet(),
        };
    }

    private static MachineFigures Machine() => new(
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? ""
            : "",
        Environment.ProcessorCount,
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Math.Pow(2, 30), 1));
}
