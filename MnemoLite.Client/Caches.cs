namespace MnemoLite.Client;

/// <summary>How the caches of an instance do.</summary>
/// <param name="EventCache">Single events.</param>
/// <param name="SearchCache">Answers to searches.</param>
/// <param name="GraphCache">Parts of the graph.</param>
public sealed record CachesStats(CacheStats EventCache, CacheStats SearchCache, CacheStats GraphCache);

/// <summary>How a cache does, since its instance started.</summary>
/// <param name="Hits">Requests answered from it.</param>
/// <param name="Misses">Requests whose answer had to be made.</param>
/// <param name="HitRate">The part of hits, such as <c>82.0%</c>.</param>
/// <param name="Items">Answers in it.</param>
/// <param name="TtlSeconds">How long an answer is kept at most.</param>
/// <param name="MaxItems">How many answers it holds at most.</param>
/// <param name="MemoryBytes">About how many bytes they take.</param>
/// <param name="Evictions">Answers that had to go for others.</param>
public sealed record CacheStats(
    long Hits, long Misses, string HitRate, int Items, int TtlSeconds, int MaxItems, long MemoryBytes, long Evictions);
