namespace Aspire.Hosting.Local;

/// <summary>A trace in a list of them.</summary>
internal sealed record TraceSummary(string Id, string Name, string Service, DateTimeOffset Start, double Milliseconds, int Spans, bool Failed);

/// <summary>A trace with its spans, by their start.</summary>
internal sealed record TraceDetails(TraceSummary Trace, IEnumerable<TimedSpan> Spans);

/// <summary>A span, and where it is in its trace, in milliseconds.</summary>
internal sealed record TimedSpan(Span Span, double Offset, double Milliseconds);

/// <summary>Keeps the latest traces, in memory.</summary>
internal sealed class TraceStore
{
    private const int MaxTraces = 500;
    private const int MaxSpansOfOne = 2000;
    private const int MaxSpans = 20_000;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, List<Span>> _traces = [];
    private readonly Queue<string> _oldestFirst = [];
    private int _spans;

    public void Add(IEnumerable<Span> spans)
    {
        lock (_lock)
        {
            foreach (var span in spans)
            {
                if (!_traces.TryGetValue(span.TraceId, out var trace))
                {
                    _traces[span.TraceId] = trace = [];
                    _oldestFirst.Enqueue(span.TraceId);
                }
                if (trace.Count == MaxSpansOfOne)
                    continue;
                trace.Add(span);
                _spans++;
            }
            while ((_traces.Count > MaxTraces || _spans > MaxSpans) && _traces.Remove(_oldestFirst.Dequeue(), out var gone))
                _spans -= gone.Count;
        }
    }

    /// <summary>All that are kept, newest first.</summary>
    public List<TraceSummary> List()
    {
        lock (_lock)
            return [.. _traces.Select(trace => Summarize(trace.Key, trace.Value)).OrderByDescending(trace => trace.Start)];
    }

    public TraceDetails? Find(string id)
    {
        lock (_lock)
        {
            if (!_traces.TryGetValue(id, out var spans))
                return null;
            var start = spans.Min(span => span.Start);
            return new(Summarize(id, spans), [.. spans.OrderBy(span => span.Start)
                .Select(span => new TimedSpan(span, Milliseconds(span.Start - start), Milliseconds(span.End - span.Start)))]);
        }
    }

    /// <summary>It has the name of the span that it began with, of those here; where that only called another service, of what was called.</summary>
    private static TraceSummary Summarize(string id, List<Span> spans)
    {
        var ids = spans.Select(span => span.Id).ToHashSet();
        var root = spans.OrderBy(span => span.Start).FirstOrDefault(span => span.Parent is null || !ids.Contains(span.Parent), spans[0]);
        var called = root.Kind == SpanKind.Client ? spans.Find(span => span.Parent == root.Id) : null;
        var start = spans.Min(span => span.Start);
        return new(
            id, (called ?? root).Name, root.Service, DateTimeOffset.UnixEpoch.AddTicks((long)(start / 100)), Milliseconds(spans.Max(span => span.End) - start), spans.Count,
            spans.Exists(span => span.Failed));
    }

    private static double Milliseconds(ulong nanoseconds) => nanoseconds / 1e6;
}
