using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging.Console;

namespace Aspire.Hosting.Local;

/// <summary>Console lines with the resource's name in front.</summary>
internal sealed class ResourceLogFormatter() : ConsoleFormatter(FormatterName)
{
    public const string FormatterName = "resource";
    public const string CategoryPrefix = "Resources.";

    public override void Write<TState>(in LogEntry<TState> logEntry, IExternalScopeProvider? scopeProvider, TextWriter textWriter)
    {
        var index = logEntry.Category.IndexOf(CategoryPrefix, StringComparison.Ordinal);
        var source = index < 0 ? "apphost" : logEntry.Category[(index + CategoryPrefix.Length)..];
        textWriter.WriteLine($"{source,-9}| {logEntry.Formatter(logEntry.State, logEntry.Exception)}");
        if (logEntry.Exception is { } exception)
            textWriter.WriteLine($"{source,-9}| {exception}");
    }
}
