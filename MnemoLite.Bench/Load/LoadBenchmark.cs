using System.Runtime.InteropServices;
using System.Text.Json;
using MnemoLite.Bench.Soak;

namespace MnemoLite.Bench.Load;

/// <summary>Puts load on a store of known content and tells how the API bears it.</summary>
internal static class LoadBenchmark
{
    /// <returns>The exit code: 0 where nothing failed and every bar was held.</returns>
    public static async Task<int> RunAsync(LoadOptions options)
    {
        using var interrupted = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using var termination = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        try
        {
            return await RunAsync(options, interrupted.Token);
        }
        catch (OperationCanceledException) when (interrupted.IsCancellationRequested)
        {
            return 130;
        }

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = !interrupted.IsCancellationRequested; // the second one ends it at once
            interrupted.Cancel();
        }
    }

    private static async Task<int> RunAsync(LoadOptions options, CancellationToken cancellationToken)
    {
        var startedAt = DateTimeOffset.UtcNow;
        var comparison = new Comparison(options.Compare is null ? null : await ReadAsync(options.Compare, cancellationToken));
        await using var target = await Target.PrepareAsync(options, cancellationToken);
        var run = new BenchmarkRun(target, options, scenario => TableReport.Write(Console.Out, scenario, comparison), cancellationToken);
        try
        {
            foreach (var name in options.Asked)
                await run.RunAsync(name);
        }
        finally
        {
            await TellAsync(run, target, startedAt, options, comparison); // also of a run that was cut short
        }
        return run.Scenarios.All(scenario => scenario.All.Failures == 0) && run.Rows.All(row => row.Passed != false) ? 0 : 1;
    }

    private static async Task TellAsync(BenchmarkRun run, Target target, DateTimeOffset startedAt, LoadOptions options, Comparison comparison)
    {
        var report = new Report
        {
            StartedAt = startedAt,
            Machine = Machine(),
            Store = new(target.Store.Events, Dataset.Nodes, Dataset.Edges, target.Store.Model),
            Zipf = options.Zipf,
            Seed = options.Seed,
            Scenarios = run.Scenarios,
            Rows = run.Rows,
            Series = run.Series,
        };
        TableReport.Write(Console.Out, report.Rows, comparison);
        if (options.Json is not null)
            await File.WriteAllTextAsync(options.Json, JsonSerializer.Serialize(report, ReportJson.Options));
        if (options.Html is not null)
            await File.WriteAllTextAsync(options.Html, HtmlReport.Write(report, comparison));
        if (options.Svg is not null)
            await File.WriteAllTextAsync(options.Svg, SeriesCharts.WriteImage(report));
    }

    private static async Task<Report> ReadAsync(string file, CancellationToken cancellationToken)
    {
        try
        {
            await using var stream = File.OpenRead(file);
            return (await JsonSerializer.DeserializeAsync<Report>(stream, ReportJson.Options, cancellationToken))!;
        }
        catch (JsonException exception)
        {
            throw new ArgumentException($"{file} is no report of this benchmark: {exception.Message}", exception);
        }
    }

    private static MachineFigures Machine() => new(
        RuntimeInformation.OSDescription,
        RuntimeInformation.FrameworkDescription,
        File.Exists("/proc/cpuinfo")
            ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? ""
            : "",
        Environment.ProcessorCount,
        Math.Round(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / Math.Pow(2, 30), 1),
        Directory.Exists("/proc/self") && Directory.EnumerateDirectories("/proc").Any(HasLargePages));

    private static bool HasLargePages(string process) =>
        ProcessTree.TryRead($"{process}/comm") == "postgres\n"
        && ProcessTree.TryRead($"{process}/status") is { } status
        && status.Split('\n').Any(line => line.StartsWith("HugetlbPages:", StringComparison.Ordinal) && !line.EndsWith(" 0 kB", StringComparison.Ordinal));
}
