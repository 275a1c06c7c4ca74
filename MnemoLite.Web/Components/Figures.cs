using System.Globalization;

namespace MnemoLite.Web.Components;

/// <summary>Numbers as people read them.</summary>
public static class Figures
{
    private static readonly string[] Units = ["B", "kB", "MB", "GB", "TB"];

    /// <summary>“1,234”.</summary>
    public static string Count(double count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>“1 memory”, “1,234 memories”.</summary>
    public static string Count(double count, string one, string many) => $"{Count(count)} {(count == 1 ? one : many)}";

    /// <summary>“512 B”, “1.4 MB”.</summary>
    public static string Bytes(double bytes)
    {
        var unit = 0;
        for (; bytes >= 1000 && unit < Units.Length - 1; unit++)
            bytes /= 1000;
        return $"{bytes.ToString(bytes < 10 && unit > 0 ? "0.#" : "0", CultureInfo.InvariantCulture)} {Units[unit]}";
    }

    /// <summary>“0.4 ms”, “12 ms”, “1.2 s”; a dash where there is none.</summary>
    public static string Milliseconds(double? time) => time switch
    {
        null => "–",
        >= 1000 => $"{(time.Value / 1000).ToString("0.0", CultureInfo.InvariantCulture)} s",
        < 10 => $"{time.Value.ToString("0.#", CultureInfo.InvariantCulture)} ms",
        _ => $"{time.Value.ToString("0", CultureInfo.InvariantCulture)} ms",
    };

    /// <summary>“82 %”, “0.4 %”; a dash where there is none.</summary>
    public static string Percent(double? share) => share switch
    {
        null => "–",
        > 0 and < 0.0995 => $"{(100 * share.Value).ToString("0.#", CultureInfo.InvariantCulture)} %",
        _ => $"{Math.Floor(100 * share.Value).ToString("0", CultureInfo.InvariantCulture)} %",
    };

    /// <summary>“40 s”, “12 min”, “3 h 5 min”, “2 d 4 h”.</summary>
    public static string Duration(TimeSpan duration) => duration switch
    {
        { TotalMinutes: < 1 } => $"{duration.Seconds} s",
        { TotalHours: < 1 } => $"{duration.Minutes} min",
        { TotalDays: < 1 } => $"{duration.Hours} h {duration.Minutes} min",
        _ => $"{Count(duration.Days)} d {duration.Hours} h",
    };
}
