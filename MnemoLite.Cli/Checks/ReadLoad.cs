using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Cli.Checks;

/// <summary>Searches and reads of the newest events by many users at a time; writes nothing.</summary>
internal sealed class ReadLoad(MnemoLiteClient client, CheckList list)
{
    private const int Users = 20, NewestEvents = 100, QueryLength = 60;
    private const double MostMilliseconds = 200;
    private const string Remedy = "What could be better: GET /performance/optimize/suggestions";

    private readonly ConcurrentBag<double> _milliseconds = [];
    private int _failures;

    public async Task RunAsync(TimeSpan duration, CancellationToken cancellationToken)
    {
        var what = $"{Users} users are served for {duration.TotalSeconds:0} s";
        await list.CheckAsync(what, Remedy, async () =>
        {
            var events = (await client.ListAsync(NewestEvents, cancellationToken: cancellationToken)).Events;
            var start = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, Users).Select(user => UseAsync(user, events, () => Stopwatch.GetElapsedTime(start) < duration, cancellationToken)));
            var served = $"{_milliseconds.Count + _failures:N0} requests, {_failures:N0} failures";
            return _failures == 0 ? served : throw new CommandException(served);
        }, cancellationToken);
        if (_milliseconds.IsEmpty)
            return;
        var sorted = _milliseconds.Order().ToList();
        var figures = $"P50 {Percentile(50):0.0} ms, P95 {Percentile(95):0.0} ms, P99 {Percentile(99):0.0} ms";
        if (Percentile(95) <= MostMilliseconds)
            list.Passed($"P95 is at most {MostMilliseconds} ms", figures);
        else
            list.Failed($"P95 is at most {MostMilliseconds} ms", figures, Remedy);

        double Percentile(int percent) => sorted[(int)Math.Ceiling(sorted.Count * percent / 100.0) - 1];
    }

    private async Task UseAsync(int user, IReadOnlyList<Event> events, Func<bool> goesOn, CancellationToken cancellationToken)
    {
        for (var i = user; goesOn(); i++)
        {
            var @event = events.Count > 0 ? events[i % events.Count] : null;
            var start = Stopwatch.GetTimestamp();
            try
            {
                if (@event is null || i % 2 == 0)
                    await client.SearchAsync(new SearchRequest { Query = QueryOf(@event) }, cancellationToken);
                else
                    await client.GetAsync(@event.Id, cancellationToken); // null where it was forgotten meanwhile
                _milliseconds.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
            catch (Exception exception) when (
                exception is HttpRequestException or MnemoLiteException or IOException or JsonException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                Interlocked.Increment(ref _failures);
            }
        }
    }

    private static string QueryOf(Event? @event)
    {
        var text = SystemCheck.TextOf(@event);
        return string.IsNullOrWhiteSpace(text) ? "memory" : text[..Math.Min(QueryLength, text.Length)];
    }
}
