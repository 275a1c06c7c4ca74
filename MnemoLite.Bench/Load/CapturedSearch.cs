using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Search;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>The SQL that the API searches by a vector with, as it sends it to PostgreSQL.</summary>
/// <param name="sql">The text.</param>
/// <param name="parameters">The values of its parameters; one is the vector's place.</param>
internal sealed partial class CapturedSearch(string sql, IReadOnlyList<object> parameters)
{
    /// <summary>Lets the API's own code search once, and listens to what it sends.</summary>
    public static async Task<CapturedSearch> TakeAsync(string connectionString, CancellationToken cancellationToken)
    {
        using var listener = new Listener();
        await using var source = new NpgsqlDataSourceBuilder(connectionString).EnableParameterLogging().UseLoggerFactory(listener).Build();
        await using var model = source.CreateCommand("SELECT embedding_model, dimension FROM store");
        await using var reader = await model.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var vector = new float[reader.GetInt32(1)];
        vector[0] = 1;
        using var reads = new Reads(source, source, new WriteHorizon(), TimeProvider.System, NullLogger<Reads>.Instance);
        await new SearchStore(reads, new EventPartitions(source)).FindRankedAsync(
            new(new SearchRequest(), null, vector, null), new EmbeddingModel(reader.GetString(0), vector.Length, InProcess: true), cancellationToken);
        return listener.Captured ?? throw new InvalidOperationException("Npgsql did not tell what it sent.");
    }

    /// <summary>The same search for another vector.</summary>
    public NpgsqlCommand ToCommand(NpgsqlDataSource source, float[] vector)
    {
        var command = source.CreateCommand(sql);
        foreach (var parameter in parameters)
            command.Parameters.Add(new() { Value = IsVector(parameter) ? vector : parameter });
        return command;
    }

    /// <summary>The same search as one text.</summary>
    public string ToLiteral(float[] vector) => Place().Replace(sql, place =>
        Literal(parameters[int.Parse(place.Groups[1].ValueSpan, CultureInfo.InvariantCulture) - 1], vector));

    private static string Literal(object parameter, float[] vector) => parameter switch
    {
        string text when !IsVector(text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'",
        _ when IsVector(parameter) => $"'{{{string.Join(',', vector.Select(value => value.ToString("R", CultureInfo.InvariantCulture)))}}}'",
        _ => string.Create(CultureInfo.InvariantCulture, $"{parameter}"),
    };

    /// <summary>Npgsql tells an array in words.</summary>
    private static bool IsVector(object parameter) => parameter is float[] or string and ['[', ..];

    [GeneratedRegex(@"\$(\d+)")]
    private static partial Regex Place();

    private sealed class Listener : ILoggerFactory, ILogger
    {
        public CapturedSearch? Captured { get; private set; }

        public ILogger CreateLogger(string categoryName) => this;

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public void Dispose()
        {
        }

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (state is IReadOnlyList<KeyValuePair<string, object?>> values
                && values.FirstOrDefault(value => value.Key == "CommandText").Value is string text && text.Contains("<=>", StringComparison.Ordinal)
                && values.FirstOrDefault(value => value.Key == "Parameters").Value is IEnumerable<object> parameters)
                Captured = new(text, [.. parameters]);
        }
    }
}
