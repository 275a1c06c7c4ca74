using System.Globalization;
using System.Net.Http.Json;
using System.Numerics.Tensors;
using MnemoLite.Api.Embeddings;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

/// <summary>Search by meaning against an exact comparison with every vector, made here.</summary>
public sealed class RecallTests(RunningApplication app)
{
    private static readonly float[][] Directions =
        [.. EmbeddingDirections.Load(Path.Combine(UseLiteEmbeddingGenerator.DefaultFolder, "directions.f16")).Values.Chunk(Dimension)];

    private const int Dimension = 512, Count = 9000, Topics = 60, Limit = 10;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Search_by_meaning_finds_the_nearest_whatever_part_a_filter_leaves()
    {
        var random = new Random(42);
        var near = OfTopics(random);
        var vectors = Enumerable.Range(0, Count).Select(_ => near(random.Next(Topics))).ToArray();
        var run = Guid.CreateVersion7();
        var ids = await StoreAsync(run, vectors, Spaces.Default);
        await AssertShortFormsAsync(run, vectors.Length / 3, vectors.Length * 2 / 3);

        foreach (var part in (int[])[1, 2, 100, 1000]) // every event, half of them, 1 %, 0.1 %
        {
            var kept = Enumerable.Range(0, Count).Where(i => i % part == 0).ToArray();
            var filter = part == 1 ? $$"""{"run": "{{run}}"}""" : $$"""{"run": "{{run}}", "of_{{part}}": 0}""";
            double found = 0, wanted = 0;
            for (var i = 0; i < 30; i++)
            {
                var query = near(random.Next(Topics));
                var exact = kept.OrderByDescending(n => TensorPrimitives.CosineSimilarity<float>(vectors[n], query)).Take(Limit).Select(n => ids[n]).ToHashSet();
                var page = await SearchAsync(app.Http, query, $"&filter_metadata={Uri.EscapeDataString(filter)}");
                Assert.Equal(Math.Min(Limit, kept.Length), page.Count);
                found += page.Count(@event => exact.Contains(@event.Id));
                wanted += exact.Count;
            }
            Assert.True(found / wanted >= 0.95, $"1 of {part}: recall@10 {found / wanted:F3}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_nearest_of_a_space_and_of_a_time_are_found_among_vectors_of_both_kinds_and_none(bool inTime)
    {
        var random = new Random(43);
        var near = OfTopics(random);
        var vectors = Enumerable.Range(0, 1500).Select(n => n % 50 == 49 ? null : near(random.Next(Topics))).ToArray();
        var space = $"recall-{Guid.NewGuid():N}";
        var ids = await StoreAsync(Guid.CreateVersion7(), vectors, space);
        var kept = Enumerable.Range(0, vectors.Length).Where(n => vectors[n] is not null && (!inTime || n is >= 200 and <= 900)).ToArray();
        var window = inTime ? $"&ts_start={Uri.EscapeDataString($"{TimeOf(200):O}")}&ts_end={Uri.EscapeDataString($"{TimeOf(900):O}")}" : "";
        using var http = new HttpClient { BaseAddress = app.Http.BaseAddress };
        http.DefaultRequestHeaders.Add(Spaces.Header, space);

        for (var topic = 0; topic < Topics; topic++)
        {
            var query = near(topic);
            var exact = kept.OrderByDescending(n => TensorPrimitives.CosineSimilarity<float>(vectors[n], query)).Take(Limit).Select(n => ids[n]);
            Assert.Equal(exact, (await SearchAsync(http, query, window)).Select(@event => @event.Id));
        }
    }

    private static async Task<IReadOnlyList<Event>> SearchAsync(HttpClient http, float[] query, string filter)
    {
        var url = string.Create(CultureInfo.InvariantCulture, $"/v1/search/?vector_query={Uri.EscapeDataString(Text(query))}{filter}&limit={Limit}&distance_threshold=2");
        using var answer = await http.GetAsync(new Uri(url, UriKind.Relative), Cancelled);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
        return (await answer.Content.ReadFromJsonAsync(MnemoLiteJson.Default.SearchPage, Cancelled))!.Data;
    }

    /// <summary>Stores the vectors, a second after the other; null stands for an event that has none.</summary>
    private async Task<Guid[]> StoreAsync(Guid run, float[]?[] vectors, string space)
    {
        await using var connection = new NpgsqlConnection(app.ConnectionString);
        await connection.OpenAsync(Cancelled);
        var ids = vectors.Select(_ => Guid.CreateVersion7()).ToArray();
        foreach (var chunk in Enumerable.Range(0, vectors.Length).Chunk(500))
        {
            await using var command = new NpgsqlCommand("""
                INSERT INTO events (id, space, timestamp, content, metadata, embedding)
                SELECT id, $5, $6::timestamptz + n * interval '1 second', '{}',
                    jsonb_build_object('run', $1::text, 'of_2', n % 2, 'of_100', n % 100, 'of_1000', n % 1000), vector::vector
                FROM unnest($2::uuid[], $3::int[], $4::text[]) AS given (id, n, vector)
                """, connection);
            command.Parameters.Add(new() { Value = run.ToString() });
            command.Parameters.Add(new() { Value = chunk.Select(i => ids[i]).ToArray() });
            command.Parameters.Add(new() { Value = chunk });
            command.Parameters.Add(new() { Value = chunk.Select(i => vectors[i] is { } vector ? Text(vector) : null).ToArray() });
            command.Parameters.Add(new() { Value = space });
            command.Parameters.Add(new() { Value = TimeOf(0).UtcDateTime });
            await command.ExecuteNonQueryAsync(Cancelled);
        }
        return ids;
    }

    private async Task AssertShortFormsAsync(Guid run, int least, int most)
    {
        await using var connection = new NpgsqlConnection(app.ConnectionString);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand("SELECT count(embedding_short) FROM events WHERE metadata @> jsonb_build_object('run', $1::text)", connection);
        command.Parameters.Add(new() { Value = run.ToString() });
        Assert.InRange((long)(await command.ExecuteScalarAsync(Cancelled))!, least, most);
    }

    private static DateTimeOffset TimeOf(int n) => new DateTimeOffset(2026, 5, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(n);

    /// <summary>Makes vectors near those of a topic; every other topic has such as the model's, which are found by their short form.</summary>
    private static Func<int, float[]> OfTopics(Random random)
    {
        var topics = Enumerable.Range(0, Topics).Select(_ => Vector(() => Gaussian(random))).ToArray();
        var alongTopics = Enumerable.Range(0, Topics).Select(_ => Enumerable.Range(0, EmbeddingDirections.Count).Select(_ => 0.09 * Gaussian(random)).ToArray()).ToArray();
        return topic => topic % 2 == 0
            ? Vector(i => topics[topic][i] + 0.05 * Gaussian(random))
            : Along(alongTopics[topic].Select(x => x + 0.1 * Gaussian(random)), random);
    }

    /// <summary>Mostly along the model's directions, as its embeddings are.</summary>
    private static float[] Along(IEnumerable<double> coefficients, Random random)
    {
        var vector = Vector(() => Gaussian(random));
        TensorPrimitives.Multiply(vector, 0.4f, vector);
        foreach (var (coefficient, direction) in coefficients.Zip(Directions))
            TensorPrimitives.MultiplyAdd(direction, (float)coefficient, vector, vector);
        return Vector(i => vector[i]);
    }

    private static float[] Vector(Func<double> next) => Vector(_ => next());

    /// <summary>Of length 1, each part with five decimals.</summary>
    private static float[] Vector(Func<int, double> part)
    {
        var parts = Enumerable.Range(0, Dimension).Select(part).ToArray();
        var length = Math.Sqrt(parts.Sum(x => x * x));
        return [.. parts.Select(x => (float)Math.Round(x / length, 5))];
    }

    private static double Gaussian(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static string Text(float[] vector) => $"[{string.Join(',', vector.Select(x => x.ToString(CultureInfo.InvariantCulture)))}]";
}
