using System.Text.Json;

namespace MnemoLite.Bench.Load;

/// <summary>What the service's caches counted, by cache; nothing where it does not tell.</summary>
internal static class CacheStatistics
{
    public static async Task<IReadOnlyList<CacheFigures>> ReadAsync(HttpClient http)
    {
        using var response = await http.GetAsync(new Uri("v1/events/cache/stats", UriKind.Relative));
        if (!response.IsSuccessStatusCode)
            return [];
        using var json = JsonDocument.Parse(await response.Content.ReadAsStreamAsync());
        return [.. json.RootElement.EnumerateObject().Select(cache => new CacheFigures(
            cache.Name.Replace("_cache", "", StringComparison.Ordinal), cache.Value.GetProperty("hits").GetInt64(), cache.Value.GetProperty("misses").GetInt64()))];
    }

    /// <summary>What was counted between the two.</summary>
    public static IReadOnlyList<CacheFigures> Between(IReadOnlyList<CacheFigures> before, IReadOnlyList<CacheFigures> after) =>
        [.. after.Join(before, cache => cache.Name, cache => cache.Name, (end, start) => new CacheFigures(end.Name, end.Hits - start.Hits, end.Misses - start.Misses))];
}
