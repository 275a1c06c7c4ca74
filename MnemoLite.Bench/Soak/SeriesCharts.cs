using System.Xml.Linq;
using MnemoLite.Bench.Load;

namespace MnemoLite.Bench.Soak;

/// <summary>What a long run looked at, as charts: what is the same of each process over one time.</summary>
internal static class SeriesCharts
{
    private const int MostPoints = 120;
    private static readonly Dictionary<string, string> Looks =
        new() { [SoakSampler.Api] = "c1", [SoakSampler.Dashboard] = "c2", [SoakSampler.Database] = "c3", [SoakSampler.Host] = "c4" };

    private static readonly string[] OfImage = ["memory", "heap", "open files", "connections"];

    /// <summary>All of them, for the page.</summary>
    public static XElement? Section(Report report) => report.Series.Count == 0 ? null : new(
        "section",
        new XElement("h2", "What it took"),
        new XElement("p", new XAttribute("class", "quiet"), "By minutes. It is the second half that has to be flat."),
        new XElement(
            "div",
            new XAttribute("class", "charts"),
            report.Series.GroupBy(series => series.Name).Select(group =>
            {
                var lines = Lines(group);
                return new XElement(
                    "figure",
                    new XElement("figcaption", Title(group), lines.Select(line => HtmlReport.Legend(line.Name, line.Class))),
                    Draw(group, lines, height: 220));
            })));

    /// <summary>Those that tell most, one below the other, as a picture that needs nothing else.</summary>
    public static string WriteImage(Report report)
    {
        const int Width = 720, Height = 200, Caption = 30;
        var groups = report.Series.GroupBy(series => series.Name).Where(group => OfImage.Contains(group.Key)).ToList();
        var image = new XElement(
            "svg",
            new XAttribute("viewBox", $"0 0 {Width} {groups.Count * (Height + Caption)}"),
            new XElement("style", ImageStyle),
            new XElement("rect", new XAttribute("class", "page"), new XAttribute("width", "100%"), new XAttribute("height", "100%")),
            groups.Select((group, place) =>
            {
                var lines = Lines(group);
                var chart = Draw(group, lines, Height);
                chart.Elements("circle").Remove();
                chart.Add(new XAttribute("y", (place * (Height + Caption)) + Caption), new XAttribute("width", Width), new XAttribute("height", Height));
                return new[]
                {
                    new XElement(
                        "text", new XAttribute("x", 52), new XAttribute("y", (place * (Height + Caption)) + 20),
                        new XElement("tspan", new XAttribute("class", "title"), $"{Title(group)}, by minutes"),
                        lines.Select(line => new XElement("tspan", new XAttribute("class", line.Class), new XAttribute("dx", 14), $"● {line.Name}"))),
                    chart,
                };
            }));
        return $"<svg xmlns=\"http://www.w3.org/2000/svg\"{image.ToString(SaveOptions.DisableFormatting)["<svg".Length..]}\n";
    }

    private static string Title(IGrouping<string, Series> group) => $"{char.ToUpperInvariant(group.Key[0])}{group.Key[1..]}{(group.First().Unit is { Length: > 0 } unit ? $", {unit}" : "")}";

    private static List<ChartLine> Lines(IEnumerable<Series> group) => [.. group.Select(series => new ChartLine(
        series.Of,
        Looks.GetValueOrDefault(series.Of, "c5"),
        [.. series.Points.Where((_, number) => number % ((series.Points.Count / MostPoints) + 1) == 0).Select(point => (point.Seconds / 60, point.Value))]))];

    private static XElement Draw(IGrouping<string, Series> group, IReadOnlyList<ChartLine> lines, int height) => new Chart(
        Title(group), ChartAxis.Linear(group.Max(series => series.Points[^1].Seconds) / 60), ChartAxis.Linear(group.Max(series => series.Points.Max(point => point.Value))), height)
        .Draw(lines);

    private const string ImageStyle = """

        svg { --page: #ffffff; --text: #24221f; --quiet: #6d6860; --rule: #e4e1db; --c1: #2f6fb3; --c2: #c2622d; --c3: #2f8f6b; --c4: #8a5bb0; }
        @media (prefers-color-scheme: dark) {
          svg { --page: #0d1117; --text: #e9e6e0; --quiet: #9c968c; --rule: #34322d; --c1: #6ea8e0; --c2: #e39a68; --c3: #67c2a0; --c4: #b892d8; }
        }
        text { font: 12px system-ui, sans-serif; fill: var(--quiet); }
        .page { fill: var(--page); }
        .title { font-weight: 600; fill: var(--text); }
        .grid { stroke: var(--rule); fill: none; }
        .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; }
        .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); } .c4 { color: var(--c4); }
        tspan.c1, tspan.c2, tspan.c3, tspan.c4 { fill: currentColor; }

        """;
}
