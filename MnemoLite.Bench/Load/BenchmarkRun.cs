using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json;
using MnemoLite.Api.Embeddings;
using MnemoLite.Bench.Soak;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>What is measured, one after the other: the mixed scenarios, and every figure that has a bar (docs/performance.md).</summary>
/// <param name="target">The service.</param>
/// <param name="options">How much load.</param>
/// <param name="ran">Told of every scenario that ran.</param>
/// <param name="cancellationToken">Ends the run.</param>
internal sealed class BenchmarkRun(Target target, LoadOptions options, Action<ScenarioFigures> ran, CancellationToken cancellationToken)
{
    private const int Connections = 50;
    private const int Vectors = 200;
    private const int RecallQueries = 200;
    private const int Starts = 3;
    private const int BatchSize = 2000, WarmUpSize = 500;
    private const int Imported = 10_000;
    private static readonly (TimeSpan, TimeSpan) Pause = (TimeSpan.FromSeconds(0.1), TimeSpan.FromSeconds(0.9));
    private static readonly TimeSpan Short = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SampleInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Long = TimeSpan.FromSeconds(15);
    private static readonly Progress Progress = Progress.OfConsole;

    public List<ScenarioFigures> Scenarios { get; } = [];

    public List<Row> Rows { get; } = [];

    public IReadOnlyList<Series> Series { get; private set; } = [];

    public Task RunAsync(string name) => name switch
    {
        "rows" => RunRowsAsync(),
        "references" => MeasureReferencesAsync(),
        "spaces" => MeasureSpacesAsync(),
        LoadOptions.Soak => SoakAsync(),
        _ => RunMixedAsync(name),
    };

    private async Task RunRowsAsync()
    {
        await MeasurePacedAsync();
        await MeasureClosedAsync();
        await MeasureSearchesAsync();
        await MeasureGraphAsync();
        await MeasureWritesAsync();
        if (target.Own is null)
        {
            Console.WriteLine();
            Console.WriteLine("Not measured: what needs a database and processes of the benchmark's own. Leave --api out for that.");
            return;
        }
        var connectionString = await target.Own.GetConnectionStringAsync();
        await MeasureRecallAsync(connectionString);
        await MeasureAgainstReferencesAsync(connectionString);
        await MeasureExportAsync(connectionString);
        await MeasureStartAsync(connectionString);
    }

    private async Task<ScenarioFigures> RunMixedAsync(string name)
    {
        var scenario = new MixedScenario(target.Dataset, target.Events, options.Zipf, DateTimeOffset.UtcNow);
        var generator = target.Generate(scenario.Next);
        var before = await CacheStatistics.ReadAsync(target.Http);
        var figures = await (name switch
        {
            "paced" => generator.RunUsersAsync(name, options.Users, options.Ramp, options.Duration, Pause, cancellationToken),
            "closed" => generator.RunUsersAsync(name, options.Users, options.Ramp, options.Duration, null, cancellationToken),
            _ => generator.RunTimetableAsync(name, options.Rate, options.Duration, cancellationToken),
        });
        return Keep(figures with
        {
            Caches = CacheStatistics.Between(before, await CacheStatistics.ReadAsync(target.Http)),
            WorkingSetMegabytes = ApiProcess.Find(target.Address)?.ReadWorkingSet(),
        });
    }

    private async Task SoakAsync()
    {
        var soak = new SoakRun(target, options, SampleInterval);
        try
        {
            Keep(await soak.RunAsync(cancellationToken));
        }
        finally
        {
            Series = soak.Series;
            Rows.AddRange(soak.Rows);
        }
    }

    private async Task MeasureSpacesAsync()
    {
        var spaces = new SpacesRun(target, (name, next, load) => MeasureAsync(name, 1, Short, next, load), cancellationToken);
        try
        {
            await spaces.RunAsync(await (target.Own ?? throw new ArgumentException("'spaces' changes the store it is run on: leave --api out.")).GetConnectionStringAsync());
        }
        finally
        {
            Rows.AddRange(spaces.Rows);
        }
    }

    private async Task MeasureReferencesAsync() =>
        await MeasureAgainstReferencesAsync(await (target.Own ?? throw new ArgumentException("'references' needs a database of the benchmark's own: leave --api out.")).GetConnectionStringAsync());

    private async Task MeasurePacedAsync()
    {
        var paced = await RunMixedAsync("paced");
        Rows.Add(new("paced: failed requests", paced.All.Failures, "", $"of {paced.All.Requests:N0}") { AtMost = 0 });
        Rows.Add(new("paced: P50", paced.All.P50, "ms", Load(paced)) { AtMost = 5 });
        Rows.Add(new("paced: P95", paced.All.P95, "ms", "") { AtMost = 20 });
        Rows.Add(new("paced: P99", paced.All.P99, "ms", "") { AtMost = 50 });
        foreach (var cache in paced.Caches)
            Rows.Add(new($"paced: hits of the {cache.Name} cache", Math.Round(100 * cache.HitRate, 1), "%", $"of {cache.Hits + cache.Misses:N0}") { AtLeast = 70 });
    }

    private async Task MeasureClosedAsync()
    {
        var closed = await RunMixedAsync("closed");
        Rows.Add(new("closed loop: failed requests", closed.All.Failures, "", $"of {closed.All.Requests:N0}") { AtMost = 0 });
        Rows.Add(new("closed loop: rate", closed.All.PerSecond, "/s", Load(closed)) { AtLeast = 1500 });
        Rows.Add(new("closed loop: P99", closed.All.P99, "ms", "") { AtMost = 200 });
        if (closed.WorkingSetMegabytes is { } memory)
            Rows.Add(new("API's memory after the closed loop", memory, "MB", "resident set, the model loaded") { AtMost = 350 });
    }

    /// <summary>One user, no question twice, past the caches.</summary>
    private async Task MeasureSearchesAsync()
    {
        var hybrid = await RunOneUserAsync("search, cold", random => new() { Query = target.Dataset.Question(random) });
        Rows.Add(new("search, cold: P95", hybrid.All.P95, "ms", Latencies(hybrid)) { AtMost = 11 });
        var semantic = await RunOneUserAsync("semantic search, cold", random => new() { Query = target.Dataset.Question(random), Mode = SearchMode.Semantic });
        Rows.Add(new("semantic search, cold: P95", semantic.All.P95, "ms", Latencies(semantic)) { AtMost = 11 });
        var metadata = await RunOneUserAsync("metadata search, cold", Dataset.MetadataSearch);
        Rows.Add(new("metadata search, cold: P95", metadata.All.P95, "ms", Latencies(metadata)) { AtMost = 5 });

        Task<ScenarioFigures> RunOneUserAsync(string name, Func<Random, SearchRequest> draw) => MeasureAsync(
            name, 1, Long, random => new(name, HttpMethod.Post, "v1/search/") { Body = Dataset.Serialize(draw(random)), NoCache = true });
    }

    private async Task MeasureGraphAsync()
    {
        foreach (var (name, first, count) in new[] { ("nodes", Dataset.Nodes / 2, Dataset.Nodes / 2), ("hubs", 0, 10) })
        {
            var figures = await MeasureAsync($"expand {name}", 1, Short, random =>
                new("expand", HttpMethod.Get, $"api/graph/expand/{Dataset.NodeId(first + random.Next(count))}?depth=3") { NoCache = true });
            Rows.Add(new($"expand, depth 3, from {name}: P95", figures.All.P95, "ms", Latencies(figures)));
        }
    }

    private async Task MeasureWritesAsync()
    {
        Operation Create(Random random) => new("create", HttpMethod.Post, "v1/events/") { Body = target.Dataset.NewEvent(random) };
        var timed = Keep(await target.Generate(Create).RunTimetableAsync("create", 100, Long, cancellationToken));
        Rows.Add(new("create at 100/s: P95", timed.All.P95, "ms", Latencies(timed)) { AtMost = 15 });

        var single = await MeasureAsync("create, one after the other", 1, Short, Create);
        Progress.Show($"Storing a batch of {BatchSize} …");
        var more = target.Dataset.Events(DateTimeOffset.UtcNow).Skip(options.Events).Take(WarmUpSize + BatchSize).ToList();
        await target.Client.StoreAsync(more.Take(WarmUpSize).ToAsyncEnumerable(), cancellationToken);
        var clock = TimeProvider.System;
        var start = clock.GetTimestamp();
        await target.Client.StoreAsync(more.Skip(WarmUpSize).ToAsyncEnumerable(), cancellationToken);
        var rate = BatchSize / clock.GetElapsedTime(start).TotalSeconds;
        Progress.Clear();
        Rows.Add(new("batch against single creates", Round(rate / single.All.PerSecond), "×", $"{rate:N0}/s in a batch of {BatchSize:N0}, {single.All.PerSecond:N0}/s one after the other") { AtLeast = 5 });
    }

    private async Task MeasureRecallAsync(string connectionString)
    {
        if (target.Store.Model != UseLiteEmbeddingGenerator.ModelId)
            return;
        var random = new Random(target.Dataset.Seed);
        var recall = await Recall.MeasureAsync(connectionString, target.Http, RecallQueries, () => (target.Dataset.Question(random), Spaces.Default), cancellationToken);
        Rows.Add(new($"recall@{Recall.At} against an exact search", recall, "", $"{RecallQueries} questions") { AtLeast = 0.95 });
    }

    /// <summary>The API against a server that does nothing else than what must be done, in the same run.</summary>
    private async Task MeasureAgainstReferencesAsync(string connectionString)
    {
        var sample = await target.Http.GetByteArrayAsync(new Uri($"v1/events/{target.Events[0]}", UriKind.Relative), cancellationToken);
        await using var server = await ServerProcess.StartAsync(
            Path.Combine(AppContext.BaseDirectory, "MnemoLite.Bench.dll"), ["reference", $"{sample.Length}"], "/constant", connectionString, cancellationToken);
        var recent = target.Events.Take(100).ToArray();
        var vectors = await VectorsAsync();

        await CompareAsync(
            "cached event GET", 0.6, "a constant of the same size", server,
            random => new("get", HttpMethod.Get, $"v1/events/{recent[random.Next(recent.Length)]}"),
            _ => new("constant", HttpMethod.Get, "constant"));
        var reference = await CompareAsync(
            "uncached event GET", 0.7, "the same query by bare Npgsql", server,
            random => new("get", HttpMethod.Get, $"v1/events/{Any(random)}") { NoCache = true },
            random => new("get by bare Npgsql", HttpMethod.Get, $"events/{Any(random)}"));
        await ComparePgbenchAsync("event GET", reference, connectionString, [.. target.Events.Take(Pgbench.MostStatements).Select(ReferenceServer.EventSql)]);
        reference = await CompareAsync(
            "semantic search by vector", 0.7, "the same SQL in a bare endpoint", server,
            random => new("search", HttpMethod.Post, "v1/events/search/embedding?limit=10") { Body = vectors[random.Next(vectors.Count)].Body, NoCache = true },
            random => new("search by bare Npgsql", HttpMethod.Post, "nearest") { Body = vectors[random.Next(vectors.Count)].Body });
        var search = await CapturedSearch.TakeAsync(connectionString, cancellationToken);
        await ComparePgbenchAsync("semantic search", reference, connectionString, [.. vectors.Take(Pgbench.MostStatements).Select(vector => search.ToLiteral(vector.Vector))]);

        Guid Any(Random random) => target.Events[random.Next(target.Events.Count)];
    }

    /// <summary>Measures the API and its reference in turns, so that both have the machine as it is.</summary>
    /// <returns>The reference's requests a second.</returns>
    private async Task<double> CompareAsync(
        string name, double bar, string against, ServerProcess server, Func<Random, Operation> operation, Func<Random, Operation> referenceOperation)
    {
        var rates = new List<(double Api, double Reference)>();
        using var reference = new LoadClient(server.Address, Connections);
        var generator = new LoadGenerator(referenceOperation, reference.SendAsync, target.Dataset.Seed, TimeProvider.System, Progress);
        for (var turn = 0; turn < 4; turn++)
        {
            var bare = await generator.RunUsersAsync($"{name}: reference", Connections, 10 * Connections, Short, null, cancellationToken);
            var api = await target.Generate(operation).RunUsersAsync(name, Connections, 10 * Connections, Short, null, cancellationToken);
            if (bare.All.Failures > 0)
                throw new InvalidOperationException($"The reference failed: {bare.Problems[0].Status} {bare.Problems[0].Detail}");
            if (turn == 0)
                continue; // both get warm
            rates.Add((api.All.PerSecond, bare.All.PerSecond));
            if (turn == 3)
            {
                Keep(bare);
                Keep(api);
            }
        }
        var (ours, theirs) = (rates.Average(rate => rate.Api), rates.Average(rate => rate.Reference));
        Rows.Add(new($"{name}, {Connections} connections", Math.Round(ours / theirs, 3), "×", $"{ours:N0}/s, {against}: {theirs:N0}/s") { AtLeast = bar });
        return theirs;
    }

    private async Task ComparePgbenchAsync(string name, double reference, string connectionString, IReadOnlyList<string> statements)
    {
        Progress.Show($"pgbench: {name} …");
        if (await Pgbench.RunAsync(connectionString, statements, Short, cancellationToken) is { } rate)
            Rows.Add(new($"pgbench of the SQL of {name}", rate, "/s", $"prepared, 8 connections; a bare endpoint: {reference:N0}/s"));
        Progress.Clear();
    }

    private async Task MeasureExportAsync(string connectionString)
    {
        var file = new FileInfo(Path.GetTempFileName());
        try
        {
            await MeasureExportAsync(file);
            await MeasureImportAsync(file, connectionString);
        }
        finally
        {
            file.Delete();
            Progress.Clear();
        }
    }

    private async Task MeasureExportAsync(FileInfo file)
    {
        Progress.Show("Exporting …");
        var api = ApiProcess.Find(target.Address);
        var before = api?.ReadWorkingSet();
        var start = TimeProvider.System.GetTimestamp();
        var (bytes, peak) = await WatchMemoryAsync(api, async () =>
        {
            await using var content = await target.Http.GetStreamAsync(new Uri("v1/events/export", UriKind.Relative), cancellationToken);
            await using var output = file.Create();
            await content.CopyToAsync(output, cancellationToken);
            return output.Length;
        });
        var elapsed = TimeProvider.System.GetElapsedTime(start);
        var events = (await target.Client.GetStoreAsync(cancellationToken)).Events;
        Rows.Add(new("export", Round(events / elapsed.TotalSeconds), "events/s", $"{events:N0} events, {bytes / 1e6:N0} MB in {elapsed.TotalSeconds:F1} s"));
        if (peak is { } most)
            Rows.Add(new("API's memory during the export, at most", most, "MB", $"{before:N0} MB before"));
    }

    /// <summary>Into an empty database, by an API of its own.</summary>
    private async Task MeasureImportAsync(FileInfo file, string connectionString)
    {
        Progress.Show("Importing …");
        const string Database = "bench_import";
        await ExecuteAsync(connectionString, $"CREATE DATABASE {Database}");
        var other = new NpgsqlConnectionStringBuilder(connectionString) { Database = Database }.ConnectionString;
        await using (var server = await ServerProcess.StartApiAsync(other, asksForKeys: false, cancellationToken))
        {
            using var http = new HttpClient { BaseAddress = server.Address, Timeout = TimeSpan.FromMinutes(30) };
            var lines = string.Join('\n', File.ReadLines(file.FullName).Take(Imported));
            using var body = new StringContent(lines, new MediaTypeHeaderValue("application/x-ndjson"));
            var start = TimeProvider.System.GetTimestamp();
            var (result, peak) = await WatchMemoryAsync(ApiProcess.Find(server.Address), async () =>
            {
                using var answer = await http.PostAsync(new Uri("v1/events/batch", UriKind.Relative), body, cancellationToken);
                answer.EnsureSuccessStatusCode();
                return (await JsonSerializer.DeserializeAsync(
                    await answer.Content.ReadAsStreamAsync(cancellationToken), MnemoLiteJson.Default.BatchResult, cancellationToken))!;
            });
            var elapsed = TimeProvider.System.GetElapsedTime(start);
            Rows.Add(new("import", Round(result.Created / elapsed.TotalSeconds), "events/s", $"{result.Created:N0} events of the export in {elapsed.TotalSeconds:F1} s, {result.Failed} refused"));
            if (peak is { } most)
                Rows.Add(new("API's memory during the import, at most", most, "MB", ""));
        }
        await ExecuteAsync(connectionString, $"DROP DATABASE {Database} WITH (FORCE)");
    }

    private async Task MeasureStartAsync(string connectionString)
    {
        var times = new List<double>();
        for (var i = 0; i < Starts; i++)
        {
            Progress.Show($"Starting the API: {i + 1} of {Starts}");
            await using var server = await ServerProcess.StartApiAsync(connectionString, asksForKeys: false, cancellationToken);
            times.Add(server.StartTime.TotalSeconds);
        }
        times.Sort();
        Rows.Add(new("API ready after its process starts", Round(times[Starts / 2]), "s", $"the median of {Starts}; {times[0]:F2} to {times[^1]:F2}") { AtMost = 3 });
        Progress.Show("Starting the application …");
        await target.Own!.RestartAsync(); // the last there is: addresses change
        Progress.Clear();
        Rows.Add(new("application started, on data that is there", Round(target.Own.StartTime.TotalSeconds), "s", "database, API and dashboard healthy") { AtMost = 15 });
    }

    private async Task<ScenarioFigures> MeasureAsync(string name, int users, TimeSpan duration, Func<Random, Operation> next, LoadClient? load = null)
    {
        load ??= target.Load;
        await new LoadGenerator(next, load.SendAsync, target.Dataset.Seed, TimeProvider.System, Progress).RunUsersAsync($"{name}: warm-up", users, 10 * users, TimeSpan.FromSeconds(2), null, cancellationToken);
        // another seed than the warm-up's, so that nothing is asked twice
        var generator = new LoadGenerator(next, load.SendAsync, target.Dataset.Seed + 1000, TimeProvider.System, Progress);
        return Keep(await generator.RunUsersAsync(name, users, 10 * users, duration, null, cancellationToken));
    }

    private async Task<List<(float[] Vector, byte[] Body)>> VectorsAsync()
    {
        using var generator = new UseLiteEmbeddingGenerator(UseLiteEmbeddingGenerator.DefaultFolder);
        var random = new Random(target.Dataset.Seed);
        var embeddings = await generator.GenerateAsync(
            Enumerable.Range(0, Vectors).Select(_ => target.Dataset.Question(random)), cancellationToken: cancellationToken);
        return [.. embeddings.Select(embedding => embedding.Vector.ToArray())
            .Select(vector => (vector, JsonSerializer.SerializeToUtf8Bytes(vector, MnemoLiteJson.Default.SingleArray)))];
    }

    /// <summary>Does the work, and reads the memory of a process meanwhile; the most it was.</summary>
    private static async Task<(T Result, double? Peak)> WatchMemoryAsync<T>(ApiProcess? process, Func<Task<T>> work)
    {
        double? peak = null;
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var working = Task.Run(work);
        while (process is not null && !working.IsCompleted && await timer.WaitForNextTickAsync())
            peak = Math.Max(peak ?? 0, process.ReadWorkingSet());
        return (await working, peak);
    }

    private async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private ScenarioFigures Keep(ScenarioFigures scenario)
    {
        Scenarios.Add(scenario);
        ran(scenario);
        return scenario;
    }

    private static string Load(ScenarioFigures scenario) => $"{scenario.Load}, {scenario.Seconds:F0} s";

    internal static string Latencies(ScenarioFigures scenario) =>
        string.Create(CultureInfo.InvariantCulture, $"{scenario.All.Requests:N0} requests, P50 {scenario.All.P50:F1} ms, P99 {scenario.All.P99:F1} ms");

    private static double Round(double value) => Math.Round(value, value < 10 ? 2 : 0);
}
