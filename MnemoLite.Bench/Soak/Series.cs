using System.Text.Json.Serialization;
using MnemoLite.Bench.Load;

namespace MnemoLite.Bench.Soak;

/// <summary>What was looked at again and again while the application was under load.</summary>
/// <param name="Name">What it is, such as the memory.</param>
/// <param name="Of">Which process's.</param>
/// <param name="Unit">MB, or nothing for what is counted.</param>
/// <param name="IsJudged">Whether it has to be flat.</param>
internal sealed record Series(string Name, string Of, string Unit, bool IsJudged)
{
    private const double LeastGrowth = 2;

    public List<SeriesPoint> Points { get; init; } = [];

    [JsonIgnore]
    public Trend? Trend => Trend.OfSecondHalf(Points, LeastGrowth);

    /// <summary>Its growth beside the bar; nothing where it is too short to tell.</summary>
    public Row? ToRow()
    {
        if (Trend is not { } trend)
            return null;
        var detail = $"{TableReport.Number(trend.Level)} {Unit}".TrimEnd() + $", {trend.PerHour:+0.0;-0.0;0.0} ± {trend.Margin:0.0} an hour";
        return IsJudged
            ? new($"{Of}, {Name}: growth", Math.Round(trend.SurePerHour, 2), $"{Unit}/h", detail) { AtMost = Math.Round(trend.Limit, 2) }
            : new($"{Of}, {Name}: growth", Math.Round(trend.PerHour, 2), $"{Unit}/h", detail);
    }
}

/// <param name="Seconds">Since the start.</param>
/// <param name="Value">What it was then.</param>
internal readonly record struct SeriesPoint(double Seconds, double Value);
