using System.Collections.Concurrent;
using System.Data.Common;
using System.Runtime.CompilerServices;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Security;

/// <summary>
/// The keys as they were at most <see cref="Fresh"/> ago, which is how long one that is revoked still opens. All are read at once: so what is no key
/// costs no query, whoever sends it. While the database is away they are good for <see cref="Longest"/>.
/// </summary>
internal sealed class KeyRing(
    KeyStore store, DatabaseCircuit circuit, StorePreparation preparation, Listening listening, TimeProvider clock, IHostApplicationLifetime lifetime,
    ILogger<KeyRing> log) : BackgroundService
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5), Longest = TimeSpan.FromMinutes(1);

    /// <summary>After which an id that is not known is looked for again, as it may be of a key just made; who shows it waits so long.</summary>
    private static readonly TimeSpan Young = TimeSpan.FromMilliseconds(100);

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(100), Patience = TimeSpan.FromSeconds(1), UseInterval = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly ConcurrentDictionary<string, bool> _used = new();
    private volatile Known? _known;
    private Task<Known>? _reading;

    /// <summary>The key of that id, or null where there is none.</summary>
    /// <exception cref="DbException">The database is away, and was so for too long.</exception>
    public ValueTask<StoredKey?> FindAsync(string id, CancellationToken cancellationToken)
    {
        if (_known is { } known && clock.GetElapsedTime(known.CheckedAt) < Fresh && known.Keys.TryGetValue(id, out var key))
            return new(key);
        return new(FindAnewAsync(id, cancellationToken));
    }

    /// <summary>What is told for as long as the key is good that it is told to.</summary>
    public async IAsyncEnumerable<T> WhileGoodAsync<T>(StoredKey key, IAsyncEnumerable<T> items, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var item in items.WithCancellation(cancellationToken))
        {
            if (await FindAsync(key.Id, cancellationToken) is null || key.IsExpired(clock.GetUtcNow()))
                yield break;
            yield return item;
        }
    }

    /// <summary>Notes, to the minute, that a key was used.</summary>
    public void NoteUse(string id) => _used.TryAdd(id, true);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!preparation.Ready)
            await Task.Delay(Moment, clock, stoppingToken);
        if (!await HasUsableKeyAsync(stoppingToken))
        {
            if (listening.BeyondLoopback)
            {
                Log.NoKey(log, listening.Addresses);
                Environment.ExitCode = 1;
                lifetime.StopApplication();
                return;
            }
            Log.NoKeyYet(log);
        }
        while (true)
        {
            await Task.Delay(UseInterval, clock, stoppingToken);
            await StoreUseAsync(stoppingToken);
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await StoreUseAsync(cancellationToken);
    }

    private async Task<StoredKey?> FindAnewAsync(string id, CancellationToken cancellationToken)
    {
        var known = _known;
        if (known is not null && clock.GetElapsedTime(known.CheckedAt) is var age && age < Young)
            await Task.Delay(Young - age, clock, cancellationToken);
        try
        {
            var reading = ReadAsync();
            known = await (known is null ? reading : reading.WaitAsync(Patience, clock, cancellationToken)).WaitAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is DbException or TimeoutException && known is not null && clock.GetElapsedTime(known.ReadAt) < Longest)
        {
            lock (_lock)
            {
                if (_known == known) // and none came after all
                    _known = known with { CheckedAt = clock.GetTimestamp() };
            }
        }
        return known.Keys.GetValueOrDefault(id);
    }

    /// <summary>Reads the keys, once for all who wait.</summary>
    private Task<Known> ReadAsync()
    {
        lock (_lock)
            return _reading is { IsCompleted: false } reading ? reading : _reading = ReadNowAsync();

        async Task<Known> ReadNowAsync()
        {
            var now = clock.GetTimestamp();
            var keys = await circuit.ReadAsync(() => store.ReadAsync(CancellationToken.None));
            if (!preparation.KeepsSpacesApart)
                keys = keys.Where(key => key.Value.Spaces is null).ToDictionary();
            return _known = new(keys, now, now);
        }
    }

    private async Task<bool> HasUsableKeyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return (await ReadAsync()).Keys.Values.Any(key => !key.IsExpired(clock.GetUtcNow()));
            }
            catch (DbException)
            {
                await Task.Delay(Patience, clock, cancellationToken);
            }
        }
    }

    private async Task StoreUseAsync(CancellationToken cancellationToken)
    {
        string[] used = [.. _used.Keys];
        if (used.Length == 0)
            return;
        try
        {
            await store.NoteUseAsync(used, cancellationToken);
            foreach (var id in used)
                _used.TryRemove(id, out _);
        }
        catch (DbException)
        {
            // they are noted the next time
        }
    }

    /// <param name="Keys">By their id.</param>
    /// <param name="ReadAt">When they were read.</param>
    /// <param name="CheckedAt">When that was last tried.</param>
    private sealed record Known(IReadOnlyDictionary<string, StoredKey> Keys, long ReadAt, long CheckedAt);
}
