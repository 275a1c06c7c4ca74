using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using MnemoLite.Client;

namespace MnemoLite.Api.Operations;

/// <summary>
/// Counts and times the requests of each route, since the start and over the last minutes, by what ASP.NET Core measures anyway. Counting is
/// an atomic addition or three; twice a minute the counts so far are put aside, and what has been added to the oldest of these is the window.
/// What was added in every ten seconds is kept for an hour.
/// </summary>
internal sealed class RouteMetrics : IHostedService, IDisposable
{
    private const int Snapshots = 10, SamplesToASnapshot = 3, Samples = 360;
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<(string Method, string Route), Requests> _routes = new();
    private readonly Queue<Snapshot> _snapshots = new(Snapshots + 1);
    private readonly Queue<RequestSample> _samples = new(Samples + 1);
    private readonly Lock _lock = new();
    private readonly MeterListener _listener = new();
    private readonly TimeProvider _clock;
    private readonly long _start;
    private (long Time, Counts Memory) _sampled;
    private int _ticks;
    private ITimer? _timer;

    public RouteMetrics(IMeterFactory meters, TimeProvider clock)
    {
        _clock = clock;
        _start = clock.GetTimestamp();
        _snapshots.Enqueue(new(_start, []));
        _sampled = (_start, new());
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is { Name: "http.server.request.duration", Meter.Name: "Microsoft.AspNetCore.Hosting" } && instrument.Meter.Scope == meters)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>((_, seconds, tags, _) => Record(seconds, tags));
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener.Start();
        _timer = _clock.CreateTimer(_ => Tick(), null, Interval, Interval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose()
    {
        _listener.Dispose();
        _timer?.Dispose();
    }

    public RequestMetrics Read()
    {
        Snapshot former;
        lock (_lock)
            former = _snapshots.Peek();
        var now = Count();
        var (windowSeconds, seconds) = (_clock.GetElapsedTime(former.Time, now.Time).TotalSeconds, _clock.GetElapsedTime(_start, now.Time).TotalSeconds);
        var (allSince, allOfWindow) = (new Counts(), new Counts());
        var routes = new List<RouteStatistics>();
        foreach (var ((method, route), since) in now.Routes.OrderByDescending(route => route.Value.Total).ThenBy(route => route.Key))
        {
            var ofWindow = since.Minus(former.Routes.GetValueOrDefault((method, route)));
            allSince.Add(since);
            allOfWindow.Add(ofWindow);
            routes.Add(new(method, route, ofWindow.Statistics(windowSeconds), since.Statistics(seconds)));
        }
        return new(_clock.GetUtcNow(), Math.Round(seconds, 1), allOfWindow.Statistics(windowSeconds), allSince.Statistics(seconds), routes);
    }

    /// <summary>How the requests on the memory went over the last hour.</summary>
    public RequestHistory ReadHistory()
    {
        Snapshot former;
        RequestSample[] samples;
        lock (_lock)
            (former, samples) = (_snapshots.Peek(), [.. _samples]);
        var (time, memory) = (_clock.GetTimestamp(), CountMemory());
        var window = memory.Minus(former.Memory).Statistics(_clock.GetElapsedTime(former.Time, time).TotalSeconds);
        return new(_clock.GetUtcNow(), Interval.TotalSeconds, window, samples);
    }

    private void Record(double seconds, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (method, route, status) = ("", "", 0);
        foreach (var (name, value) in tags)
        {
            switch (name)
            {
                case "http.request.method": method = value as string ?? ""; break;
                case "http.route": route = value as string ?? ""; break;
                case "http.response.status_code": status = value is int code ? code : 0; break;
            }
        }
        if (!_routes.TryGetValue((method, route), out var requests))
            requests = _routes.GetOrAdd((method, route), _ => new());
        requests.Record(seconds, status);
    }

    private void Tick()
    {
        var (time, memory) = (_clock.GetTimestamp(), CountMemory());
        var added = memory.Minus(_sampled.Memory).Statistics(_clock.GetElapsedTime(_sampled.Time, time).TotalSeconds);
        _sampled = (time, memory);
        var snapshot = ++_ticks % SamplesToASnapshot == 0 ? Count() : null;
        lock (_lock)
        {
            if (_samples.Count == Samples)
                _samples.Dequeue();
            _samples.Enqueue(new(_clock.GetUtcNow(), added.Requests, added.RequestsPerSecond, added.Errors) { P50Ms = added.P50Ms, P95Ms = added.P95Ms });
            if (snapshot is null)
                return;
            if (_snapshots.Count == Snapshots)
                _snapshots.Dequeue();
            _snapshots.Enqueue(snapshot);
        }
    }

    private Snapshot Count() => new(_clock.GetTimestamp(), _routes.ToDictionary(route => route.Key, route => route.Value.Count()));

    /// <summary>The requests on the memory itself, whatever their route.</summary>
    private Counts CountMemory()
    {
        var all = new Counts();
        foreach (var ((_, route), requests) in _routes)
        {
            if (IsOfMemory(route))
                requests.AddTo(all);
        }
        return all;
    }

    /// <summary>Not a look at the service itself, nor a stream, which lasts as long as somebody listens.</summary>
    private static bool IsOfMemory(string route) =>
        (route.StartsWith("/v1/", StringComparison.Ordinal) || route.StartsWith("/api/graph/", StringComparison.Ordinal)
            || route.StartsWith("/mcp", StringComparison.Ordinal))
        && !route.StartsWith("/v1/store", StringComparison.Ordinal) && !route.StartsWith("/v1/access", StringComparison.Ordinal)
        && !route.StartsWith("/v1/events/cache/", StringComparison.Ordinal)
        && !route.EndsWith("/stream", StringComparison.Ordinal);

    private sealed record Snapshot(long Time, Dictionary<(string Method, string Route), Counts> Routes)
    {
        public Counts Memory
        {
            get
            {
                var all = new Counts();
                foreach (var ((_, route), counts) in Routes)
                {
                    if (IsOfMemory(route))
                        all.Add(counts);
                }
                return all;
            }
        }
    }

    /// <summary>The requests of a route as they come.</summary>
    private sealed class Requests
    {
        private readonly LatencyHistogram _latency = new();
        private long _microseconds, _errors, _clientErrors;

        public void Record(double seconds, int status)
        {
            _latency.Record(seconds);
            Interlocked.Add(ref _microseconds, (long)(seconds * 1e6));
            if (status >= 500)
                Interlocked.Increment(ref _errors);
            else if (status >= 400)
                Interlocked.Increment(ref _clientErrors);
        }

        public Counts Count()
        {
            var counts = new Counts();
            AddTo(counts);
            return counts;
        }

        public void AddTo(Counts counts)
        {
            counts.Errors += Volatile.Read(ref _errors);
            counts.ClientErrors += Volatile.Read(ref _clientErrors);
            counts.Microseconds += Volatile.Read(ref _microseconds);
            _latency.AddTo(counts.Latency);
        }
    }

    /// <summary>How many requests there were in some time.</summary>
    private sealed class Counts
    {
        public long[] Latency { get; } = new long[LatencyHistogram.Length];

        public long Errors { get; set; }

        public long ClientErrors { get; set; }

        public long Microseconds { get; set; }

        public long Total => Latency.Sum();

        public void Add(Counts others) => Add(others, 1);

        public Counts Minus(Counts? others)
        {
            var difference = new Counts();
            difference.Add(this, 1);
            if (others is not null)
                difference.Add(others, -1);
            return difference;
        }

        public RequestStatistics Statistics(double seconds)
        {
            var total = Total;
            return new(
                Math.Round(seconds, 1), total, seconds > 0 ? Math.Round(total / seconds, 2) : 0, Errors,
                total == 0 ? 0 : Math.Round((double)Errors / total, 4), ClientErrors)
            {
                MeanMs = total == 0 ? null : Math.Round(Microseconds / 1e3 / total, 3),
                P50Ms = LatencyHistogram.Percentile(Latency, 0.5),
                P95Ms = LatencyHistogram.Percentile(Latency, 0.95),
                P99Ms = LatencyHistogram.Percentile(Latency, 0.99),
            };
        }

        private void Add(Counts others, int times)
        {
            for (var i = 0; i < Latency.Length; i++)
                Latency[i] += times * others.Latency[i];
            Errors += times * others.Errors;
            ClientErrors += times * others.ClientErrors;
            Microseconds += times * others.Microseconds;
        }
    }
}
