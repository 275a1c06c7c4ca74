namespace MnemoLite.Bench.Load;

/// <summary>Figures against those of an older report, by the names of scenario, route and row.</summary>
/// <param name="old">The older report, if there is one.</param>
internal sealed class Comparison(Report? old)
{
    public bool IsPossible => old is not null;

    public DateTimeOffset? Since => old?.StartedAt;

    /// <summary>The former figures of a route; <c>all</c> is one too.</summary>
    public RouteFigures? Find(string scenario, string route) =>
        old?.Scenarios.FirstOrDefault(former => former.Name == scenario) is { } found
            ? found.Routes.Append(found.All).FirstOrDefault(former => former.Route == route)
            : null;

    public Row? Find(string row) => old?.Rows.FirstOrDefault(former => former.Name == row);

    /// <summary>How many times the former value it is; nothing where that says nothing.</summary>
    public static double? Ratio(double value, double? former) => former is { } before and not 0 ? Math.Round(value / before, 3) : null;
}
