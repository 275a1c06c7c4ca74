using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Local;

/// <summary>A line that an instance printed, or that is told of it.</summary>
internal sealed record ConsoleLine(long Number, DateTimeOffset Time, string Text);

/// <summary>Keeps the last lines of every instance, for its page.</summary>
internal sealed partial class ResourceConsoles(TimeProvider clock)
{
    private const int Kept = 1000;
    private const int LongestLine = 4000;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Queue<ConsoleLine>> _lines = [];
    private TaskCompletionSource _added = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _number;

    /// <summary>A logger that also keeps what the instance of that id says.</summary>
    public ILogger Keep(string id, ILogger log) => new KeepingLogger(this, id, log is KeepingLogger keeping ? keeping.Inner : log);

    /// <summary>The lines after that one, as far as they are kept, then those to come.</summary>
    public async IAsyncEnumerable<ConsoleLine> ReadAsync(string id, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            Task added;
            List<ConsoleLine> lines;
            lock (_lock)
            {
                added = _added.Task;
                lines = _lines.TryGetValue(id, out var kept) ? [.. kept.Where(line => line.Number > after)] : [];
            }
            foreach (var line in lines)
                yield return line;
            after = lines.Count > 0 ? lines[^1].Number : after;
            await added.WaitAsync(cancellationToken);
        }
    }

    /// <summary>The instance is gone for good.</summary>
    public void Forget(string id)
    {
        lock (_lock)
            _lines.Remove(id);
    }

    private void Add(string id, string text)
    {
        TaskCompletionSource added;
        lock (_lock)
        {
            if (!_lines.TryGetValue(id, out var lines))
                _lines[id] = lines = [];
            var shown = EscapeSequence.Replace(text, "");
            lines.Enqueue(new(++_number, clock.GetUtcNow(), shown.Length > LongestLine ? $"{shown[..LongestLine]}…" : shown));
            if (lines.Count > Kept)
                lines.Dequeue();
            (added, _added) = (_added, new(TaskCreationOptions.RunContinuationsAsynchronously));
        }
        added.SetResult();
    }

    /// <summary>What colours a terminal.</summary>
    [GeneratedRegex(@"\x1B(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1B]*(\x07|\x1B\\)|[@-Z\\-_])")]
    private static partial Regex EscapeSequence { get; }

    private sealed class KeepingLogger(ResourceConsoles consoles, string id, ILogger inner) : ILogger
    {
        public ILogger Inner => inner;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            consoles.Add(id, formatter(state, exception));
            if (inner.IsEnabled(logLevel))
                inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
