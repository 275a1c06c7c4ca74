using Npgsql;

namespace MnemoLite.Cli.Backups;

/// <summary>Backups one after the other, each so long after the one before; one that failed is tried again sooner.</summary>
internal sealed class BackupSchedule(TimeSpan every, TimeProvider clock)
{
    private static readonly TimeSpan Retry = TimeSpan.FromMinutes(5);

    /// <summary>A machine that slept goes by the clock on the wall, while a delay does not count the sleep: so it is looked at again and again.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromMinutes(1);

    /// <summary>Goes on until it is cancelled.</summary>
    /// <param name="last">When the last backup was made, if there is one.</param>
    /// <param name="backUp">Makes one.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RunAsync(DateTimeOffset? last, Func<CancellationToken, Task> backUp, CancellationToken cancellationToken)
    {
        var due = last + every ?? clock.GetUtcNow();
        while (true)
        {
            Terminal.Note($"The next backup is due on {due:yyyy-MM-dd HH:mm:ss} UTC; the last is {Tell(last)}");
            while (due - clock.GetUtcNow() is { Ticks: > 0 } left)
                await Task.Delay(left < Look ? left : Look, clock, cancellationToken);
            var start = clock.GetUtcNow();
            try
            {
                await backUp(cancellationToken);
                (last, due) = (start, start + every);
            }
            catch (Exception exception) when (exception is CommandException or IOException or UnauthorizedAccessException or NpgsqlException)
            {
                Terminal.Fail($"The backup failed: {exception.Message}");
                due = clock.GetUtcNow() + (Retry < every ? Retry : every);
            }
        }
    }

    private static string Tell(DateTimeOffset? last) => last is { } time ? $"of {time:yyyy-MM-dd HH:mm:ss} UTC" : "none yet";
}
