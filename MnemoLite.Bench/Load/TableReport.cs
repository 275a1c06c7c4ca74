using System.Globalization;

namespace MnemoLite.Bench.Load;

/// <summary>Figures as tables of text.</summary>
internal static class TableReport
{
    public static void Write(TextWriter output, ScenarioFigures scenario, Comparison comparison)
    {
        output.WriteLine();
        output.WriteLine($"{scenario.Name}: {scenario.Load}, {scenario.Seconds:F1} s");
        output.WriteLine();
        output.Write($"{"ms",-18}{"requests",10}{"failed",8}{"/s",10}{"P50",9}{"P90",9}{"P95",9}{"P99",9}{"P99.9",9}{"max",9}");
        output.WriteLine(comparison.IsPossible ? $"   | {"/s",7}{"P50",7}{"P95",7}{"P99",7}  times the older" : "");
        foreach (var route in Lines(scenario))
        {
            output.Write($"{route.Route,-18}{route.Requests,10:N0}{route.Failures,8:N0}{route.PerSecond,10:N1}");
            output.Write($"{route.P50,9:F2}{route.P90,9:F2}{route.P95,9:F2}{route.P99,9:F2}{route.P999,9:F2}{route.Max,9:F2}");
            output.WriteLine(comparison.Find(scenario.Name, route.Route) is { } old
                ? $"   | {Ratio(route.PerSecond, old.PerSecond),7}{Ratio(route.P50, old.P50),7}{Ratio(route.P95, old.P95),7}{Ratio(route.P99, old.P99),7}"
                : "");
        }
        if (scenario.Caches.Count > 0)
            output.WriteLine($"hits              {string.Join(", ", scenario.Caches.Select(cache => $"{cache.Name} {cache.HitRate:P1} of {cache.Hits + cache.Misses:N0}"))}");
        if (scenario.WorkingSetMegabytes is { } memory)
            output.WriteLine($"API's memory      {memory:N0} MB");
        foreach (var (status, count) in scenario.FailuresByStatus)
            output.WriteLine($"failed            {count:N0} × {status}");
        foreach (var problem in scenario.Problems)
            output.WriteLine($"                  {problem.Route}: {problem.Detail}");
    }

    public static void Write(TextWriter output, IReadOnlyList<Row> rows, Comparison comparison)
    {
        if (rows.Count == 0)
            return;
        output.WriteLine();
        output.WriteLine($"{"",-46}{"measured",12}{"",-9}{"bar",-14}{"ratio",7}{(comparison.IsPossible ? $"{"older",9}" : "")}");
        foreach (var row in rows)
        {
            var verdict = row.Passed switch { true => "held", false => "MISSED", null => "" };
            var older = comparison.IsPossible ? $"{Ratio(row.Value, comparison.Find(row.Name)?.Value),9}" : "";
            output.WriteLine($"{row.Name,-46}{Number(row.Value),12} {row.Unit,-8}{Bar(row),-14}{row.Ratio,7:0.00}{older}  {verdict,-7} {row.Detail}");
        }
        output.WriteLine();
        output.WriteLine($"{rows.Count(row => row.Passed == true)} of {rows.Count(row => row.Passed is not null)} bars held");
    }

    /// <summary>The routes, and all of them together where there are several.</summary>
    public static IEnumerable<RouteFigures> Lines(ScenarioFigures scenario) => scenario.Routes.Count > 1 ? scenario.Routes.Append(scenario.All) : scenario.Routes;

    public static string Number(double value) => value.ToString(value switch { < 10 => "0.###", < 100 => "0.#", _ => "#,0" }, CultureInfo.InvariantCulture);

    public static string Bar(Row row) =>
        row.AtMost is { } most ? $"≤ {Number(most)} {row.Unit}" : row.AtLeast is { } least ? $"≥ {Number(least)} {row.Unit}" : "";

    public static string Ratio(double value, double? former) => Comparison.Ratio(value, former) is { } ratio ? $"{ratio:0.00}×" : "";
}
