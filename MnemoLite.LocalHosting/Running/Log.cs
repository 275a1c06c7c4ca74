using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Local;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "{Line}")]
    public static partial void Line(ILogger logger, string line);

    [LoggerMessage(2, LogLevel.Information, "started, process {ProcessId}")]
    public static partial void Started(ILogger logger, int processId);

    [LoggerMessage(3, LogLevel.Information, "healthy after {Milliseconds} ms")]
    public static partial void Healthy(ILogger logger, long milliseconds);

    [LoggerMessage(4, LogLevel.Warning, "not healthy any more")]
    public static partial void Unhealthy(ILogger logger);

    [LoggerMessage(5, LogLevel.Error, "ended with code {ExitCode}; starting again in {Seconds} s")]
    public static partial void Restarting(ILogger logger, int exitCode, double seconds);

    [LoggerMessage(6, LogLevel.Error, "could not be started: {Reason}")]
    public static partial void FailedToStart(ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Information, "stopped")]
    public static partial void Stopped(ILogger logger);

    [LoggerMessage(8, LogLevel.Warning, "removed the lock file of a server that is gone (process {ProcessId})")]
    public static partial void StaleLock(ILogger logger, int processId);

    [LoggerMessage(9, LogLevel.Warning, "waiting for the server of a former run to end (process {ProcessId})")]
    public static partial void FormerServer(ILogger logger, int processId);

    [LoggerMessage(10, LogLevel.Information, "making a new database cluster in {Directory}")]
    public static partial void NewCluster(ILogger logger, string directory);
}
