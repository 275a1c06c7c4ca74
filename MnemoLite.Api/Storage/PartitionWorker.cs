using System.Data.Common;
using Microsoft.Extensions.Options;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Storage;

/// <summary>Where events are partitioned: makes partitions ahead of time and drops those that are too old, once an hour.</summary>
internal sealed class PartitionWorker(
    PartitionStore store, EventPartitions partitions, StorePreparation preparation, ChangeFeed changes, IOptions<RetentionOptions> retention,
    TimeProvider clock, ILogger<PartitionWorker> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1), Moment = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!preparation.Ready)
            await Task.Delay(Moment, clock, stoppingToken);
        while (true)
        {
            try
            {
                await MaintainAsync(stoppingToken);
            }
            catch (DbException exception)
            {
                Log.PartitionsNotMaintained(log, exception.Message);
            }
            await Task.Delay(Interval, clock, stoppingToken);
        }
    }

    private async Task MaintainAsync(CancellationToken cancellationToken)
    {
        await partitions.RefreshAsync(cancellationToken);
        var months = retention.Value.Months;
        if (!partitions.Exist)
        {
            if (months > 0)
                Log.RetentionNeedsPartitions(log, months);
            return;
        }
        var now = clock.GetUtcNow();
        DateTimeOffset? cut = months == 0 ? null : new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(-months);
        var dropped = await store.MaintainAsync(cut, cancellationToken);
        if (dropped > 0)
        {
            Log.EventsDropped(log, dropped, cut!.Value);
            changes.PublishMissed();
        }
    }
}
