using Microsoft.AspNetCore.DataProtection;
using StackExchange.Redis;

namespace MnemoLite.Web;

/// <summary>
/// The keys that protect antiforgery tokens and the state of pages: the same for every instance, so that each takes what another made. They are
/// kept in the folder <c>DataProtection:Folder</c>, otherwise in the Redis of the connection string <c>redis</c>, otherwise where ASP.NET
/// Core keeps the user's.
/// </summary>
internal static class ProtectionKeys
{
    private const string RedisKey = "mnemolite:data-protection", RedisLock = $"{RedisKey}:lock";
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(50), Patience = TimeSpan.FromSeconds(30);

    public static void AddProtectionKeys(this WebApplicationBuilder builder)
    {
        var protection = builder.Services.AddDataProtection().SetApplicationName("MnemoLite");
        if (Folder(builder.Configuration) is { } folder)
        {
            MakePrivate(folder);
            protection.PersistKeysToFileSystem(new DirectoryInfo(folder));
        }
        else if (builder.Configuration.GetConnectionString("redis") is { Length: > 0 } connection)
        {
            var redis = new Lazy<IConnectionMultiplexer>(() => ConnectionMultiplexer.Connect(connection));
            protection.PersistKeysToStackExchangeRedis(() => redis.Value.GetDatabase(), RedisKey);
            builder.Services.AddSingleton(_ => redis.Value);
        }
    }

    /// <summary>Reads the keys, or makes the first one. One instance at a time: of two that made one each at the same moment, neither would hear of
    /// the other's until a day later.</summary>
    public static async Task ReadProtectionKeysAsync(this WebApplication app)
    {
        var clock = app.Services.GetRequiredService<TimeProvider>();
        if (Folder(app.Configuration) is { } folder)
        {
            await using var alone = await LockAsync(folder, clock);
            Read();
        }
        else if (app.Services.GetService<IConnectionMultiplexer>()?.GetDatabase() is { } redis)
        {
            RedisValue me = Guid.NewGuid().ToString();
            while (!await redis.LockTakeAsync(RedisLock, me, Patience))
                await Task.Delay(Moment, clock);
            Read();
            await redis.LockReleaseAsync(RedisLock, me);
        }

        void Read() => app.Services.GetRequiredService<IDataProtectionProvider>().CreateProtector(nameof(ProtectionKeys)).Protect([]);
    }

    private static string? Folder(IConfiguration configuration) => configuration["DataProtection:Folder"] is { Length: > 0 } folder ? folder : null;

    private static void MakePrivate(string folder)
    {
        Directory.CreateDirectory(folder);
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static async Task<FileStream> LockAsync(string folder, TimeProvider clock)
    {
        for (var start = clock.GetTimestamp(); ;)
        {
            try
            {
                return new FileStream(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
            }
            catch (IOException) when (clock.GetElapsedTime(start) < Patience)
            {
                await Task.Delay(Moment, clock);
            }
        }
    }
}
