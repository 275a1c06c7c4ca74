using System.Diagnostics.Metrics;
using Microsoft.Extensions.Caching.Distributed;
using Microsoft.Extensions.Caching.Memory;
using Microsoft.Extensions.Options;
using ZiggyCreatures.Caching.Fusion;
using ZiggyCreatures.Caching.Fusion.MicrosoftHybridCache;
using ZiggyCreatures.Caching.Fusion.Serialization.SystemTextJson;

namespace MnemoLite.Api.Caching;

/// <summary>What a cache is called and how much it holds.</summary>
/// <param name="Name">Its name in metrics.</param>
/// <param name="Ttl">How long an answer is kept at most.</param>
/// <param name="MaxItems">How many there are in each instance at most.</param>
internal sealed record CacheSettings(string Name, TimeSpan Ttl, int MaxItems)
{
    /// <summary>With which its keys begin, in Redis too; another number where answers have another form.</summary>
    public string KeyPrefix { get; } = $"mnemolite:3:{Name}:";

    /// <summary>For how long the last answer is given again while the database is away.</summary>
    public TimeSpan StaleFor { get; init; }
}

internal static class CachingServices
{
    private const string RedisName = "redis";

    /// <summary>The recent writes that answers are checked against, and Redis as what the instances share, where it is configured.</summary>
    public static IHostApplicationBuilder AddCaching(this IHostApplicationBuilder builder)
    {
        builder.AddSettings<CachingOptions>(CachingOptions.Section);
        if (builder.HasRedis())
            builder.AddRedisDistributedCache(RedisName);
        builder.Services.AddSingleton<RecentWrites>();
        builder.Services.AddSingleton<EventVersionStore>();
        builder.Services.AddHostedService<HeardWrites>();
        return builder;
    }

    /// <summary>A cache of answers of one kind.</summary>
    public static IHostApplicationBuilder AddAnswerCache<TBasis>(this IHostApplicationBuilder builder, Func<CachingOptions, CacheSettings> settings)
        where TBasis : class, IAnswerBasis
    {
        var hasRedis = builder.HasRedis();
        builder.Services.AddSingleton(services =>
        {
            var options = services.GetRequiredService<IOptions<CachingOptions>>().Value;
            return Create<TBasis>(
                services, settings(options) with { StaleFor = TimeSpan.FromSeconds(options.StaleSeconds) },
                hasRedis ? TimeSpan.FromMilliseconds(options.RedisMilliseconds) : null);
        });
        return builder;
    }

    public static bool HasRedis(this IHostApplicationBuilder builder) => !string.IsNullOrEmpty(builder.Configuration.GetConnectionString(RedisName));

    private static AnswerCache<TBasis> Create<TBasis>(IServiceProvider services, CacheSettings settings, TimeSpan? redisPatience)
        where TBasis : class, IAnswerBasis
    {
        var memory = new MemoryCache(new MemoryCacheOptions { SizeLimit = settings.MaxItems });
        var fusion = CreateFusionCache(settings, redisPatience, memory, services.GetRequiredService<ILogger<FusionCache>>());
        if (redisPatience is not null)
            fusion.SetupDistributedCache(services.GetRequiredService<IDistributedCache>(), new FusionCacheSystemTextJsonSerializer());
        var cache = new AnswerCache<TBasis>(
            settings, new FusionHybridCache(fusion), memory, services.GetRequiredService<RecentWrites>(),
            services.GetRequiredService<TimeProvider>(), services.GetRequiredService<IMeterFactory>().Create("MnemoLite"));
        fusion.Events.Memory.Eviction += (_, eviction) => cache.OnEvicted(eviction.Value, eviction.Reason);
        return cache;
    }

    /// <summary>The engine of a cache: each answer counts as one item, and Redis, if any, is waited for no longer than told.</summary>
    internal static FusionCache CreateFusionCache(CacheSettings settings, TimeSpan? redisPatience, MemoryCache memory, ILogger<FusionCache> log) => new(
        new FusionCacheOptions
        {
            CacheName = settings.Name,
            CacheKeyPrefix = settings.KeyPrefix,
            DisableTagging = true, // would keep items of its own among the answers
            EnableSyncEventHandlersExecution = true,
            DistributedCacheCircuitBreakerDuration = TimeSpan.FromSeconds(1),
            DefaultEntryOptions = new FusionCacheEntryOptions(settings.Ttl)
            {
                Size = 1,
                AllowBackgroundDistributedCacheOperations = true,
                ReThrowSerializationExceptions = false,
                DistributedCacheHardTimeout = redisPatience ?? Timeout.InfiniteTimeSpan,
            },
        },
        memory, log);
}
