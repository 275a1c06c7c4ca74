using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Search;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>
/// The SQL that the API searches by a vector with, as it sends it to PostgreSQL: the list of the nearest, among those that the index in memory gives, then the events of the page.
/// </summary>
internal sealed partial class CapturedSearch
{
    private const int PageSize = 10;
    private readonly Statement _nearest, _page;

    private CapturedSearch(Statement nearest, Statement page) => (_nearest, _page) = (nearest, page);

    /// <summary>Lets the API's own code search once, and listens to what it sends.</summary>
    public static async Task<CapturedSearch> TakeAsync(string connectionString, CancellationToken cancellationToken)
    {
        using var sent = new SentStatements();
        await using var source = new NpgsqlDataSourceBuilder(connectionString).EnableParameterLogging().UseLoggerFactory(sent).Build();
        await using var command = source.CreateCommand($"SELECT embedding_model, dimension, {ShortForms.Directions} FROM store");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var vector = new float[reader.GetInt32(1)];
        vector[0] = 1;
        var shortForms = reader.IsDBNull(2) ? null : new ShortForms(reader.GetFieldValue<float[,]>(2));
        var model = new EmbeddingModel(reader.GetString(0), vector.Length, InProcess: true);
        using var circuit = new DatabaseCircuit(TimeProvider.System);
        using var reads = new Reads(source, source, new WriteHorizon(), circuit, TimeProvider.System, NullLogger<Reads>.Instance);
        var live = new LiveFlatIndex();
        if (shortForms is not null)
            live.Current = await new FlatIndexStore(source, new WriteHorizon()).LoadAsync(model, shortForms, cancellationToken);
        var partitions = new EventPartitions(source);
        var store = new SearchStore(reads, new WordStore(), new NearestStore(partitions, live), partitions);
        var query = new SearchQuery(Space.Default, SpaceStatistics.All, new SearchRequest(), null, vector, null);
        await store.FindNearestAsync(
            query, model, shortForms, nearest => new(new(nearest, null) { Page = [.. nearest.Ids.Take(PageSize)] }, vector), cancellationToken);
        return sent.All.Where(one => one.Parameters.Count > 0 && one.Sql.Contains("<=>", StringComparison.Ordinal)).DistinctBy(one => one.Sql).ToList() is [var list, var page]
            ? new(new Statement(list.Sql, list.Parameters) { ShortForms = shortForms, Index = live.Current }, new Statement(page.Sql, page.Parameters))
            : throw new InvalidOperationException("Npgsql did not tell what it sent.");
    }

    /// <summary>The same search for another vector.</summary>
    public async Task<IReadOnlyList<Event>> RunAsync(NpgsqlDataSource source, float[] vector, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        Guid[] ids;
        await using (var nearest = _nearest.ToCommand(connection, vector, []))
        {
            await nearest.PrepareAsync(cancellationToken);
            await using var list = await nearest.ExecuteReaderAsync(cancellationToken);
            await list.ReadAsync(cancellationToken);
            ids = [.. list.GetFieldValue<Guid[]>(0).Take(PageSize)];
        }
        await using var page = _page.ToCommand(connection, vector, ids);
        await page.PrepareAsync(cancellationToken);
        await using var reader = await page.ExecuteReaderAsync(cancellationToken);
        var found = new List<Event>();
        while (await reader.ReadAsync(cancellationToken))
            found.Add(EventRow.Read(reader) with { SimilarityScore = 1 - reader.GetDouble(EventRow.Count) });
        return found;
    }

    /// <summary>The same search as one text.</summary>
    public string ToLiteral(float[] vector) => _page.ToLiteral(
        vector, $"(SELECT ids[1:{PageSize}] FROM ({_nearest.ToLiteral(vector, "")}) AS list)::uuid[]");

    /// <param name="Sql">The text.</param>
    /// <param name="Parameters">The values of its parameters, as Npgsql tells them: arrays in words.</param>
    private sealed record Statement(string Sql, IReadOnlyList<object> Parameters)
    {
        public ShortForms? ShortForms { get; init; }

        public FlatIndex? Index { get; init; }

        public NpgsqlCommand ToCommand(NpgsqlConnection connection, float[] vector, Guid[] ids)
        {
            var command = new NpgsqlCommand(Sql, connection);
            foreach (var (i, parameter) in Parameters.Index())
                command.Parameters.Add(new() { Value = Numbers(i, vector) ?? Candidates(i, vector) ?? (IsIds(i) ? ids : parameter) });
            return command;
        }

        public string ToLiteral(float[] vector, string ids) => Place().Replace(Sql, place =>
        {
            var i = int.Parse(place.Groups[1].ValueSpan, CultureInfo.InvariantCulture) - 1;
            return Numbers(i, vector) is { } numbers ? $"'{{{string.Join(',', numbers.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))}}}'"
                : Candidates(i, vector) is { } candidates ? $"'{{{string.Join(',', candidates)}}}'::uuid[]"
                : IsIds(i) ? ids
                : Parameters[i] is string text ? $"'{text.Replace("'", "''", StringComparison.Ordinal)}'"
                : string.Create(CultureInfo.InvariantCulture, $"{Parameters[i]}");
        });

        private float[]? Numbers(int i, float[] vector) =>
            Sql.Contains($"in_space(${i + 1}:", StringComparison.Ordinal) ? ShortForms!.Along(vector)
            : Sql.Contains($"${i + 1}::real[]", StringComparison.Ordinal) ? vector
            : null;

        private Guid[]? Candidates(int i, float[] vector) => Sql.Contains($"ANY (${i + 1} ||", StringComparison.Ordinal)
            ? Index!.Find(Spaces.Default, ShortForms!.Along(vector), NearestStore.ComparedInFull, null, null).Ids
            : null;

        private bool IsIds(int i) => Sql.Contains($"ANY (${i + 1})", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\$(\d+)")]
    private static partial Regex Place();
}
