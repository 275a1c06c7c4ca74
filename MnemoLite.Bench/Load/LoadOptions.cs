using System.Globalization;
using System.Numerics;

namespace MnemoLite.Bench.Load;

/// <summary>What the command line says about a run.</summary>
internal sealed record LoadOptions
{
    public static readonly string[] Scenarios = ["paced", "closed", "open", "rows", "references", "spaces", Soak];

    /// <summary>The long run, which is run alone.</summary>
    public const string Soak = "soak";

    private static readonly string[] Names =
        ["--api", "--data", "--events", "--users", "--ramp", "--duration", "--rate", "--minutes", "--zipf", "--seed", "--json", "--html", "--svg", "--compare"];

    public required IReadOnlyList<string> Asked { get; init; }

    public Uri? Api { get; init; }

    public DirectoryInfo? Data { get; init; }

    public int Events { get; init; }

    public int Users { get; init; }

    public double Ramp { get; init; }

    public TimeSpan Duration { get; init; }

    public double Rate { get; init; }

    /// <summary>How long the soak takes.</summary>
    public TimeSpan Length { get; init; }

    public double Zipf { get; init; }

    public int Seed { get; init; }

    public string? Json { get; init; }

    public string? Html { get; init; }

    public string? Svg { get; init; }

    public string? Compare { get; init; }

    /// <param name="arguments">Names of scenarios, then options.</param>
    /// <exception cref="ArgumentException">One of them means nothing.</exception>
    public static LoadOptions Read(string[] arguments)
    {
        var asked = arguments.TakeWhile(argument => !argument.StartsWith('-')).ToArray();
        if (asked.Except(Scenarios).FirstOrDefault() is { } unknown)
            throw new ArgumentException($"There is no scenario '{unknown}', only {string.Join(", ", Scenarios)}.");
        if (asked.Contains(Soak) && asked.Length > 1)
            throw new ArgumentException("'soak' is run alone: it stops the application that the others measure.");
        var options = Arguments.Read(arguments[asked.Length..], Names);
        if (asked.Contains(Soak) && options.ContainsKey("--api"))
            throw new ArgumentException("'soak' looks at the processes of an application it starts itself: leave --api out.");
        if (!asked.Contains(Soak) && (options.ContainsKey("--svg") || options.ContainsKey("--minutes")))
            throw new ArgumentException("--minutes and --svg belong to 'soak'.");
        if (options.ContainsKey("--api") && options.ContainsKey("--data"))
            throw new ArgumentException("--data is for an application the benchmark starts itself: leave it out beside --api.");
        return new()
        {
            Asked = asked is [] ? ["paced"] : asked,
            Api = options.TryGetValue("--api", out var api)
                ? Uri.TryCreate(api, UriKind.Absolute, out var address) ? address : throw new ArgumentException($"--api needs an address, not '{api}'.")
                : null,
            Data = options.TryGetValue("--data", out var data) ? new(data) : null,
            Events = Number(options, "--events", 50_000, 1_000, 10_000_000),
            Users = Number(options, "--users", 50, 1, 1_000),
            Ramp = Number(options, "--ramp", 10.0, 0.1, 1_000),
            Duration = TimeSpan.FromSeconds(Number(options, "--duration", 60.0, 1, 3_600)),
            Rate = Number(options, "--rate", asked is [Soak] ? 50.0 : 100.0, 0.1, 100_000),
            Length = TimeSpan.FromMinutes(Number(options, "--minutes", 20.0, 2.5, 1_440)),
            Zipf = Number(options, "--zipf", 1.2, 0, 5),
            Seed = Number(options, "--seed", 1, 0, int.MaxValue),
            Json = options.GetValueOrDefault("--json"),
            Html = options.GetValueOrDefault("--html"),
            Svg = options.GetValueOrDefault("--svg"),
            Compare = options.TryGetValue("--compare", out var old)
                ? File.Exists(old) ? old : throw new ArgumentException($"There is no file {old} to compare with.")
                : null,
        };
    }

    private static T Number<T>(Dictionary<string, string> options, string name, T otherwise, T least, T most) where T : INumber<T> =>
        !options.TryGetValue(name, out var text) ? otherwise
        : T.TryParse(text, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most ? number
        : throw new ArgumentException($"{name} needs a number from {least} to {most}, not '{text}'.");
}
