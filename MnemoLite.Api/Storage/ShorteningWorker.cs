using System.Data.Common;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Search;

namespace MnemoLite.Api.Storage;

/// <summary>
/// Gives the events of a store that is older than its model's directions their short forms, then has searches use them; and a store that has become large an index of them. It takes no
/// more than half of a connection's time; after a restart it goes on where it was; of several instances one does it.
/// </summary>
internal sealed class ShorteningWorker(
    ShorteningStore store, AloneInStore alone, EmbeddingModelStore models, LiveFlatIndex live, StorePreparation preparation, TimeProvider clock, ILogger<ShorteningWorker> log)
    : BackgroundService
{
    private const long LockId = 0x4D6E656D74;
    private const int BatchEvents = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var isDone = false; ;)
        {
            try
            {
                if (preparation.Ready && models.IsSettled && !(isDone && live.Current is { Count: <= ShorteningStore.MostWithoutIndex }))
                {
                    if (models.Current.Directions is null)
                        return;
                    await alone.DoAsync(LockId, () => ShortenAsync(stoppingToken), stoppingToken);
                    if (models.ShortForms is null)
                        await models.RefreshAsync(stoppingToken);
                    isDone = models.ShortForms is not null;
                    if (isDone && await store.HasIndexAsync(stoppingToken))
                        return;
                }
            }
            catch (DbException exception)
            {
                Log.ShorteningPauses(log, exception.Message);
            }
            await Task.Delay(isDone ? Interval : Pause, clock, stoppingToken);
        }
    }

    private async Task ShortenAsync(CancellationToken cancellationToken)
    {
        await models.BeginShortFormsAsync(cancellationToken);
        if (models.ShortForms is not null)
        {
            await store.BuildIndexesAsync(models.Current.Model, cancellationToken); // one that a former release did not have, or that there was no need of
            return;
        }
        Log.Shortening(log);
        for (Guid? last = Guid.Empty; last is { } after;)
        {
            var start = clock.GetTimestamp();
            last = await store.FillAsync(after, BatchEvents, cancellationToken);
            await Task.Delay(clock.GetElapsedTime(start), clock, cancellationToken);
        }
        await store.BuildIndexesAsync(models.Current.Model, cancellationToken);
        Log.Shortened(log);
    }
}
