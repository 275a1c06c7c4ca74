using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using MnemoLite.Client;

namespace MnemoLite.Api.Operations;

/// <summary>The machine and this process. A look at the processor's time every few seconds gives its use of late.</summary>
internal sealed class ProcessMetrics : IHostedService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly string Version =
        typeof(ProcessMetrics).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;

    private readonly TimeProvider _clock;
    private readonly DateTimeOffset _startedAt;
    private (Look Older, Look Newer) _looks;
    private readonly Lock _lock = new();
    private ITimer? _timer;

    public ProcessMetrics(TimeProvider clock, IMeterFactory meters)
    {
        var meter = meters.Create("MnemoLite");
        meter.CreateObservableGauge("mnemolite.machine.load", () => Measured(ReadLoad()), null, "Processes that run or wait to, on average over a minute.");
        meter.CreateObservableGauge("mnemolite.machine.memory.available", () => Measured(ReadAvailableMemory()), "By", "What may still be taken.");
        meter.CreateObservableGauge("mnemolite.machine.memory.size", () => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes, "By", "What there is.");
        _clock = clock;
        using var process = Process.GetCurrentProcess();
        _startedAt = process.StartTime;
        var look = LookNow();
        _looks = (look, look);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = _clock.CreateTimer(_ => LookAgain(), null, Interval, Interval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    public SystemMetrics Read()
    {
        var now = _clock.GetUtcNow();
        using var process = Process.GetCurrentProcess();
        var memory = GC.GetGCMemoryInfo();
        var disk = new DriveInfo(AppContext.BaseDirectory);
        return new(
            now,
            new(
                Environment.ProcessId, _startedAt, Math.Round((now - _startedAt).TotalSeconds, 1), process.Threads.Count,
                RuntimeInformation.FrameworkDescription, Version, Environment.MachineName),
            ReadCpu(),
            new(Environment.WorkingSet, memory.TotalAvailableMemoryBytes) { AvailableBytes = ReadAvailableMemory() },
            new(disk.TotalSize, disk.AvailableFreeSpace),
            new(
                GC.GetTotalMemory(forceFullCollection: false), GC.GetTotalAllocatedBytes(),
                [.. Enumerable.Range(0, GC.MaxGeneration + 1).Select(GC.CollectionCount)], Math.Round(memory.PauseTimePercentage, 2)));
    }

    private CpuState ReadCpu()
    {
        Look former;
        lock (_lock)
            former = _looks.Older;
        var now = LookNow();
        var seconds = _clock.GetElapsedTime(former.Time, now.Time).TotalSeconds;
        var percent = seconds > 0 ? 100 * (now.Used - former.Used).TotalSeconds / seconds / Environment.ProcessorCount : 0;
        return new(Environment.ProcessorCount, Math.Round(Math.Clamp(percent, 0, 100), 1), Math.Round(seconds, 1)) { LoadAverage = ReadLoad() };
    }

    private void LookAgain()
    {
        var now = LookNow();
        lock (_lock)
            _looks = (_looks.Newer, now);
    }

    private Look LookNow() => new(_clock.GetTimestamp(), Environment.CpuUsage.TotalTime);

    private static double? ReadLoad() =>
        File.Exists("/proc/loadavg") && double.TryParse(
            File.ReadAllText("/proc/loadavg").Split(' ')[0], NumberStyles.Float, CultureInfo.InvariantCulture, out var load)
            ? load
            : null;

    private static long? ReadAvailableMemory()
    {
        const string Label = "MemAvailable:";
        return File.Exists("/proc/meminfo")
            && File.ReadLines("/proc/meminfo").FirstOrDefault(line => line.StartsWith(Label, StringComparison.Ordinal)) is { } line
            && long.TryParse(line[Label.Length..^"kB".Length], NumberStyles.Integer, CultureInfo.InvariantCulture, out var kib)
            ? kib * 1024
            : null;
    }

    private static IEnumerable<Measurement<T>> Measured<T>(T? value) where T : struct => value is { } known ? [new(known)] : [];

    private readonly record struct Look(long Time, TimeSpan Used);
}
