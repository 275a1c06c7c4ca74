using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Running;

namespace MnemoLite.Bench.Micro;

/// <summary>The parts a request is made of, each by itself.</summary>
internal static class MicroBenchmarks
{
    private static readonly string[] Selections = ["--filter", "-f", "--list"];

    /// <param name="options">Of BenchmarkDotNet, such as <c>--filter *Json*</c> or <c>--job short</c>; all are run if none is selected.</param>
    public static int Run(string[] options)
    {
        // In this process: what BenchmarkDotNet would build for another one does not find its way through the build folders of the two engines.
        string[] all = options.Intersect(Selections).Any() ? ["--inProcess"] : ["--inProcess", "--filter", "*"];
        var config = DefaultConfig.Instance.WithArtifactsPath(Path.Combine(Path.GetTempPath(), "mnemolite-bench-micro"));
        var summaries = BenchmarkSwitcher.FromAssembly(typeof(MicroBenchmarks).Assembly).Run([.. all, .. options], config).ToList();
        return summaries.Exists(summary => summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success)) ? 1 : 0;
    }
}
