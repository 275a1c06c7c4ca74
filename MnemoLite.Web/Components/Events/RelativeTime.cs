using System.Globalization;

namespace MnemoLite.Web.Components.Events;

/// <summary>Times as people say them.</summary>
public static class RelativeTime
{
    private static readonly (TimeSpan Length, string Name)[] Units =
    [
        (TimeSpan.FromDays(365.25), "year"),
        (TimeSpan.FromDays(30.44), "month"),
        (TimeSpan.FromDays(1), "day"),
        (TimeSpan.FromHours(1), "hour"),
        (TimeSpan.FromMinutes(1), "minute"),
    ];

    /// <summary>“3 minutes ago”, “just now”, “in 2 days”.</summary>
    public static string Describe(DateTimeOffset time, DateTimeOffset now)
    {
        var distance = (now - time).Duration();
        foreach (var (length, name) in Units)
        {
            var count = (long)(distance / length);
            if (count == 0)
                continue;
            var amount = string.Create(CultureInfo.InvariantCulture, $"{count} {name}{(count == 1 ? "" : "s")}");
            return time <= now ? amount + " ago" : "in " + amount;
        }
        return "just now";
    }

    /// <summary>“Today”, “Yesterday”, “Monday”, “12 March”, “12 March 2025”.</summary>
    public static string Day(DateOnly day, DateOnly today) => (today.DayNumber - day.DayNumber) switch
    {
        0 => "Today",
        1 => "Yesterday",
        > 1 and < 7 => day.ToString("dddd", CultureInfo.InvariantCulture),
        _ => day.ToString(day.Year == today.Year ? "d MMMM" : "d MMMM yyyy", CultureInfo.InvariantCulture),
    };

    /// <summary>“Monday 12 March 2026, 14:05:09 (UTC+01:00)”.</summary>
    public static string Exact(DateTimeOffset time, TimeZoneInfo zone) =>
        TimeZoneInfo.ConvertTime(time, zone).ToString("dddd d MMMM yyyy, HH:mm:ss '(UTC'zzz')'", CultureInfo.InvariantCulture);
}
