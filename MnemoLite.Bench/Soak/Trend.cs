namespace MnemoLite.Bench.Soak;

/// <summary>Where a series goes: the straight line through it by least squares.</summary>
/// <param name="Level">The mean.</param>
/// <param name="PerHour">How much it grows in an hour.</param>
/// <param name="Margin">Three standard errors of that; a growth within them may be noise.</param>
/// <param name="Limit">The growth in an hour up to which it counts as flat.</param>
internal sealed record Trend(double Level, double PerHour, double Margin, double Limit)
{
    /// <summary>Fewer points make no line.</summary>
    public const int FewestPoints = 8;

    private const double LevelShare = 0.05;

    /// <summary>The growth that is there in any case.</summary>
    public double SurePerHour => Math.Max(0, PerHour - Margin);

    public bool IsFlat => SurePerHour <= Limit;

    /// <summary>
    /// The trend of the second half, in which everything is warm. Neighbouring points resemble each other (a heap grows until it is collected), so
    /// they tell less than as many independent ones: n (1 − r) / (1 + r), with r the correlation of each residual with the next.
    /// </summary>
    /// <param name="points">The whole series.</param>
    /// <param name="leastGrowth">What a series may grow within the half before it counts: a few pieces or megabytes, whatever its level.</param>
    /// <returns>Null for a series too short.</returns>
    public static Trend? OfSecondHalf(IReadOnlyList<SeriesPoint> points, double leastGrowth)
    {
        var half = points.Count == 0 ? [] : points.Where(point => point.Seconds >= (points[0].Seconds + points[^1].Seconds) / 2).ToList();
        if (half.Count < FewestPoints)
            return null;
        var (x, y) = (half.Average(point => point.Seconds), half.Average(point => point.Value));
        var spread = half.Sum(point => Math.Pow(point.Seconds - x, 2));
        var slope = half.Sum(point => (point.Seconds - x) * (point.Value - y)) / spread;
        var residuals = half.Select(point => point.Value - y - (slope * (point.Seconds - x))).ToList();
        var squares = residuals.Sum(residual => residual * residual);
        var correlation = squares > 0 ? Math.Clamp(residuals.Zip(residuals.Skip(1), (one, next) => one * next).Sum() / squares, 0, 1) : 0;
        var independent = Math.Max(half.Count * (1 - correlation) / (1 + correlation), 3);
        var error = Math.Sqrt(squares / (independent - 2) / spread);
        const double Hour = 3600;
        return new(y, slope * Hour, 3 * error * Hour, Math.Max(LevelShare * y, leastGrowth * Hour / (half[^1].Seconds - half[0].Seconds)));
    }
}
