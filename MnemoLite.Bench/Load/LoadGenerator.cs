using System.Globalization;

namespace MnemoLite.Bench.Load;

/// <summary>Sends requests as users do, each after the answer to the one before, or by a timetable, whatever the answers do.</summary>
/// <param name="next">What is to be sent.</param>
/// <param name="send">Sends it.</param>
/// <param name="seed">Of what the users draw.</param>
/// <param name="clock">Tells the time, and when to send.</param>
/// <param name="progress">Told each second.</param>
/// <param name="wait">How a timetable waits until the next request is due; by <paramref name="clock"/>, if nothing is given.</param>
internal sealed class LoadGenerator(
    Func<Random, Operation> next, Func<Operation, CancellationToken, Task<Outcome>> send, int seed, TimeProvider clock, Progress? progress = null,
    Func<TimeSpan, CancellationToken, Task>? wait = null)
{
    /// <summary>How long after the end an answer may still come.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Func<TimeSpan, CancellationToken, Task> _wait = wait ?? ((time, cancellationToken) => Task.Delay(InMilliseconds(time), clock, cancellationToken));

    /// <summary>Users who each send their next request after the answer to the one before, and a pause if they make one.</summary>
    /// <param name="name">Of the scenario.</param>
    /// <param name="users">How many in the end.</param>
    /// <param name="ramp">How many come each second.</param>
    /// <param name="duration">After which nothing more is sent.</param>
    /// <param name="pause">The shortest and the longest pause.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public Task<ScenarioFigures> RunUsersAsync(
        string name, int users, double ramp, TimeSpan duration, (TimeSpan Shortest, TimeSpan Longest)? pause = null, CancellationToken cancellationToken = default)
    {
        var pauses = pause is { } between
            ? string.Create(CultureInfo.InvariantCulture, $"{between.Shortest.TotalSeconds}–{between.Longest.TotalSeconds} s between requests")
            : "no pause between requests";
        return RunAsync(
            name,
            users == 1 ? $"1 user, {pauses}" : $"{users} users, {pauses}",
            duration,
            (measurement, start, cancellation) => Task.WhenAll(Enumerable.Range(0, users).Select(async user =>
            {
                var random = new Random(seed + user);
                await Task.Delay(TimeSpan.FromSeconds(user / ramp), clock, cancellation);
                while (clock.GetElapsedTime(start) < duration && !cancellation.IsCancellationRequested)
                {
                    var sent = clock.GetTimestamp();
                    await SendAsync(measurement, next(random), sent, cancellation);
                    if (pause is not { } range)
                        continue;
                    var wait = range.Shortest + ((range.Longest - range.Shortest) * random.NextDouble());
                    if (clock.GetElapsedTime(start) + wait >= duration)
                        return;
                    await Task.Delay(wait, clock, cancellation);
                }
            })),
            cancellationToken);
    }

    /// <summary>
    /// Requests by a timetable, so many a second. A latency is counted from when the request was due, not from when it was sent: what had to
    /// wait because others took long is part of it (otherwise a service that stands still would be measured by a single request).
    /// </summary>
    /// <param name="name">Of the scenario.</param>
    /// <param name="rate">Requests a second.</param>
    /// <param name="duration">After which nothing more is sent.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public Task<ScenarioFigures> RunTimetableAsync(string name, double rate, TimeSpan duration, CancellationToken cancellationToken = default) => RunAsync(
        name,
        string.Create(CultureInfo.InvariantCulture, $"{rate} requests/s by timetable"),
        duration,
        async (measurement, start, cancellation) =>
        {
            var random = new Random(seed);
            var running = new List<Task>();
            for (var count = 0; count < duration.TotalSeconds * rate; count++)
            {
                var due = TimeSpan.FromSeconds(count / rate);
                if (due - clock.GetElapsedTime(start) is var early && early > TimeSpan.Zero)
                    await _wait(early, cancellation);
                running.Add(SendAsync(measurement, next(random), start + (long)(due.TotalSeconds * clock.TimestampFrequency), cancellation));
            }
            await Task.WhenAll(running);
        },
        cancellationToken);

    /// <summary>
    /// A wait that ends when it should. Timers go by a clock that moves every 4 ms on many a Linux, so that what they send comes 2 to 4 ms late, which
    /// would count as the service's; a thread that sleeps is woken within 0.2 ms, and what it takes to start is part of the wait.
    /// </summary>
    public static Task SleepAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        var begun = TimeProvider.System.GetTimestamp();
        return Task.Factory.StartNew(
            () =>
            {
                var left = time - TimeProvider.System.GetElapsedTime(begun);
                cancellationToken.WaitHandle.WaitOne(left > TimeSpan.Zero ? InMilliseconds(left) : TimeSpan.Zero);
                cancellationToken.ThrowIfCancellationRequested();
            },
            cancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Rounded up: what waits would cut off parts.</summary>
    private static TimeSpan InMilliseconds(TimeSpan time) => TimeSpan.FromMilliseconds(Math.Ceiling(time.TotalMilliseconds));

    private async Task<ScenarioFigures> RunAsync(
        string name, string load, TimeSpan duration, Func<Measurement, long, CancellationToken, Task> run, CancellationToken cancellationToken)
    {
        var measurement = new Measurement();
        using var late = new CancellationTokenSource(duration + Patience, clock);
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var ended = new CancellationTokenSource();
        var start = clock.GetTimestamp();
        var timeline = KeepTimelineAsync(name, measurement, start, duration, ended.Token);
        TimeSpan elapsed;
        try
        {
            await run(measurement, start, ending.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // too late; what was still waited for is counted as a failure
        }
        finally
        {
            elapsed = clock.GetElapsedTime(start);
            await ended.CancelAsync();
            await timeline;
            progress?.Clear();
        }
        cancellationToken.ThrowIfCancellationRequested();
        return measurement.ToFigures(name, load, elapsed);
    }

    private async Task SendAsync(Measurement measurement, Operation operation, long due, CancellationToken cancellationToken)
    {
        var outcome = await send(operation, cancellationToken);
        measurement.Record(operation.Route, clock.GetElapsedTime(due), outcome);
    }

    private async Task KeepTimelineAsync(string name, Measurement measurement, long start, TimeSpan duration, CancellationToken ended)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(ended))
            {
                var second = measurement.EndSecond();
                progress?.Show(string.Create(CultureInfo.InvariantCulture,
                    $"{name} {clock.GetElapsedTime(start).TotalSeconds:F0} of {duration.TotalSeconds:F0} s: {second.Requests:N0}/s, P50 {second.P50:F1} ms, P99 {second.P99:F1} ms{(second.Failures > 0 ? $", {second.Failures:N0} failed" : "")}"));
            }
        }
        catch (OperationCanceledException)
        {
            measurement.EndSecond();
        }
    }
}
