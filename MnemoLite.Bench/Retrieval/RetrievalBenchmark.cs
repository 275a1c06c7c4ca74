using System.Globalization;
using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Bench.Retrieval;

/// <summary>How well each mode of search finds memories again, on a labelled set of which one half is never tuned on.</summary>
internal static class RetrievalBenchmark
{
    private const string IdKey = "memory";
    private static readonly SearchMode[] Modes = [SearchMode.Semantic, SearchMode.Keyword, SearchMode.Hybrid];
    private static readonly JsonSerializerOptions Indented = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static async Task<int> RunAsync(Dictionary<string, string> options)
    {
        var set = LabelledSet.Load(LabelledSet.Folder);
        await using var own = options.ContainsKey("--api") ? null : await StartAsync();
        using var http = own?.CreateApiClient() ?? new HttpClient { BaseAddress = new Uri(options["--api"]) };
        var client = new MnemoLiteClient(http);
        if ((await client.GetStoreAsync()).Events > 0)
        {
            Console.Error.WriteLine("The store is not empty: what it holds would be among the answers. Give the address of an empty one, or none.");
            return 1;
        }
        await StoreAsync(client, set);
        var answers = new List<Answer>();
        foreach (var query in set.Queries)
        {
            foreach (var mode in Modes)
                answers.Add(new(query, mode, RetrievalMetrics.Of(query.Relevant, await FindAsync(client, query, mode))));
            ShowProgress("Asking", answers.Count / Modes.Length, set.Queries.Count);
        }
        Report(set, answers);
        if (options.TryGetValue("--json", out var file))
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(Figures(answers), Indented));
        return 0;
    }

    private static async Task<OwnApplication> StartAsync()
    {
        Console.Error.WriteLine("Starting MnemoLite on a store of its own …");
        return await OwnApplication.StartAsync();
    }

    private static async Task StoreAsync(MnemoLiteClient client, LabelledSet set)
    {
        var stored = 0;
        foreach (var chunk in set.Memories.Chunk(100))
        {
            var result = await client.StoreAsync(chunk.Select(ToEvent).ToAsyncEnumerable());
            if (result.Created != chunk.Length)
                throw new InvalidOperationException($"A memory was not stored: {string.Join(' ', result.Errors.Select(error => error.Detail))}");
            ShowProgress("Storing", stored += chunk.Length, set.Memories.Count);
        }
    }

    private static BatchEvent ToEvent(LabelledMemory memory) => new()
    {
        Timestamp = DateTimeOffset.Parse(memory.Metadata["date"], CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal),
        Content = JsonText.From(new { text = memory.Text }),
        Metadata = JsonText.From(new Dictionary<string, string>(memory.Metadata) { [IdKey] = memory.Id }),
    };

    private static async Task<List<string>> FindAsync(MnemoLiteClient client, LabelledQuery query, SearchMode mode)
    {
        var found = await client.SearchAsync(new() { Query = query.Query, Mode = mode, Limit = 10 });
        return [.. found.Events.Select(@event => @event.Metadata.ToElement().GetProperty(IdKey).GetString()!)];
    }

    private static void Report(LabelledSet set, List<Answer> answers)
    {
        Console.WriteLine($"{set.Memories.Count} memories, {set.Queries.Count} queries");
        foreach (var half in answers.GroupBy(answer => answer.Query.IsForTuning).OrderByDescending(half => half.Key))
        {
            Console.WriteLine();
            Console.WriteLine($"{(half.Key ? "tuned on" : "unseen"),-12}{"recall@1",10}{"recall@5",10}{"MRR",10}{"nDCG@10",10}    ({half.Count() / Modes.Length} queries)");
            foreach (var mode in half.GroupBy(answer => answer.Mode))
            {
                var mean = Mean(mode);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"{mode.Key,-12}{mean.RecallAt1,10:F3}{mean.RecallAt5,10:F3}{mean.ReciprocalRank,10:F3}{mean.Ndcg,10:F3}"));
            }
        }
        foreach (var half in answers.GroupBy(answer => answer.Query.IsForTuning).OrderByDescending(half => half.Key))
        {
            var kinds = half.GroupBy(answer => answer.Query.Kind).OrderBy(kind => kind.Key, StringComparer.Ordinal).ToList();
            Console.WriteLine();
            Console.WriteLine($"{(half.Key ? "tuned on" : "unseen"),-12}{string.Concat(kinds.Select(kind => $"{kind.Key,14}"))}    (nDCG@10 by kind)");
            foreach (var mode in Modes)
            {
                var means = kinds.Select(kind => Mean(kind.Where(answer => answer.Mode == mode)).Ndcg.ToString("F3", CultureInfo.InvariantCulture));
                Console.WriteLine($"{mode,-12}{string.Concat(means.Select(mean => $"{mean,14}"))}");
            }
        }
    }

    private static object Figures(List<Answer> answers) => answers
        .GroupBy(answer => (answer.Query.IsForTuning, answer.Mode))
        .Select(group => new
        {
            half = group.Key.IsForTuning ? "tune" : "unseen",
            mode = group.Key.Mode.ToString().ToLowerInvariant(),
            queries = group.Count(),
            metrics = Mean(group),
        });

    private static RetrievalMetrics Mean(IEnumerable<Answer> answers) => RetrievalMetrics.Mean([.. answers.Select(answer => answer.Metrics)]);

    private static void ShowProgress(string what, int done, int total)
    {
        if (!Console.IsErrorRedirected)
            Console.Error.Write(done < total ? $"\r{what} {done} of {total} " : $"\r{new string(' ', 40)}\r");
    }

    private readonly record struct Answer(LabelledQuery Query, SearchMode Mode, RetrievalMetrics Metrics);
}
