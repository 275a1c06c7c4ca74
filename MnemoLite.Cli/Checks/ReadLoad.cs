using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Cli.Checks;

/// <summary>How a running system answers many users who search and read its newest events; nothing is written.</summary>
internal sealed class ReadLoad
{
    private const int NewestEvents = 100, QueryLength = 60;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(1);

    private readonly ConcurrentBag<double> _milliseconds = [];
    private int _failures;
    private List<double>? _sorted;

    private ReadLoad()
    {
    }

    public string Version { get; private init; } = "";

    public int Requests => _milliseconds.Count + _failures;

    public int Failures => _failures;

    /// <summary>Requests answered in a second.</summary>
    public double Rate { get; private set; }

    /// <summary>What the API's process holds of the memory after it, in bytes.</summary>
    public long Memory { get; private set; }

    /// <summary>Hits of the caches meanwhile, and how often they were asked.</summary>
    public IReadOnlyList<(string Cache, long Hits, long Asked)> Caches { get; private set; } = [];

    /// <summary>So many milliseconds were enough for this part of the requests; 0 where none was answered.</summary>
    public double Percentile(int percent)
    {
        _sorted ??= [.. _milliseconds.Order()];
        return _sorted.Count == 0 ? 0 : _sorted[(int)Math.Ceiling(_sorted.Count * percent / 100.0) - 1];
    }

    /// <summary>Lets users ask, one question after the other each.</summary>
    public static async Task<ReadLoad> PutOnAsync(
        MnemoLiteClient client, int users, TimeSpan duration, IProgress<string>? progress, CancellationToken cancellationToken)
    {
        var events = (await client.ListAsync(NewestEvents, cancellationToken: cancellationToken)).Events;
        await new ReadLoad().AskAsync(client, users, WarmUp, events, progress, cancellationToken);
        var before = await client.GetCacheStatsAsync(cancellationToken);
        var measured = new ReadLoad { Version = (await client.GetSystemMetricsAsync(cancellationToken)).Process.Version };
        await measured.AskAsync(client, users, duration, events, progress, cancellationToken);
        var after = await client.GetCacheStatsAsync(cancellationToken);
        measured.Memory = (await client.GetSystemMetricsAsync(cancellationToken)).Memory.WorkingSetBytes;
        measured.Caches = [Since("events", before.EventCache, after.EventCache), Since("searches", before.SearchCache, after.SearchCache)];
        return measured;

        static (string, long, long) Since(string cache, CacheStats before, CacheStats after) =>
            (cache, after.Hits - before.Hits, after.Hits + after.Misses - before.Hits - before.Misses);
    }

    private async Task AskAsync(
        MnemoLiteClient client, int users, TimeSpan duration, IReadOnlyList<Event> events, IProgress<string>? progress, CancellationToken cancellationToken)
    {
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, users).Select(AskAsync));
        Rate = _milliseconds.Count / Stopwatch.GetElapsedTime(start).TotalSeconds;

        async Task AskAsync(int user)
        {
            for (var i = user; Stopwatch.GetElapsedTime(start) < duration; i++)
            {
                var one = events.Count > 0 ? events[i % events.Count] : null;
                var asked = Stopwatch.GetTimestamp();
                try
                {
                    if (one is null || i % 2 == 0)
                        await client.SearchAsync(new SearchRequest { Query = QueryOf(one) }, cancellationToken);
                    else
                        await client.GetAsync(one.Id, cancellationToken); // null where it was forgotten meanwhile
                    _milliseconds.Add(Stopwatch.GetElapsedTime(asked).TotalMilliseconds);
                }
                catch (Exception exception) when (
                    exception is HttpRequestException or MnemoLiteException or IOException or JsonException
                    || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
                {
                    Interlocked.Increment(ref _failures);
                }
                progress?.Report($"{Requests:N0} requests");
            }
        }
    }

    private static string QueryOf(Event? @event) =>
        SystemCheck.TextOf(@event) is { } text && !string.IsNullOrWhiteSpace(text) ? text[..Math.Min(QueryLength, text.Length)] : "memory";
}
