using System.Diagnostics;
using OpenTelemetry.Trace;

namespace Microsoft.Extensions.Hosting;

/// <summary>Takes every request while there are few, and only so many each second while there are more, so that load pays next to nothing. A query
/// of the background, which no request waits for, is none.</summary>
internal sealed class PerSecondSampler(int most) : Sampler
{
    private long _second;
    private int _taken;

    public override SamplingResult ShouldSample(in SamplingParameters samplingParameters)
    {
        if (samplingParameters.Kind == ActivityKind.Client && samplingParameters.Name != "System.Net.Http.HttpRequestOut")
            return new(SamplingDecision.Drop);
        var second = Environment.TickCount64 / 1000;
        if (Interlocked.Exchange(ref _second, second) != second)
            Volatile.Write(ref _taken, 0);
        return new(Volatile.Read(ref _taken) < most && Interlocked.Increment(ref _taken) <= most ? SamplingDecision.RecordAndSample : SamplingDecision.Drop);
    }
}
