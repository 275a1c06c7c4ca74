using System.Data.Common;
using System.Diagnostics.Metrics;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Api.Events;

/// <summary>
/// Makes the embeddings that were not made at once: a generator outside the process, or a change of model, left them for later. Each instance has one; they share the backlog, and what one
/// took when it was killed is taken by another after the lease.
/// </summary>
internal sealed class EmbeddingWorker : BackgroundService
{
    private const int BatchEvents = 32, MaxAttempts = 5;
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1), Idle = TimeSpan.FromSeconds(0.5), MostPause = TimeSpan.FromSeconds(10);

    private readonly EmbeddingQueueStore _queue;
    private readonly EmbeddingModelStore _models;
    private readonly StorePreparation _store;
    private readonly RecentWrites _writes;
    private readonly TimeProvider _clock;
    private readonly ILogger<EmbeddingWorker> _log;
    private long _pending, _failed;

    public EmbeddingWorker(
        EmbeddingQueueStore queue, EmbeddingModelStore models, StorePreparation store, RecentWrites writes, IMeterFactory meters, TimeProvider clock,
        ILogger<EmbeddingWorker> log)
    {
        (_queue, _models, _store, _writes, _clock, _log) = (queue, models, store, writes, clock, log);
        var meter = meters.Create("MnemoLite");
        meter.CreateObservableGauge("mnemolite.embeddings.pending", () => Pending, "{event}", "Events whose embedding is still to be made.");
        meter.CreateObservableGauge("mnemolite.embeddings.failed", () => Failed, "{event}", "Events whose embedding was given up.");
    }

    /// <summary>How many events wait for their embedding, as last counted.</summary>
    public long Pending => Volatile.Read(ref _pending);

    /// <summary>For how many events it was given up, as last counted.</summary>
    public long Failed => Volatile.Read(ref _failed);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var pause = Idle; !stoppingToken.IsCancellationRequested;)
        {
            try
            {
                if (_store.Ready && await EmbedNextAsync(stoppingToken))
                {
                    pause = Idle;
                    continue;
                }
                pause = Idle;
            }
            catch (Exception exception) when (exception is EmbeddingsAwayException or DbException)
            {
                Log.EmbeddingsAway(_log, exception.Message);
                pause = TimeSpan.FromTicks(Math.Min(2 * pause.Ticks, MostPause.Ticks));
            }
            await Task.Delay(pause, _clock, stoppingToken);
        }
    }

    /// <returns>Whether there was anything to do.</returns>
    private async Task<bool> EmbedNextAsync(CancellationToken cancellationToken)
    {
        var (pending, failed) = await _queue.CountAsync(cancellationToken);
        Volatile.Write(ref _pending, pending);
        Volatile.Write(ref _failed, failed);
        var taken = pending == 0 ? [] : await _queue.TakeAsync(BatchEvents, Lease, cancellationToken);
        if (taken.Count == 0)
            return false;
        using var span = Tracing.Source.StartActivity("embed what is due");
        span?.SetTag("mnemolite.embeddings.texts", taken.Count);
        try
        {
            await EmbedAsync(taken, cancellationToken);
        }
        catch (EmbeddingRefusedException) when (taken.Count > 1)
        {
            for (var i = 0; i < taken.Count; i++) // one of them is to blame: the others must not suffer for it
            {
                try
                {
                    await EmbedAsync([taken[i]], cancellationToken);
                }
                catch (EmbeddingRefusedException refused)
                {
                    await RefuseAsync(taken[i], refused, cancellationToken);
                }
                catch (EmbeddingsAwayException)
                {
                    await _queue.GiveBackAsync(taken[i..], Idle, isOutage: true, cancellationToken);
                    throw;
                }
            }
        }
        catch (EmbeddingRefusedException refused)
        {
            await RefuseAsync(taken[0], refused, cancellationToken);
        }
        catch (EmbeddingsAwayException)
        {
            await _queue.GiveBackAsync(taken, Idle, isOutage: true, cancellationToken);
            throw;
        }
        return true;
    }

    private async Task EmbedAsync(List<PendingEmbedding> taken, CancellationToken cancellationToken)
    {
        var written = await _writes.DoAsync(() => _models.UseAsync(
            async embedder => await _queue.CompleteAsync(
                taken, await embedder.EmbedNowAsync(taken.ConvertAll(item => EventText.Of(item.Content)), cancellationToken), embedder.Model,
                cancellationToken),
            cancellationToken));
        foreach (var write in written)
            _writes.Add(write);
    }

    private async Task RefuseAsync(PendingEmbedding item, EmbeddingRefusedException refused, CancellationToken cancellationToken)
    {
        var givenUp = item.Attempts >= MaxAttempts;
        if (givenUp)
            Log.EmbeddingGivenUp(_log, item.Id, refused.Message);
        var written = await _queue.GiveBackAsync([item], givenUp ? null : item.Attempts * Idle, isOutage: false, cancellationToken);
        foreach (var write in givenUp ? written : [])
            _writes.Add(write);
    }
}
