using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Caching.Hybrid;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Logging.Abstractions;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Events;
using MnemoLite.Client;
using Npgsql;
using ZiggyCreatures.Caching.Fusion;
using ZiggyCreatures.Caching.Fusion.MicrosoftHybridCache;

namespace MnemoLite.Bench.Micro;

/// <summary>What an answer from the cache costs: finding it, and making sure that no write has changed it.</summary>
[MemoryDiagnoser]
public class CacheBenchmarks
{
    private const string Key = "default:event";
    private readonly HybridCache _cache;
    private readonly RecentWrites _writes;
    private readonly CachedAnswer<EventBasis> _answer;
    private ulong _xid = 1000;

    /// <summary>Keeps an answer of 6 kB.</summary>
    public CacheBenchmarks()
    {
        var settings = new CacheSettings("event", TimeSpan.FromHours(1), 500);
        var memory = new MemoryCache(new MemoryCacheOptions { SizeLimit = settings.MaxItems });
        _cache = new FusionHybridCache(CachingServices.CreateFusionCache(settings, redisPatience: null, memory, NullLogger<FusionCache>.Instance));
        var circuit = new DatabaseCircuit(TimeProvider.System);
        var feed = new ChangeFeed(NpgsqlDataSource.Create("Host=localhost"), circuit, TimeProvider.System, NullLogger<ChangeFeed>.Instance); // never opened
        _writes = new RecentWrites(feed, new WriteHorizon(), circuit);
        _answer = new(new byte[6000], new Snapshot(_xid, _xid, []), new EventBasis(Spaces.Default, Guid.CreateVersion7()));
    }

    /// <summary>Finds it in the cache.</summary>
    [Benchmark]
    public async Task<int> Find() => (await _cache.GetOrCreateAsync(Key, this, static (self, _) => ValueTask.FromResult(self._answer))).Json!.Length;

    /// <summary>Nothing was written since it was last asked for.</summary>
    [Benchmark]
    public ulong CheckWithoutWrites() => _writes.FindOutdating(_answer, knownWhenRead: 0);

    /// <summary>Notes a write to another event and checks against it.</summary>
    [Benchmark]
    public ulong CheckAfterWrite()
    {
        _writes.Append(new(Spaces.Default, ++_xid, ChangeKind.Updated, [Guid.Empty]));
        return _writes.FindOutdating(_answer, knownWhenRead: 0);
    }
}
