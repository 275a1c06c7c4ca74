using Microsoft.Extensions.Logging;

namespace MnemoLite.Bench.Load;

/// <summary>Listens to what Npgsql sends to PostgreSQL: a statement that is prepared is told of then, and as it is executed.</summary>
internal sealed class SentStatements : ILoggerFactory, ILogger
{
    /// <summary>The statements, with the values of their parameters where the data source tells these: as they are executed.</summary>
    public List<(string Sql, IReadOnlyList<object> Parameters)> All { get; } = [];

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
        if (state is IReadOnlyList<KeyValuePair<string, object?>> values && values.FirstOrDefault(value => value.Key == "CommandText").Value is string sql)
            All.Add((sql, values.FirstOrDefault(value => value.Key == "Parameters").Value is IEnumerable<object> parameters ? [.. parameters] : []));
    }
}
