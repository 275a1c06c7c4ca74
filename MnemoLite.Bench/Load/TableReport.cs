using System.Globalization;

namespace MnemoLite.Bench.Load;

/// <summary>Figures as tables of text.</summary>
internal static class TableReport
{
    public static void Write(TextWriter output, ScenarioFigures scenario)
    {
        output.WriteLine();
        output.WriteLine(Line($"{scenario.Name}: {scenario.Load}, {scenario.Seconds:F1} s"));
        output.WriteLine();
        output.WriteLine($"{"ms",-16}{"requests",10}{"failed",8}{"/s",9}{"P50",9}{"P90",9}{"P95",9}{"P99",9}{"P99.9",9}{"max",9}");
        foreach (var route in scenario.Routes.Append(scenario.All))
        {
            output.WriteLine(Line(
                $"{route.Route,-16}{route.Requests,10:N0}{route.Failures,8:N0}{route.PerSecond,9:N1}{route.P50,9:F2}{route.P90,9:F2}{route.P95,9:F2}{route.P99,9:F2}{route.P999,9:F2}{route.Max,9:F2}"));
        }
        output.WriteLine();
        if (scenario.Caches.Count > 0)
            output.WriteLine($"caches           {string.Join(", ", scenario.Caches.Select(cache => Line($"{cache.Name} {cache.HitRate:P1} of {cache.Hits + cache.Misses:N0}")))}");
        if (scenario.WorkingSetMegabytes is { } memory)
            output.WriteLine(Line($"API's memory     {memory:N0} MB"));
        foreach (var (status, count) in scenario.FailuresByStatus)
            output.WriteLine(Line($"failed           {count:N0} × {status}"));
        foreach (var problem in scenario.Problems)
            output.WriteLine($"                 {problem.Route}: {problem.Detail}");
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
