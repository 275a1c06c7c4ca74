using System.Xml.Linq;

namespace MnemoLite.Bench.Load;

/// <summary>A line of a chart; its points are in the units of the axes.</summary>
/// <param name="Name">What it shows.</param>
/// <param name="Class">How it looks: classes of the page's style.</param>
/// <param name="Points">From left to right.</param>
internal sealed record ChartLine(string Name, string Class, IReadOnlyList<(double X, double Y)> Points);

/// <summary>An axis: where a value stands on it, 0 to 1, and the values that are named.</summary>
internal sealed record ChartAxis(Func<double, double> Place, IReadOnlyList<(double Value, string Name)> Ticks)
{
    /// <summary>Percentiles, each further nine as wide as the one before.</summary>
    public static ChartAxis Percentiles { get; } = new(
        percentile => Math.Min(-Math.Log10(Math.Max(1 - (percentile / 100), 1e-4)) / 4, 1),
        [(0, "0"), (50, "P50"), (90, "P90"), (99, "P99"), (99.9, "P99.9"), (100, "max")]);

    /// <summary>From 0 to a round number, in about four steps.</summary>
    public static ChartAxis Linear(double most)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(most, 1) / 4)));
        var step = power * (Math.Max(most, 1) / 4 / power) switch { <= 1 => 1, <= 2 => 2, <= 5 => 5, _ => 10 };
        var steps = (int)Math.Ceiling(Math.Max(most, 1) / step);
        return new(value => value / (steps * step), [.. Enumerable.Range(0, steps + 1).Select(i => (i * step, $"{i * step:#,0.##}"))]);
    }

    /// <summary>By powers of ten.</summary>
    public static ChartAxis Logarithmic(double least, double most)
    {
        var low = (int)Math.Floor(Math.Log10(least));
        var high = Math.Max((int)Math.Ceiling(Math.Log10(most)), low + 1);
        return new(
            value => Math.Clamp((Math.Log10(Math.Max(value, 1e-9)) - low) / (high - low), 0, 1),
            [.. Enumerable.Range(low, high - low + 1).Select(power => (Math.Pow(10, power), $"{Math.Pow(10, power):#,0.###}"))]);
    }
}

/// <summary>Lines over two axes, as SVG within a page.</summary>
internal sealed class Chart(string title, ChartAxis x, ChartAxis y, int height = 270)
{
    private const int Width = 720, Left = 52, Right = 16, Top = 10, Bottom = 28;

    /// <param name="lines">The lines, the first one in front.</param>
    /// <param name="isFilled">Whether the first has its area filled.</param>
    public XElement Draw(IReadOnlyList<ChartLine> lines, bool isFilled = false) => new(
        "svg",
        new XAttribute("viewBox", $"0 0 {Width} {height}"),
        new XAttribute("role", "img"),
        new XAttribute("aria-label", title),
        y.Ticks.Select(tick => new XElement("path", new XAttribute("class", "grid"), new XAttribute("d", $"M{Left},{Y(tick.Value)}H{Width - Right}"))),
        y.Ticks.Select(tick => Label(Left - 8, Y(tick.Value) + 4, "end", tick.Name)),
        x.Ticks.Select(tick => Label(X(tick.Value), height - 8, "middle", tick.Name)),
        isFilled && lines is [{ Points: [var first, .., var last] } front, ..]
            ? new XElement("path", new XAttribute("class", $"area {front.Class}"), new XAttribute("d", $"{Path(front)}L{X(last.X)},{Y(0)}L{X(first.X)},{Y(0)}Z"))
            : null,
        lines.Reverse().Where(line => line.Points.Count > 0).Select(line =>
            new XElement("path", new XAttribute("class", $"line {line.Class}"), new XAttribute("d", Path(line)), new XElement("title", line.Name))),
        lines.SelectMany(line => line.Points.Select(point => new XElement(
            "circle", new XAttribute("class", $"point {line.Class}"), new XAttribute("r", 5), new XAttribute("cx", X(point.X)), new XAttribute("cy", Y(point.Y)),
            new XElement("title", $"{line.Name}: {point.Y:#,0.###} at {point.X:0.###}")))));

    private string Path(ChartLine line) => "M" + string.Join('L', line.Points.Select(point => $"{X(point.X)},{Y(point.Y)}"));

    private double X(double value) => Math.Round(Left + (x.Place(value) * (Width - Left - Right)), 1);

    private double Y(double value) => Math.Round(height - Bottom - (y.Place(value) * (height - Top - Bottom)), 1);

    private static XElement Label(double x, double y, string anchor, string text) => new(
        "text", new XAttribute("x", x), new XAttribute("y", y), new XAttribute("text-anchor", anchor), text);
}
