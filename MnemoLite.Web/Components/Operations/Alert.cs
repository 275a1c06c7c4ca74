using MnemoLite.Client;

namespace MnemoLite.Web.Components.Operations;

/// <summary>Whether a figure is within its limit.</summary>
public enum AlertState
{
    /// <summary>There was too little to judge by.</summary>
    Unknown,

    /// <summary>It is.</summary>
    Good,

    /// <summary>It is not.</summary>
    Exceeded,
}

/// <summary>A figure that is watched.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">How it is now, in words.</param>
/// <param name="Limit">How it is to be, in words.</param>
/// <param name="State">Whether it is so.</param>
/// <param name="Action">What to do where it is not.</param>
public sealed record Alert(string Name, string Value, string Limit, AlertState State, string Action)
{
    /// <summary>The part of lookups that a cache is to answer, at least.</summary>
    public const double MinHitRate = 0.70;

    /// <summary>What 95 % of the requests are to stay within.</summary>
    public const double MaxP95Ms = 200;

    /// <summary>The part of requests that may fail.</summary>
    public const double MaxErrorRate = 0.01;

    /// <summary>The part of the database connections that may be busy.</summary>
    public const double MaxPoolUse = 0.90;

    /// <summary>With fewer requests, or lookups in a cache, nothing is concluded.</summary>
    public const int FewRequests = 20;

    private const string TooFew = "not enough traffic yet";

    /// <summary>The four figures: the lowest hit rate of a cache since the start, P95 and errors of the last minutes, the connections now.</summary>
    public static IReadOnlyList<Alert> Watch(RequestStatistics window, CachesStats caches, PoolState pool) =>
        [OnCaches(caches), OnLatency(window), OnErrors(window), OnPool(pool)];

    /// <summary>The part of a cache's lookups that it answered; null without any.</summary>
    public static double? HitRate(CacheStats cache) => cache.Hits + cache.Misses is > 0 and var lookups ? (double)cache.Hits / lookups : null;

    private static Alert OnCaches(CachesStats caches)
    {
        var judged = new (string Name, CacheStats Stats)[] { ("events", caches.EventCache), ("searches", caches.SearchCache), ("graph", caches.GraphCache) }
            .Where(cache => cache.Stats.Hits + cache.Stats.Misses >= FewRequests).OrderBy(cache => HitRate(cache.Stats)).FirstOrDefault();
        var rate = judged.Stats is null ? null : HitRate(judged.Stats);
        return new(
            "Cache hit rate", rate is null ? TooFew : $"{Figures.Percent(rate)} ({judged.Name})", $"at least {Figures.Percent(MinHitRate)}",
            StateOf(rate, rate < MinHitRate),
            "Agents rarely ask the same again, or there is too little room: raise the cache's MaxItems or its time to live.");
    }

    private static Alert OnLatency(RequestStatistics window)
    {
        var p95 = window.Requests >= FewRequests ? window.P95Ms : null;
        return new(
            "Answer time, P95", p95 is null ? TooFew : Figures.Milliseconds(p95), $"at most {Figures.Milliseconds(MaxP95Ms)}", StateOf(p95, p95 > MaxP95Ms),
            "See the slow statements below; narrow searches by metadata or time, or ask for fewer results.");
    }

    private static Alert OnErrors(RequestStatistics window)
    {
        double? rate = window.Requests >= FewRequests ? (double)window.Errors / window.Requests : null;
        return new(
            "Failed requests", rate is null ? TooFew : Figures.Percent(rate), $"at most {Figures.Percent(MaxErrorRate)}", StateOf(rate, rate > MaxErrorRate),
            "The service's log says why, by the trace_id of a failed answer.");
    }

    private static Alert OnPool(PoolState pool)
    {
        var use = pool.Max > 0 ? (double)pool.Busy / pool.Max : 0;
        return new(
            "Busy connections", $"{pool.Busy} of {pool.Max}", $"at most {Figures.Percent(MaxPoolUse)}", StateOf(use, use > MaxPoolUse),
            "If it stays so, raise Database__MaxPoolSize within PostgreSQL's max_connections, or mend the slow statements that hold them.");
    }

    private static AlertState StateOf(double? value, bool isExceeded) =>
        value is null ? AlertState.Unknown : isExceeded ? AlertState.Exceeded : AlertState.Good;
}
