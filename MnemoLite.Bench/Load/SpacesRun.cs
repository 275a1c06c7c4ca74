using System.Globalization;
using System.Net.Http.Headers;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>Searches among 1,000 spaces: half of the events stay in one, the others are spread evenly. Each is asked with a key that opens everything
/// and with one that PostgreSQL keeps in its spaces.</summary>
/// <param name="target">The service, on a store of the benchmark's own.</param>
/// <param name="measure">Runs one user: a name, and what is asked.</param>
/// <param name="cancellationToken">Ends the run.</param>
internal sealed class SpacesRun(
    Target target, Func<string, Func<Random, Operation>, LoadClient, Task<ScenarioFigures>> measure, CancellationToken cancellationToken)
{
    private const int Small = 999, Asked = 20, Questions = 100;
    private static readonly Progress Progress = Progress.OfConsole;
    private static readonly string[] SmallSpaces = [.. Enumerable.Range(0, Asked).Select(NameOf)];

    public List<Row> Rows { get; } = [];

    public async Task RunAsync(string connectionString)
    {
        await SpreadAsync(connectionString);
        var (free, bound) = (await CreateKeyAsync(connectionString, null), await CreateKeyAsync(connectionString, [Spaces.Default, .. SmallSpaces]));
        await using var server = await ServerProcess.StartApiAsync(connectionString, asksForKeys: true, cancellationToken);
        using var load = new LoadClient(server.Address, connections: 1);
        foreach (var (where, spaces) in new[] { ("a small space", SmallSpaces), ("a large space", [Spaces.Default]) })
        {
            foreach (var (who, key) in new[] { ("any key", free), ("a bound key", bound) })
            {
                await MeasureAsync("hybrid", 11, random => new() { Query = target.Dataset.Question(random) });
                await MeasureAsync("semantic", 11, random => new() { Query = target.Dataset.Question(random), Mode = SearchMode.Semantic });
                await MeasureAsync("keyword", 11, random => new() { Query = target.Dataset.Question(random), Mode = SearchMode.Keyword });
                await MeasureAsync("metadata", 5, Dataset.MetadataSearch);

                async Task MeasureAsync(string name, double bar, Func<Random, SearchRequest> draw)
                {
                    var title = $"{name} search in {where}, {who}";
                    var figures = await measure(
                        title,
                        random => new(title, HttpMethod.Post, "v1/search/")
                        {
                            Body = Dataset.Serialize(draw(random)),
                            NoCache = true,
                            Key = key,
                            Space = spaces[random.Next(spaces.Length)],
                        },
                        load);
                    Rows.Add(new($"{title}: P95", figures.All.P95, "ms", BenchmarkRun.Latencies(figures)) { AtMost = bar });
                }
            }
            var random = new Random(target.Dataset.Seed);
            using var http = new HttpClient { BaseAddress = server.Address };
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", bound);
            var recall = await Recall.MeasureAsync(connectionString, http, Questions, () => (target.Dataset.Question(random), spaces[random.Next(spaces.Length)]), cancellationToken);
            Rows.Add(new($"recall@{Recall.At} in {where}", recall, "", $"{Questions} questions") { AtLeast = 0.95 });
        }
    }

    private static string NameOf(int i) => string.Create(CultureInfo.InvariantCulture, $"space-{i}");

    private async Task SpreadAsync(string connectionString)
    {
        Progress.Show($"Spreading half of the events over {Small} spaces …");
        await using var connection = await OpenAsync(connectionString);
        foreach (var sql in new[]
        {
            "SET statement_timeout = 0",
            $"""
            UPDATE events SET space = 'space-' || place % {Small}
            FROM (SELECT id, row_number() OVER (ORDER BY id) / 2 AS place FROM events) AS numbered
            WHERE events.id = numbered.id AND mod(('x' || right(events.id::text, 4))::bit(16)::int, 2) = 0
            """,
            "VACUUM (ANALYZE) events, words",
        })
        {
            await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        Progress.Clear();
    }

    private async Task<string> CreateKeyAsync(string connectionString, string[]? spaces)
    {
        var (id, key) = ApiKey.Create();
        await using var connection = await OpenAsync(connectionString);
        await using var command = new NpgsqlCommand("INSERT INTO api_keys (id, name, scope, hash, spaces) VALUES ($1, 'benchmark', 'read', $2, $3)", connection);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = ApiKey.Hash(key, spaces) });
        command.Parameters.Add(new() { Value = (object?)spaces ?? DBNull.Value });
        await command.ExecuteNonQueryAsync(cancellationToken);
        return key;
    }

    private async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        return connection;
    }
}
