using Microsoft.Extensions.AI;
using MnemoLite.Api.Embeddings;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>How many of the events nearest to a question, by comparing all of the space, are among those that are found.</summary>
internal static class Recall
{
    /// <summary>How many are asked for.</summary>
    public const int At = 10;

    private static readonly Progress Progress = Progress.OfConsole;

    /// <param name="connectionString">Of the database.</param>
    /// <param name="http">The service.</param>
    /// <param name="questions">How many questions.</param>
    /// <param name="draw">A question, and the space to ask in.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The part that is found, 0..1.</returns>
    public static async Task<double> MeasureAsync(
        string connectionString, HttpClient http, int questions, Func<(string Question, string Space)> draw, CancellationToken cancellationToken)
    {
        using var generator = new UseLiteEmbeddingGenerator(UseLiteEmbeddingGenerator.DefaultFolder);
        await using var source = NpgsqlDataSource.Create(connectionString);
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await using (var exact = new NpgsqlCommand("SET enable_indexscan = off", connection))
            await exact.ExecuteNonQueryAsync(cancellationToken);
        var (found, wanted) = (0, 0);
        for (var i = 0; i < questions; i++)
        {
            var (question, space) = draw();
            await using var command = new NpgsqlCommand(
                $"SELECT id FROM events WHERE space = $2 AND embedding IS NOT NULL ORDER BY embedding <=> $1::real[]::vector LIMIT {At}", connection);
            command.Parameters.Add(new() { Value = (await generator.GenerateVectorAsync(question, cancellationToken: cancellationToken)).ToArray() });
            command.Parameters.Add(new() { Value = space });
            var nearest = new HashSet<Guid>();
            await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
            {
                while (await reader.ReadAsync(cancellationToken))
                    nearest.Add(reader.GetGuid(0));
            }
            http.DefaultRequestHeaders.Remove(Spaces.Header);
            http.DefaultRequestHeaders.Add(Spaces.Header, space);
            var answer = await new MnemoLiteClient(http).SearchAsync(new() { Query = question, Mode = SearchMode.Semantic, Limit = At }, cancellationToken);
            found += answer.Events.Count(@event => nearest.Contains(@event.Id));
            wanted += nearest.Count;
            Progress.Show($"Comparing with an exact search: {i + 1} of {questions}");
        }
        Progress.Clear();
        return Math.Round((double)found / wanted, 4);
    }
}
