using System.Diagnostics;

namespace MnemoLite.Cli;

/// <summary>What a command says: a line with a tick for each step, a moving line while it lasts.</summary>
internal static class Terminal
{
    private static readonly bool IsTerminal = !Console.IsOutputRedirected;
    private static readonly bool HasColor = IsTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));
    private static readonly TimeSpan Frame = TimeSpan.FromMilliseconds(100), Quiet = TimeSpan.FromSeconds(2);

    public static void Ok(string text) => Console.WriteLine($"  {Colored("✓", 32)} {text}");

    public static void Note(string text) => Console.WriteLine($"  {Colored("!", 33)} {text}");

    public static void NotOk(string text, string remedy) => Console.WriteLine($"  {Colored("✗", 31)} {text}\n    {Colored(remedy, 2)}");

    public static void Fail(string text) => Console.Error.WriteLine($"{Colored("✗", 31)} {text}");

    /// <summary>Carries out a step and ticks it off with the time it took; its own text tells how far it is.</summary>
    /// <param name="doing">What is being done: "Dumping the database".</param>
    /// <param name="done">What was done, from the result; null to say nothing.</param>
    /// <param name="step">The step; what it reports is shown behind <paramref name="doing"/>.</param>
    public static async Task<T> StepAsync<T>(string doing, Func<T, string?> done, Func<IProgress<string>, Task<T>> step)
    {
        var start = Stopwatch.GetTimestamp();
        var report = new Said();
        var work = step(report);
        var told = false;
        while (await Task.WhenAny(work, Task.Delay(Frame)) != work)
        {
            if (IsTerminal)
                Console.Write($"\r  … {doing} {report.Text}\e[K");
            else if (!told && Stopwatch.GetElapsedTime(start) > Quiet)
                Console.WriteLine($"  … {doing}");
            told |= Stopwatch.GetElapsedTime(start) > Quiet;
        }
        if (IsTerminal)
            Console.Write("\r\e[K");
        var result = await work;
        if (done(result) is { } text)
            Ok($"{text} {Colored($"({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s)", 2)}");
        return result;
    }

    /// <summary>Carries out a step that makes nothing, and ticks it off.</summary>
    public static Task StepAsync(string doing, Func<string> done, Func<Task> step) => StepAsync(doing, done, _ => step());

    /// <inheritdoc cref="StepAsync(string, Func{string}, Func{Task})"/>
    public static Task StepAsync(string doing, Func<string> done, Func<IProgress<string>, Task> step) =>
        StepAsync(doing, _ => done(), async progress =>
        {
            await step(progress);
            return true;
        });

    private static string Colored(string text, int code) => HasColor ? $"\e[{code}m{text}\e[0m" : text;

    private sealed class Said : IProgress<string>
    {
        public string Text { get; private set; } = "";

        public void Report(string value) => Text = value;
    }
}
