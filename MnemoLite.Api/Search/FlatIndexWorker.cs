using System.Data.Common;
using System.Diagnostics.Metrics;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Api.Search;

/// <summary>Keeps the index in memory, where the store has short forms and not too many events: up to date with each change, and once a minute in any case.</summary>
internal sealed class FlatIndexWorker(
    FlatIndexStore store, LiveFlatIndex live, ChangeFeed feed, EmbeddingModelStore models, StorePreparation preparation, TimeProvider clock,
    ILogger<FlatIndexWorker> log) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), Gathering = TimeSpan.FromMilliseconds(100), Interval = TimeSpan.FromMinutes(1);

    /// <summary>Every instance hears of a change within <see cref="Interval"/>; one that has not for so long reads everything anew.</summary>
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    /// <summary>It is not read anew more often, whatever searches find.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromSeconds(5);

    private readonly Queue<(long Time, string Snapshot)> _seen = new();
    private long? _tidied, _foundTooMany;
    private long _read;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(HearAsync(stoppingToken), KeepUpAsync(stoppingToken));

    private async Task HearAsync(CancellationToken cancellationToken)
    {
        using var changes = feed.Subscribe();
        while (true)
        {
            await changes.TakeAsync(cancellationToken);
            live.Ask(isIncomplete: false);
        }
    }

    private async Task KeepUpAsync(CancellationToken cancellationToken)
    {
        while (!preparation.Ready)
            await Task.Delay(Gathering, clock, cancellationToken);
        while (true)
        {
            var isDone = false;
            try
            {
                isDone = await UpdateAsync(cancellationToken);
            }
            catch (DbException exception)
            {
                Log.FlatIndexPauses(log, exception.Message);
            }
            await Task.Delay(isDone ? Gathering : Pause, clock, cancellationToken);
            if (isDone)
                await live.WaitAsync(Interval, clock, cancellationToken);
        }
    }

    /// <returns>Whether that is all for now; if not, the store will have short forms before long.</returns>
    private async Task<bool> UpdateAsync(CancellationToken cancellationToken)
    {
        if (_tidied is not { } tidied || clock.GetElapsedTime(tidied) >= Interval)
            await ForgetAsync(cancellationToken);
        var model = models.Current.Model;
        if (models.ShortFormsOf(model) is not { } forms)
        {
            live.Current = null;
            return models.IsSettled && models.Current.Directions is null;
        }
        if (_foundTooMany is { } found && clock.GetElapsedTime(found) < Interval)
            return true;
        var isToBeReadAnew = live.IsIncomplete && clock.GetElapsedTime(_read) >= Rest;
        if (live.Current is not { } index || index.Model != model.Id || isToBeReadAnew || !await store.CatchUpAsync(index, cancellationToken))
        {
            live.Current = await store.LoadAsync(model, forms, cancellationToken);
            _read = clock.GetTimestamp();
            _foundTooMany = live.Current is null ? _read : null;
        }
        return true;
    }

    private async Task ForgetAsync(CancellationToken cancellationToken)
    {
        string? forgotten = null;
        while (_seen.TryPeek(out var oldest) && clock.GetElapsedTime(oldest.Time) >= Kept)
            forgotten = _seen.Dequeue().Snapshot;
        var now = clock.GetTimestamp();
        _seen.Enqueue((now, await store.ForgetAsync(forgotten, cancellationToken)));
        _tidied = now;
    }
}

/// <summary>The index in memory as it is now, for searches.</summary>
internal sealed class LiveFlatIndex
{
    private readonly Wakeup _wakeup = new();
    private volatile FlatIndex? _current;
    private volatile bool _isIncomplete;

    public LiveFlatIndex(IMeterFactory? meters = null) => meters?.Create("MnemoLite").CreateObservableGauge(
        "mnemolite.search.index.events", () => Current?.Count ?? 0, "{event}",
        "Events that searches by meaning compare in memory; 0 while they use the database's index.");

    /// <summary>Null while there is none.</summary>
    public FlatIndex? Current
    {
        get => _current;
        set => (_current, _isIncomplete) = (value, false);
    }

    /// <summary>Whether a search found fewer events than there should be: some went without a word.</summary>
    public bool IsIncomplete => _isIncomplete;

    /// <summary>Has it brought up to date soon.</summary>
    /// <param name="isIncomplete">Whether to read it anew.</param>
    public void Ask(bool isIncomplete)
    {
        _isIncomplete |= isIncomplete;
        _wakeup.Call();
    }

    /// <summary>Waits until it is asked to be brought up to date, no longer than told.</summary>
    public Task WaitAsync(TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken) => _wakeup.WaitAsync(limit, clock, cancellationToken);
}
