using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Caching.Memory;
using MnemoLite.Api.Database;
using MnemoLite.Client;

namespace MnemoLite.Api.Caching;

/// <summary>How an answer was come by, in the words of the header <c>Cache-Status</c> (RFC 9211).</summary>
internal enum CacheOutcome
{
    /// <summary>It was there.</summary>
    Hit,

    /// <summary>It was not there.</summary>
    Miss,

    /// <summary>It was there, but a write may have changed it.</summary>
    Stale,

    /// <summary>A write has changed it, but what it is made of now was known, so that only that was read.</summary>
    Continued,

    /// <summary>The cache was not asked.</summary>
    Bypass,

    /// <summary>It is the last that was known, as the database is away.</summary>
    Away,
}

/// <summary>One of the caches: answers of one kind, each checked against the latest writes before it is given.</summary>
internal sealed class AnswerCache<TBasis> : IDisposable where TBasis : class, IAnswerBasis
{
    private const int MaxMarks = 10_000, MaxTries = 4;

    private static readonly HybridCacheEntryOptions InMemoryOnly = new() { Flags = HybridCacheEntryFlags.DisableDistributedCache };

    private readonly HybridCache _cache;
    private readonly MemoryCache _memory;
    private readonly LastAnswers<TBasis> _last;
    private readonly RecentWrites _writes;
    private readonly CacheSettings _settings;
    private readonly TimeProvider _clock;
    private readonly string _spanName;
    private readonly TagList _tags;
    private ConcurrentDictionary<string, ulong> _marks = new();
    private long _hits, _misses, _evictions, _bytes;

    public AnswerCache(CacheSettings settings, HybridCache cache, MemoryCache memory, RecentWrites writes, TimeProvider clock, Meter meter)
    {
        (_settings, _cache, _memory, _writes, _clock) = (settings, cache, memory, writes, clock);
        _last = new(settings.MaxItems, settings.StaleFor, writes, clock);
        _spanName = $"cache {settings.Name}";
        _tags = new([new("cache", settings.Name)]);
        meter.CreateObservableCounter("mnemolite.cache.hits", () => Measure(ref _hits), "{request}", "Answers that were in the cache and still right.");
        meter.CreateObservableCounter("mnemolite.cache.misses", () => Measure(ref _misses), "{request}", "Answers that had to be made.");
        meter.CreateObservableCounter("mnemolite.cache.evictions", () => Measure(ref _evictions), "{item}", "Answers that had to go for others.");
        meter.CreateObservableGauge("mnemolite.cache.items", () => new Measurement<int>(memory.Count, _tags), "{item}", "Answers in the cache.");
        meter.CreateObservableGauge("mnemolite.cache.memory", () => Measure(ref _bytes), "By", "About what they take.");
    }

    public CacheStats Stats
    {
        get
        {
            var (hits, misses) = (Volatile.Read(ref _hits), Volatile.Read(ref _misses));
            return new(
                hits, misses, hits + misses == 0 ? "0.0%" : FormattableString.Invariant($"{100.0 * hits / (hits + misses):F1}%"), _memory.Count,
                (int)_settings.Ttl.TotalSeconds, _settings.MaxItems, Volatile.Read(ref _bytes), Volatile.Read(ref _evictions));
        }
    }

    /// <summary>Takes an answer from the cache if none of the writes since it was made can have changed it; makes it otherwise, once for all who ask.</summary>
    /// <param name="key">What is asked.</param>
    /// <param name="make">Makes the answer from the database; of a former one, if given, which a write has outdated and whose basis knows what is right.</param>
    /// <param name="bypass">Whether to make it in any case, and keep it from the cache.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The answer, and how old it is where it is the last that was known.</returns>
    public async ValueTask<(CachedAnswer<TBasis> Answer, CacheOutcome Outcome, TimeSpan Age)> GetAsync(
        string key, Func<CachedAnswer<TBasis>?, CancellationToken, ValueTask<CachedAnswer<TBasis>>> make, bool bypass, CancellationToken cancellationToken)
    {
        try
        {
            var (answer, outcome) = await GetRightAsync(key, make, bypass, cancellationToken);
            return (answer, outcome, TimeSpan.Zero);
        }
        catch (DbException away) when (!bypass && DatabaseCircuit.IsAway(away))
        {
            if (_last.Find(key) is not var (answer, age))
                throw;
            return (answer, CacheOutcome.Away, age);
        }
    }

    private async ValueTask<(CachedAnswer<TBasis> Answer, CacheOutcome Outcome)> GetRightAsync(
        string key, Func<CachedAnswer<TBasis>?, CancellationToken, ValueTask<CachedAnswer<TBasis>>> make, bool bypass, CancellationToken cancellationToken)
    {
        using var span = Tracing.Source.StartActivity(_spanName);
        if (bypass || !_writes.AreHeard)
            return (await make(null, cancellationToken), Note(span, CacheOutcome.Bypass));
        var outcome = CacheOutcome.Hit;
        CachedAnswer<TBasis>? former = null;
        var mark = _marks.GetValueOrDefault(key);
        for (var tries = 0; tries < MaxTries; tries++)
        {
            var place = Place(key, mark);
            var making = new Making(make, former, _clock);
            var answer = await _cache.GetOrCreateAsync(
                place, making, static (making, cancellationToken) => making.MakeAsync(cancellationToken),
                cancellationToken: cancellationToken);
            TakeNote(key, answer, making.Done ? TimeSpan.Zero : _settings.Ttl); // another instance may have made it some time ago
            if (making.Done)
                outcome = answer.IsContinued ? CacheOutcome.Continued : outcome == CacheOutcome.Hit ? CacheOutcome.Miss : outcome;
            var outdating = _writes.FindOutdating(answer, mark);
            if (outdating == 0)
            {
                Count(outcome == CacheOutcome.Hit);
                return (answer, Note(span, outcome));
            }
            outcome = CacheOutcome.Stale;
            former = IsContinuable(answer) ? answer : null;
            await _cache.RemoveAsync(place, cancellationToken);
            mark = Mark(key, outdating);
        }
        Count(hit: false);
        return (await make(null, cancellationToken), Note(span, CacheOutcome.Stale)); // written faster than it can be read
    }

    /// <summary>
    /// Puts in what a write of this instance has made of it, so that nobody has to read it; into this instance's memory only, and not where an answer
    /// has to have seen a later transaction by now.
    /// </summary>
    /// <param name="key">What is asked.</param>
    /// <param name="answer">The answer, which knows that write.</param>
    /// <param name="xid">The write's transaction, which is committed.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask PutAsync(string key, CachedAnswer<TBasis> answer, ulong xid, CancellationToken cancellationToken)
    {
        var former = _marks.GetValueOrDefault(key);
        if (!_writes.AreHeard || Mark(key, xid) != xid)
            return;
        _memory.Remove(_settings.KeyPrefix + Place(key, former)); // nobody asks for it any more
        await _cache.SetAsync(Place(key, xid), answer, InMemoryOnly, cancellationToken: cancellationToken);
        TakeNote(key, answer, TimeSpan.Zero);
    }

    /// <summary>Takes out what this instance has, from Redis too.</summary>
    public async Task ClearAsync(CancellationToken cancellationToken)
    {
        foreach (var key in _memory.Keys.OfType<string>())
            await _cache.RemoveAsync(key[_settings.KeyPrefix.Length..], cancellationToken);
        _last.Clear();
    }

    public void Dispose() => _last.Dispose();

    /// <summary>An answer has left the memory.</summary>
    public void OnEvicted(object? value, EvictionReason reason)
    {
        if (value is CachedAnswer<TBasis> answer && answer.Leave())
            Interlocked.Add(ref _bytes, -answer.Size);
        if (reason == EvictionReason.Capacity)
            Interlocked.Increment(ref _evictions);
    }

    /// <summary>Whether it may be continued: what was read so long ago that it would have left the cache is read anew, whatever has become of it.</summary>
    private bool IsContinuable(CachedAnswer<TBasis> answer) =>
        answer is { OutdatedBy: not 0, IsKnown: true, ReadAt: not 0 } && _clock.GetElapsedTime(answer.ReadAt) < _settings.Ttl;

    private static string Place(string key, ulong mark) => mark == 0 ? key : FormattableString.Invariant($"{key}@{mark}");

    private void TakeNote(string key, CachedAnswer<TBasis> answer, TimeSpan age)
    {
        if (!answer.Enter())
            return;
        Interlocked.Add(ref _bytes, answer.Size);
        _last.Keep(key, answer, age);
    }

    private Measurement<long> Measure(ref long value) => new(Volatile.Read(ref value), _tags);

    /// <summary>Remembers the transaction that an answer has to have seen from now on.</summary>
    private ulong Mark(string key, ulong xid)
    {
        if (_marks.Count >= MaxMarks)
            _marks = new(); // forgotten marks are found again by the answers they made stale
        return _marks.AddOrUpdate(key, xid, (_, former) => Math.Max(former, xid));
    }

    private void Count(bool hit)
    {
        if (hit)
            Interlocked.Increment(ref _hits);
        else
            Interlocked.Increment(ref _misses);
    }

    private CacheOutcome Note(Activity? span, CacheOutcome outcome)
    {
        span?.SetTag("mnemolite.cache.name", _settings.Name).SetTag("mnemolite.cache.outcome", outcome switch
        {
            CacheOutcome.Hit => "hit",
            CacheOutcome.Miss => "miss",
            CacheOutcome.Stale => "stale",
            CacheOutcome.Continued => "continued",
            _ => "bypass",
        });
        return outcome;
    }

    /// <summary>Tells whether this request made the answer, or another did.</summary>
    private sealed class Making(
        Func<CachedAnswer<TBasis>?, CancellationToken, ValueTask<CachedAnswer<TBasis>>> make, CachedAnswer<TBasis>? former, TimeProvider clock)
    {
        public bool Done { get; private set; }

        public async ValueTask<CachedAnswer<TBasis>> MakeAsync(CancellationToken cancellationToken)
        {
            Done = true;
            var begun = clock.GetTimestamp();
            var answer = await make(former, cancellationToken);
            if (answer.ReadAt == 0)
                answer.ReadAt = begun;
            return answer;
        }
    }
}
