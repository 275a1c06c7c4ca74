using System.Data.Common;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Caching;

/// <summary>Takes what other instances write from the feed, with what searches need to know of it, into the recent writes.</summary>
internal sealed class HeardWrites(ChangeFeed feed, RecentWrites writes, EventVersionStore versions, TimeProvider clock) : BackgroundService
{
    /// <summary>More changes at once than these are a bulk: then every search is made again.</summary>
    private const int MostLookedAt = 32;

    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(40), Pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var changes = await feed.HearAsync(stoppingToken);
            if (changes.Any(change => change.Kind == ChangeKind.Missed))
                await CatchUpAsync(stoppingToken);
            await HearAsync([.. changes.Where(change => !change.IsOwn && change.Kind != ChangeKind.Missed)], stoppingToken);
            feed.PassOn(changes);
        }
    }

    private async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        for (var connection = feed.Listening; connection > 0 && connection == feed.Listening;)
        {
            try
            {
                writes.Forget(await versions.TakeSnapshotAsync(cancellationToken), connection);
                return;
            }
            catch (DbException)
            {
                await Task.Delay(Pause, clock, cancellationToken); // until then no cache is used; a new connection begins again
            }
        }
    }

    private async Task HearAsync(List<Change> changes, CancellationToken cancellationToken)
    {
        foreach (var change in changes.Where(change => change.Kind is ChangeKind.Node or ChangeKind.Edge or ChangeKind.Deleted))
            writes.Append(new(change.Space, change.Xid, change.Kind, [change.Id]));
        var changed = changes.FindAll(change => change.Kind is ChangeKind.Created or ChangeKind.Updated);
        if (changed.Count == 0)
            return;
        var found = changed.Count <= MostLookedAt ? await FindAsync([.. changed.Select(change => change.Id)], cancellationToken) : [];
        foreach (var change in changed)
            writes.Append(new(change.Space, change.Xid, change.Kind, [change.Id]) { After = found.GetValueOrDefault(change.Id) });
    }

    private async Task<Dictionary<Guid, EventVersion>> FindAsync(Guid[] ids, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            return await versions.FindAsync(ids, either.Token);
        }
        catch (Exception exception) when (exception is DbException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            return []; // unknown, so that they may change everything
        }
    }
}
