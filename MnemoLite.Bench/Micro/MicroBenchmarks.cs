using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace MnemoLite.Bench.Micro;

/// <summary>The parts a request is made of, each by itself.</summary>
internal static class MicroBenchmarks
{
    /// <param name="options">Of BenchmarkDotNet, such as <c>--filter *Json*</c>; all are run if none is given.</param>
    public static int Run(string[] options)
    {
        var artifacts = Path.Combine(Path.GetTempPath(), "mnemolite-bench-micro");
        // In this process: what BenchmarkDotNet would build for another one does not find its way through the two engines' build folders.
        var config = DefaultConfig.Instance.WithArtifactsPath(artifacts)
            .AddJob(Job.Default.WithToolchain(InProcessEmitToolchain.Instance));
        var summaries = BenchmarkSwitcher.FromAssembly(typeof(MicroBenchmarks).Assembly).Run(options is [] ? ["--filter", "*"] : options, config);
        return summaries.Any(summary => summary.HasCriticalValidationErrors || summary.Reports.Any(report => !report.Success)) ? 1 : 0;
    }
}
