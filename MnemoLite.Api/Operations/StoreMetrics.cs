using System.Data.Common;
using System.Diagnostics.Metrics;

namespace MnemoLite.Api.Operations;

/// <summary>
/// Metrics of the store, its standbys and the disks, read every few seconds so that a scrape waits for none of it; what cannot be read has no
/// series.
/// </summary>
internal sealed class StoreMetrics : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly PerformanceStore _store;
    private readonly TimeProvider _clock;
    private volatile StoreFigures? _figures;
    private volatile IReadOnlyList<Disk> _disks = [];

    public StoreMetrics(PerformanceStore store, TimeProvider clock, IMeterFactory meters)
    {
        (_store, _clock) = (store, clock);
        var meter = meters.Create("MnemoLite");
        meter.CreateObservableGauge("mnemolite.store.size", () => OfStore<long>(figures => figures.SizeBytes), "By", "What the database takes.");
        meter.CreateObservableGauge("mnemolite.store.events", () => OfStore<long>(figures => figures.Events), "{event}", "About how many events there are.");
        meter.CreateObservableGauge(
            "mnemolite.replication.lag", () => OfStandbys(standby => standby.Seconds), "s", "How long ago the primary was where the standby is.");
        meter.CreateObservableGauge(
            "mnemolite.replication.backlog", () => OfStandbys(standby => standby.Bytes), "By", "What the standby has not replayed yet.");
        meter.CreateObservableGauge(
            "mnemolite.backup.age", () => OfStore<double>(figures => figures.BackupAge), "s", "How long ago the last backup was made.");
        meter.CreateObservableCounter(
            "mnemolite.archive.failures", () => OfStore<long>(figures => figures.ArchiveFailures), "{failure}", "How often archiving the WAL failed.");
        meter.CreateObservableGauge(
            "mnemolite.disk.free", () => _disks.Select(disk => disk.Measure(disk.FreeBytes)), "By", "What is free on the disk of the service or the database.");
        meter.CreateObservableGauge("mnemolite.disk.size", () => _disks.Select(disk => disk.Measure(disk.SizeBytes)), "By", "What the disk holds in all.");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, _clock);
        do
        {
            try
            {
                _figures = await _store.ReadStoreAsync(stoppingToken);
            }
            catch (DbException)
            {
                _figures = null; // away, which others tell
            }
            var folders = new (string Of, string? Folder)[] { ("service", AppContext.BaseDirectory), ("database", _figures?.Folder) };
            _disks = [.. folders.Select(Find).OfType<Disk>()];
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static Disk? Find((string Of, string? Folder) place)
    {
        try
        {
            return place.Folder is null || new DriveInfo(place.Folder) is not { } disk ? null : new(place.Of, disk.AvailableFreeSpace, disk.TotalSize);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // in a container of its own, or not to be seen from here
        }
    }

    private IEnumerable<Measurement<T>> OfStore<T>(Func<StoreFigures, T?> value)
        where T : struct => _figures is { } figures && value(figures) is { } known ? [new(known)] : [];

    private IEnumerable<Measurement<double>> OfStandbys(Func<StandbyFigures, double> value) =>
        _figures?.Standbys.Select(standby => new Measurement<double>(
            value(standby), new KeyValuePair<string, object?>("standby", standby.Name), new KeyValuePair<string, object?>("address", standby.Address))) ?? [];

    private sealed record Disk(string Of, long FreeBytes, long SizeBytes)
    {
        public Measurement<long> Measure(long bytes) => new(bytes, new KeyValuePair<string, object?>("disk", Of));
    }
}
