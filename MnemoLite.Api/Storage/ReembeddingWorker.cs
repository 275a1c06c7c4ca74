using System.Data.Common;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Events;

namespace MnemoLite.Api.Storage;

/// <summary>
/// Embeds every event again where a next model is configured, then lets the store go over to it. Until then the old embeddings answer; it goes
/// on where it was after a restart; of several instances one does it.
/// </summary>
internal sealed class ReembeddingWorker(
    ReembeddingStore store, AloneInStore alone, StorageStore storage, EmbeddingModelStore models, StorePreparation preparation, ChangeFeed changes, TimeProvider clock,
    ILogger<ReembeddingWorker> log) : BackgroundService
{
    /// <summary>Fewer than this are left to be embedded after the store has gone over.</summary>
    private const int Few = 100;

    private const long LockId = 0x4D6E656D70;
    private const int BatchEvents = 64;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), MostPause = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = Pause;
        while (models.Next is { } next && !(preparation.Ready && models.IsSettled))
        {
            try
            {
                if (preparation.Ready)
                    await ReembedAsync(next, stoppingToken);
                pause = Pause;
            }
            catch (Exception exception) when (exception is EmbeddingsAwayException or DbException)
            {
                Log.ReembeddingPauses(log, exception.Message);
                pause = TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, MostPause.Ticks));
            }
            if (!models.IsSettled)
                await Task.Delay(pause, clock, stoppingToken);
        }
    }

    private async Task ReembedAsync(Embedder next, CancellationToken cancellationToken)
    {
        await alone.DoAsync(
            LockId,
            async () =>
            {
                await models.RefreshAsync(cancellationToken);
                if (models.IsSettled)
                    return;
                await store.BeginAsync(next.Model, cancellationToken);
                if (await storage.ReadAsync(cancellationToken) is { Reembedding: { } state })
                    Log.Reembedding(log, next.Model.Id, next.Model.Dimension, state.Total - state.Done, state.Total);
                while (await EmbedDueAsync(next, cancellationToken) >= Few)
                    await store.BuildIndexAsync(next.Model, cancellationToken);
                await store.BuildIndexAsync(next.Model, cancellationToken);
                await store.SwitchAsync(cancellationToken);
            },
            cancellationToken);
        await models.RefreshAsync(cancellationToken);
        if (!models.IsSettled)
            return;
        Log.Reembedded(log, next.Model.Id, next.Model.Dimension);
        changes.PublishMissed(); // every ranking is another one now
    }

    /// <returns>How many were due.</returns>
    private async Task<int> EmbedDueAsync(Embedder next, CancellationToken cancellationToken)
    {
        var count = 0;
        for (var last = Guid.Empty; ;)
        {
            var due = await store.ReadDueAsync(last, BatchEvents, cancellationToken);
            if (due.Count == 0)
                return count;
            try
            {
                await EmbedAsync(next, due, cancellationToken);
            }
            catch (EmbeddingRefusedException)
            {
                await EmbedEachAsync(next, due, cancellationToken);
            }
            last = due[^1].Id;
            count += due.Count;
        }
    }

    /// <summary>One of them is to blame: the others must not suffer for it.</summary>
    private async Task EmbedEachAsync(Embedder next, List<DueEvent> due, CancellationToken cancellationToken)
    {
        foreach (var item in due)
        {
            try
            {
                await EmbedAsync(next, [item], cancellationToken);
            }
            catch (EmbeddingRefusedException refused)
            {
                Log.EmbeddingGivenUp(log, item.Id, refused.Message);
                await store.GiveUpAsync(item, cancellationToken);
            }
        }
    }

    private async Task EmbedAsync(Embedder next, List<DueEvent> due, CancellationToken cancellationToken) =>
        await store.KeepAsync(
            due, await next.EmbedNowAsync(due.ConvertAll(item => EventText.Of(item.Content)), cancellationToken), next.Model, cancellationToken);
}
