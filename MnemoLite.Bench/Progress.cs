namespace MnemoLite.Bench;

/// <summary>How far it is: one line that changes on a terminal, else a line each five seconds.</summary>
internal sealed class Progress(TextWriter output, bool isTerminal, TimeProvider clock)
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private readonly Lock _writing = new();
    private DateTimeOffset _written;

    public static Progress OfConsole { get; } = new(Console.Error, !Console.IsErrorRedirected, TimeProvider.System);

    public void Show(string line)
    {
        lock (_writing)
        {
            if (isTerminal)
            {
                output.Write($"\r{line}\e[K");
            }
            else if (clock.GetUtcNow() is var now && now - _written >= Interval)
            {
                _written = now;
                output.WriteLine(line);
            }
        }
    }

    /// <summary>Takes the line away, for others to write.</summary>
    public void Clear()
    {
        lock (_writing)
        {
            if (isTerminal)
                output.Write("\r\e[K");
        }
    }
}
