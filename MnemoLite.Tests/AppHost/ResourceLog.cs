using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace MnemoLite.Tests.AppHost;

/// <summary>Keeps what the resources of a test printed, to be shown when it fails.</summary>
internal sealed class ResourceLog : ILoggerProvider
{
    private const int Kept = 100;
    private readonly ConcurrentQueue<string> _lines = new();

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, _lines);

    public void Dispose()
    {
    }

    public override string ToString() => string.Join('\n', _lines);

    private sealed class Logger(string category, ConcurrentQueue<string> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lines.Enqueue($"{category}: {formatter(state, exception)} {exception?.Message}");
            while (lines.Count > Kept)
                lines.TryDequeue(out _);
        }
    }
}
