using System.Globalization;
using System.Text.Json.Serialization.Metadata;

namespace MnemoLite.Client;

public sealed partial class MnemoLiteClient
{
    /// <summary>What may be done with the key that is sent, or without one where none is needed.</summary>
    public Task<Access> GetAccessAsync(CancellationToken cancellationToken = default) => ReadAsync("v1/access", Json.Access, cancellationToken);

    /// <summary>The spaces that there are.</summary>
    public async Task<IReadOnlyList<string>> ListSpacesAsync(CancellationToken cancellationToken = default) =>
        (await ReadAsync("v1/spaces", Json.SpaceList, cancellationToken)).Spaces;

    /// <summary>How things are, by the severity of the events of the last 24 hours.</summary>
    public Task<MonitoringStatus> GetMonitoringStatusAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("api/monitoring/status", Json.MonitoringStatus, cancellationToken);

    /// <summary>The critical events of the last 24 hours, newest first.</summary>
    /// <param name="limit">How many at most, 1..50.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<IReadOnlyList<CriticalEvent>> ListCriticalEventsAsync(int limit = 10, CancellationToken cancellationToken = default) =>
        ReadAsync(
            string.Create(CultureInfo.InvariantCulture, $"api/monitoring/events/critical?limit={limit}"), Json.IReadOnlyListCriticalEvent,
            cancellationToken);

    /// <summary>How many events there were in each hour, or each day, of a period.</summary>
    /// <param name="period"><c>24h</c>, <c>7d</c> or <c>30d</c>.</param>
    /// <param name="severity">Only events of this severity.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<IReadOnlyList<TimelineBucket>> GetTimelineAsync(
        string period = "24h", string? severity = null, CancellationToken cancellationToken = default)
    {
        var path = $"api/monitoring/events/timeline?period={Uri.EscapeDataString(period)}";
        if (severity is not null)
            path += $"&severity={Uri.EscapeDataString(severity)}";
        return ReadAsync(path, Json.IReadOnlyListTimelineBucket, cancellationToken);
    }

    /// <summary>What the events of a period are about.</summary>
    /// <param name="period"><c>24h</c>, <c>7d</c> or <c>30d</c>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<EventDistribution> GetDistributionAsync(string period = "24h", CancellationToken cancellationToken = default) =>
        ReadAsync($"api/monitoring/events/distribution?period={Uri.EscapeDataString(period)}", Json.EventDistribution, cancellationToken);

    /// <summary>The store in four numbers.</summary>
    public Task<MonitoringMetrics> GetMonitoringMetricsAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("api/monitoring/metrics", Json.MonitoringMetrics, cancellationToken);

    /// <summary>The requests the instance that answers has had, by route.</summary>
    public Task<RequestMetrics> GetRequestMetricsAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("performance/metrics", Json.RequestMetrics, cancellationToken);

    /// <summary>How the requests on the memory went over the last hour, in the instance that answers.</summary>
    public Task<RequestHistory> GetRequestHistoryAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("performance/history", Json.RequestHistory, cancellationToken);

    /// <summary>How the caches of the instance that answers do.</summary>
    public Task<CachesStats> GetCacheStatsAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("performance/cache/stats", Json.CachesStats, cancellationToken);

    /// <summary>Empties the caches of the instance that answers; nobody needs to.</summary>
    public async Task ClearCachesAsync(CancellationToken cancellationToken = default)
    {
        using var response = await http.PostAsync(new Uri("performance/cache/clear", UriKind.Relative), null, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
    }

    /// <summary>The machine and the process of the instance that answers.</summary>
    public Task<SystemMetrics> GetSystemMetricsAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("performance/system", Json.SystemMetrics, cancellationToken);

    /// <summary>The database connections of the instance that answers.</summary>
    public Task<PoolState> GetPoolAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("performance/database/pool", Json.PoolState, cancellationToken);

    /// <summary>The statements that cost the database most.</summary>
    /// <param name="limit">How many at most, 1..100.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<SlowQueries> GetSlowQueriesAsync(int limit = 20, CancellationToken cancellationToken = default) =>
        ReadAsync(
            string.Create(CultureInfo.InvariantCulture, $"performance/database/slow-queries?limit={limit}"), Json.SlowQueries, cancellationToken);

    /// <summary>The indexes of the database, and how they are used.</summary>
    public Task<IndexUse> GetIndexesAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("performance/database/indexes", Json.IndexUse, cancellationToken);

    /// <summary>What could be better.</summary>
    public Task<OptimizationAdvice> GetSuggestionsAsync(CancellationToken cancellationToken = default) =>
        ReadAsync("performance/optimize/suggestions", Json.OptimizationAdvice, cancellationToken);

    private async Task<TAnswer> ReadAsync<TAnswer>(string path, JsonTypeInfo<TAnswer> answerType, CancellationToken cancellationToken)
        where TAnswer : class =>
        (await SendAsync<object, TAnswer>(HttpMethod.Get, path, null, null, answerType, cancellationToken))!;
}
