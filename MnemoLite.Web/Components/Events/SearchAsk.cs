using System.Globalization;
using MnemoLite.Client;

namespace MnemoLite.Web.Components.Events;

/// <summary>What the search page is asked: words, filters and a time, as they stand in its address.</summary>
public sealed record SearchAsk
{
    public const string Path = "/search";

    /// <summary>The times that have a name, ending now.</summary>
    public static readonly IReadOnlyList<(string Name, string Label, TimeSpan Length)> Ranges =
    [
        ("24h", "Last 24 hours", TimeSpan.FromHours(24)),
        ("7d", "Last 7 days", TimeSpan.FromDays(7)),
        ("30d", "Last 30 days", TimeSpan.FromDays(30)),
    ];

    public string Query { get; init; } = "";

    public SearchMode Mode { get; init; }

    public IReadOnlyList<MetadataFilter> Filters { get; init; } = [];

    /// <summary>The <c>Name</c> of one of <see cref="Ranges"/>.</summary>
    public string? Range { get; init; }

    /// <summary>The first day in the reader's zone, or the earliest instant; null for no bound.</summary>
    public string? From { get; init; }

    /// <summary>The last day in the reader's zone, or the latest instant; null for no bound.</summary>
    public string? To { get; init; }

    /// <summary>Which page, from 1; of a list that has pages.</summary>
    public int Page { get; init; } = 1;

    public bool HasTime => Range is not null || From is not null || To is not null;

    public bool IsFiltered => Filters.Count > 0 || HasTime;

    /// <summary>Whether this lists events as they came, with no count and no pages.</summary>
    public bool IsList => Query.Length == 0 && Filters.Count == 0;

    /// <summary>Reads the parts of an address; what cannot be read is passed over.</summary>
    public static SearchAsk Parse(string? query, string? mode, string[]? filters, string? range, string? from, string? to, string? page)
    {
        var (first, last) = (Bound(from), Bound(to));
        return new()
        {
            Query = query?.Trim() ?? "",
            Mode = Enum.TryParse<SearchMode>(mode, ignoreCase: true, out var known) && Enum.IsDefined(known) ? known : SearchMode.Hybrid,
            Filters = [.. (filters ?? []).Select(MetadataFilter.Parse).OfType<MetadataFilter>().Distinct()],
            Range = first is null && last is null && Ranges.Any(one => one.Name == range) ? range : null,
            From = first,
            To = last,
            Page = int.TryParse(page, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 1 and <= 1000 ? number : 1,
        };

        static string? Bound(string? text) => text is not null && (IsDay(text, out _) || IsInstant(text, out _)) ? text : null;
    }

    /// <summary>This filter added, or taken away if it is there; of the first page again.</summary>
    public SearchAsk Toggle(MetadataFilter filter) => this with
    {
        Filters = Filters.Contains(filter) ? [.. Filters.Where(one => one != filter)] : [.. Filters, filter],
        Page = 1,
    };

    public SearchAsk Within(string? range, string? from = null, string? to = null) => this with { Range = range, From = from, To = to, Page = 1 };

    /// <summary>What <see cref="Range"/>, <see cref="From"/> and <see cref="To"/> say, for a reader.</summary>
    public string TimeLabel => this switch
    {
        { Range: { } range } => Ranges.First(one => one.Name == range).Label,
        { From: { } from, To: { } to } when from == to => Label(from),
        { From: { } from, To: { } to } => $"{Label(from)} to {Label(to)}",
        { From: { } from } => $"Since {Label(from)}",
        { To: { } to } => $"Until {Label(to)}",
        _ => "Any time",
    };

    /// <summary>The bounds of the time, by the reader's zone.</summary>
    public (DateTimeOffset? From, DateTimeOffset? To) Window(DateTimeOffset now, TimeZoneInfo zone)
    {
        if (Ranges.FirstOrDefault(one => one.Name == Range) is { Name: not null } range)
            return (now.AddTicks(-(now.Ticks % TimeSpan.TicksPerMinute)) - range.Length, null); // whole minutes, so that answers can be repeated
        return (Instant(From, 0), Instant(To, 1));

        DateTimeOffset? Instant(string? text, int days)
        {
            if (text is null)
                return null;
            if (!IsDay(text, out var day))
                return IsInstant(text, out var instant) ? instant : null;
            var midnight = day.AddDays(days).ToDateTime(default);
            return new DateTimeOffset(midnight, zone.GetUtcOffset(midnight)).AddMicroseconds(-days);
        }
    }

    public SearchRequest ToRequest(int limit, DateTimeOffset now, TimeZoneInfo zone)
    {
        var (from, to) = Window(now, zone);
        return new()
        {
            Query = Query.Length > 0 ? Query : null,
            Mode = Query.Length > 0 ? Mode : null,
            Filter = Filters.Count > 0 ? JsonText.From(MetadataFilter.ToFilter(Filters)) : null,
            TsStart = from,
            TsEnd = to,
            Limit = limit,
            Offset = (Page - 1) * limit,
            Explain = Query.Length > 0,
        };
    }

    /// <summary>The address of the search page that asks this.</summary>
    public override string ToString()
    {
        var parts = new List<string>();
        Add("q", Query.Length > 0 ? Query : null);
        Add("mode", Mode == SearchMode.Hybrid ? null : Mode.ToString().ToLowerInvariant());
        foreach (var filter in Filters)
            Add("f", filter.ToString());
        Add("range", Range);
        Add("from", From);
        Add("to", To);
        Add("page", Page > 1 ? Page.ToString(CultureInfo.InvariantCulture) : null);
        return parts.Count == 0 ? Path : $"{Path}?{string.Join('&', parts)}";

        void Add(string name, string? value)
        {
            if (value is not null)
                parts.Add($"{name}={Uri.EscapeDataString(value)}");
        }
    }

    /// <summary>Where what it finds is exported.</summary>
    public string ToExport() => $"/import{(this with { Page = 1 }).ToString()[Path.Length..]}";

    private static bool IsDay(string text, out DateOnly day) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out day) && day < DateOnly.MaxValue;

    private static bool IsInstant(string text, out DateTimeOffset instant) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out instant);

    private static string Label(string bound) =>
        IsDay(bound, out var day) ? day.ToString("d MMM yyyy", CultureInfo.InvariantCulture)
        : IsInstant(bound, out var instant) ? instant.ToString("d MMM yyyy, HH:mm 'UTC'zzz", CultureInfo.InvariantCulture)
        : bound;
}
