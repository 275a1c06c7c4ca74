using System.Xml.Linq;
using MnemoLite.Bench.Soak;

namespace MnemoLite.Bench.Load;

/// <summary>A report as one page that needs nothing else, to be opened, kept and sent.</summary>
internal static class HtmlReport
{
    private const int Colours = 6;

    public static string Write(Report report, Comparison comparison)
    {
        var page = new XElement(
            "html",
            new XAttribute("lang", "en"),
            new XElement(
                "head",
                new XElement("meta", new XAttribute("charset", "utf-8")),
                new XElement("meta", new XAttribute("name", "viewport"), new XAttribute("content", "width=device-width, initial-scale=1")),
                new XElement("meta", new XAttribute("name", "color-scheme"), new XAttribute("content", "light dark")),
                new XElement("title", $"MnemoLite under load, {report.StartedAt:d MMMM yyyy}"),
                new XElement("style", Style)),
            new XElement(
                "body",
                new XElement("main", Heading(report, comparison), Rows(report.Rows, comparison), SeriesCharts.Section(report), report.Scenarios.Select(scenario => Scenario(scenario, comparison)))));
        return $"<!DOCTYPE html>\n{page.ToString(SaveOptions.DisableFormatting)}\n";
    }

    private static XElement Heading(Report report, Comparison comparison) => new(
        "header",
        new XElement("h1", "MnemoLite under load"),
        new XElement(
            "p",
            $"{report.StartedAt:d MMMM yyyy, HH:mm} UTC · {report.Store.Events:N0} events, {report.Store.Nodes:N0} nodes, {report.Store.Edges:N0} edges · "
            + $"{report.Store.Model} · Zipf {report.Zipf:0.##}, seed {report.Seed}"),
        new XElement(
            "p",
            $"{report.Machine.Processors} × {report.Machine.Processor}, {report.Machine.MemoryGigabytes:0.#} GB{(report.Machine.LargePages ? ", PostgreSQL's in large pages" : "")} · {report.Machine.System} · {report.Machine.Runtime}"),
        comparison.Since is { } since ? new XElement("p", $"× compares with the run of {since:d MMMM yyyy, HH:mm} UTC; its latencies are the thin lines.") : null);

    private static XElement? Rows(IReadOnlyList<Row> rows, Comparison comparison)
    {
        if (rows.Count == 0)
            return null;
        var held = rows.Count(row => row.Passed == true);
        var isCompared = rows.Any(row => comparison.Find(row.Name) is not null);
        return new XElement(
            "section",
            new XElement("h2", $"{held} of {rows.Count(row => row.Passed is not null)} bars held"),
            new XElement(
                "div",
                new XAttribute("class", "scroll"),
                new XElement(
                    "table",
                    new XElement("thead", new XElement(
                        "tr", Head(""), Head("measured", "number"), Head("bar", "number"), Head("ratio"),
                        isCompared ? Head("×", "number") : null, Head(""))),
                    new XElement("tbody", rows.Select(row => new XElement(
                        "tr",
                        row.Passed is { } passed ? new XAttribute("class", passed ? "held" : "missed") : null,
                        Cell(row.Name),
                        Cell($"{TableReport.Number(row.Value)} {row.Unit}", "number strong"),
                        Cell(TableReport.Bar(row), "number quiet"),
                        new XElement("td", row.Ratio is { } ratio ? Gauge(row, ratio) : " "),
                        isCompared ? Cell(TableReport.Ratio(row.Value, comparison.Find(row.Name)?.Value), "number quiet") : null,
                        Cell(row.Detail, "quiet")))))));
    }

    /// <summary>The value beside its bar, which stands in the middle.</summary>
    private static XElement Gauge(Row row, double ratio) => new(
        "svg",
        new XAttribute("class", "gauge"), new XAttribute("viewBox", "0 0 120 14"), new XAttribute("role", "img"),
        new XAttribute("aria-label", $"{ratio:0.00} of the bar, {(row.Passed == true ? "held" : "missed")}"),
        new XElement("rect", new XAttribute("class", "rail"), new XAttribute("x", 0), new XAttribute("y", 4), new XAttribute("width", 120), new XAttribute("height", 6), new XAttribute("rx", 3)),
        new XElement("rect", new XAttribute("class", "level"), new XAttribute("x", 0), new XAttribute("y", 4), new XAttribute("width", Math.Clamp(Math.Round(ratio * 60, 1), 2, 120)), new XAttribute("height", 6), new XAttribute("rx", 3)),
        new XElement("rect", new XAttribute("class", "bar"), new XAttribute("x", 59), new XAttribute("y", 0), new XAttribute("width", 2), new XAttribute("height", 14)),
        new XElement("title", $"{ratio:0.00} of the bar"));

    private static XElement Scenario(ScenarioFigures scenario, Comparison comparison) => new(
        "section",
        new XElement("h2", scenario.Name),
        new XElement("p", new XAttribute("class", "quiet"), $"{scenario.Load}, {scenario.Seconds:0.#} s"),
        new XElement(
            "div",
            new XAttribute("class", "tiles"),
            Tile($"{scenario.All.PerSecond:#,0.#}", "requests/s"),
            Tile($"{scenario.All.P50:#,0.##}", "P50 ms"),
            Tile($"{scenario.All.P95:#,0.##}", "P95 ms"),
            Tile($"{scenario.All.P99:#,0.##}", "P99 ms"),
            Tile($"{scenario.All.Failures:N0}", "failed", scenario.All.Failures == 0 ? "" : "missed"),
            scenario.Caches.Select(cache => Tile($"{cache.HitRate:P1}", $"{cache.Name} hits of {cache.Hits + cache.Misses:N0}")),
            scenario.WorkingSetMegabytes is { } memory ? Tile($"{memory:N0}", "MB, the API") : null),
        new XElement("div", new XAttribute("class", "charts"), Curves(scenario, comparison), Timeline(scenario)),
        Routes(scenario, comparison),
        scenario.Problems.Count == 0
            ? null
            : new XElement("ul", scenario.Problems.Select(problem => new XElement("li", $"{problem.Route}: {(problem.Status == 0 ? "no answer" : problem.Status)}, {problem.Detail}"))));

    private static XElement Curves(ScenarioFigures scenario, Comparison comparison)
    {
        var now = scenario.Routes.Take(Colours).Select((route, place) => Line(route, $"c{place + 1}")).ToList();
        var former = scenario.Routes.Take(Colours).Select((route, place) => comparison.Find(scenario.Name, route.Route) is { } old ? Line(old, $"c{place + 1} thin") : null)
            .OfType<ChartLine>().Select(line => line with { Name = $"{line.Name}, before" }).ToList();
        var latencies = now.Concat(former).SelectMany(line => line.Points).Select(point => point.Y).DefaultIfEmpty(1).ToList();
        var chart = new Chart($"Latency by percentile, {scenario.Name}", ChartAxis.Percentiles, ChartAxis.Logarithmic(Math.Max(latencies.Min(), 0.001), latencies.Max()), height: 590);
        return new(
            "figure",
            new XElement("figcaption", "Latency by percentile, ms", now.Count > 1 ? now.Select(line => Legend(line.Name, line.Class)) : null),
            chart.Draw([.. now, .. former]));
    }

    private static ChartLine Line(RouteFigures route, string look) => new(route.Route, look, [.. route.Curve.Select(point => (point.Percentile, point.Milliseconds))]);

    private static XElement Timeline(ScenarioFigures scenario)
    {
        // The last second is not a whole one.
        var seconds = scenario.Timeline.Count > 1 ? scenario.Timeline.SkipLast(1).ToList() : scenario.Timeline;
        var rate = new ChartLine("requests/s", "c1", [.. seconds.Select(second => ((double)second.Second, (double)second.Requests))]);
        var failed = new ChartLine("failed/s", "bad", [.. seconds.Where(_ => scenario.All.Failures > 0).Select(second => ((double)second.Second, (double)second.Failures))]);
        var late = new ChartLine("P99 ms", "c2", [.. seconds.Select(second => ((double)second.Second, second.P99))]);
        var median = new ChartLine("P50 ms", "c3", [.. seconds.Select(second => ((double)second.Second, second.P50))]);
        var time = ChartAxis.Linear(seconds.Count);
        return new(
            "div",
            new XElement(
                "figure",
                new XElement("figcaption", "Requests each second", scenario.All.Failures > 0 ? Legend("failed", "bad") : null),
                new Chart($"Requests each second, {scenario.Name}", time, ChartAxis.Linear(seconds.Max(second => second.Requests))).Draw([rate, failed], isFilled: true)),
            new XElement(
                "figure",
                new XElement("figcaption", "Latency over time, ms", Legend("P99", "c2"), Legend("P50", "c3")),
                new Chart($"Latency over time, {scenario.Name}", time, ChartAxis.Linear(seconds.Max(second => second.P99))).Draw([late, median])));
    }

    private static XElement Routes(ScenarioFigures scenario, Comparison comparison) => new(
        "div",
        new XAttribute("class", "scroll"),
        new XElement(
            "table",
            new XElement("thead", new XElement(
                "tr", Head("ms"), ((string[])["requests", "failed", "/s", "P50", "P90", "P95", "P99", "P99.9", "max"]).Select(name => Head(name, "number")),
                comparison.IsPossible ? ((string[])["/s ×", "P50 ×", "P95 ×", "P99 ×"]).Select(name => Head(name, "number")) : null)),
            new XElement("tbody", TableReport.Lines(scenario).Select(route => new XElement(
                "tr",
                Cell(route.Route),
                ((string[])[$"{route.Requests:N0}", $"{route.Failures:N0}", $"{route.PerSecond:N1}", $"{route.P50:N2}", $"{route.P90:N2}", $"{route.P95:N2}", $"{route.P99:N2}", $"{route.P999:N2}", $"{route.Max:N2}"])
                    .Select(value => Cell(value, "number")),
                comparison.IsPossible ? Ratios(route, comparison.Find(scenario.Name, route.Route)).Select(value => Cell(value, "number quiet")) : null)))));

    private static string[] Ratios(RouteFigures route, RouteFigures? old) =>
    [
        TableReport.Ratio(route.PerSecond, old?.PerSecond), TableReport.Ratio(route.P50, old?.P50),
        TableReport.Ratio(route.P95, old?.P95), TableReport.Ratio(route.P99, old?.P99),
    ];

    private static XElement Tile(string value, string name, string look = "") => new(
        "div", new XAttribute("class", $"tile {look}".TrimEnd()), new XElement("strong", value), new XElement("span", name));

    public static XElement Legend(string name, string look) => new("span", new XAttribute("class", $"key {look}"), name);

    private static XElement Head(string text, string look = "") => new("th", look.Length > 0 ? new XAttribute("class", look) : null, text.Length > 0 ? text : " ");

    private static XElement Cell(string text, string look = "") => new("td", look.Length > 0 ? new XAttribute("class", look) : null, text.Length > 0 ? text : " ");

    private const string Style = """

        :root {
          --page: #f7f6f3; --card: #ffffff; --text: #24221f; --quiet: #6d6860; --rule: #e4e1db; --good: #2f7d54; --bad: #b3412f;
          --c1: #2f6fb3; --c2: #c2622d; --c3: #2f8f6b; --c4: #8a5bb0; --c5: #b08a1e; --c6: #b04a72;
        }
        @media (prefers-color-scheme: dark) {
          :root {
            --page: #171614; --card: #1f1e1b; --text: #e9e6e0; --quiet: #9c968c; --rule: #34322d; --good: #63b98a; --bad: #e2806c;
            --c1: #6ea8e0; --c2: #e39a68; --c3: #67c2a0; --c4: #b892d8; --c5: #d6b657; --c6: #dc85a8;
          }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
        main { max-width: 1180px; margin: 0 auto; padding: 40px 24px 80px; }
        h1 { margin: 0 0 8px; font-size: 30px; font-weight: 650; letter-spacing: -0.02em; }
        h2 { margin: 0; font-size: 19px; font-weight: 620; }
        h2::first-letter { text-transform: uppercase; }
        p { margin: 2px 0; color: var(--quiet); }
        section { margin-top: 28px; padding: 24px; background: var(--card); border: 1px solid var(--rule); border-radius: 12px; }
        .quiet { color: var(--quiet); }
        .strong { font-weight: 620; }
        .tiles { display: flex; flex-wrap: wrap; gap: 28px; margin: 18px 0 22px; }
        .tile strong { display: block; font-size: 24px; font-weight: 600; line-height: 1.2; font-variant-numeric: tabular-nums; }
        .tile span { color: var(--quiet); font-size: 13px; }
        .tile.missed strong { color: var(--bad); }
        .charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 20px 28px; }
        figure { margin: 0 0 12px; }
        figcaption { display: flex; flex-wrap: wrap; gap: 4px 14px; margin-bottom: 6px; font-size: 13px; color: var(--quiet); }
        .key::before { content: ""; display: inline-block; width: 14px; height: 3px; margin-right: 6px; vertical-align: middle; border-radius: 2px; background: currentColor; }
        svg { display: block; width: 100%; height: auto; }
        svg text { fill: var(--quiet); font-size: 12px; font-variant-numeric: tabular-nums; }
        .grid { stroke: var(--rule); fill: none; }
        .line { fill: none; stroke: currentColor; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .line.thin { stroke-width: 1; stroke-dasharray: 3 3; }
        .area { fill: currentColor; opacity: 0.12; }
        .point { fill: currentColor; opacity: 0; }
        .point:hover { opacity: 1; }
        .c1 { color: var(--c1); } .c2 { color: var(--c2); } .c3 { color: var(--c3); } .c4 { color: var(--c4); } .c5 { color: var(--c5); } .c6 { color: var(--c6); }
        .bad { color: var(--bad); }
        .scroll { overflow-x: auto; margin-top: 14px; }
        table { width: 100%; border-collapse: collapse; font-size: 14px; }
        th { padding: 6px 12px 6px 0; text-align: left; font-weight: 500; color: var(--quiet); border-bottom: 1px solid var(--rule); }
        td { padding: 6px 12px 6px 0; border-bottom: 1px solid var(--rule); }
        tr:last-child td { border-bottom: 0; }
        .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        .gauge { width: 120px; }
        .rail { fill: var(--rule); }
        .level { fill: var(--good); }
        .missed .level { fill: var(--bad); }
        .missed .strong { color: var(--bad); }
        .bar { fill: var(--text); }

        """;
}
