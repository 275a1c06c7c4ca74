using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Local;

/// <summary>One instance of a resource: started, watched, started again with growing pauses when it dies, stopped in good order.
/// <c>proxied</c> is where its requests come from.</summary>
internal sealed class SupervisedProcess(
    IResource resource, string id, ProcessSpec spec, Func<CancellationToken, Task<bool>> isHealthy, ProxiedReplica? proxied, TimeSpan stopGrace,
    ProcessLauncher launcher, ResourceNotificationService notifications, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan HealthyInterval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StartingInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private TaskCompletionSource _nextStart = NewSource(), _restartAsked = NewSource();

    /// <summary>Runs until the token ends it, then stops the process.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var pause = TimeSpan.FromSeconds(1);
        while (!stopping.IsCancellationRequested)
        {
            var startedAt = clock.GetTimestamp();
            var restartAsked = _restartAsked = NewSource();
            notifications.Publish(resource, id, KnownResourceStates.Starting);
            Interlocked.Exchange(ref _nextStart, NewSource()).SetResult();
            using var process = await launcher.StartAsync(spec, line => Log.Line(log, line), CancellationToken.None);
            Log.Started(log, process.Id);
            notifications.PublishStarted(resource, id, process.Id, clock.GetUtcNow().UtcDateTime);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(stopping);
            var health = WatchHealthAsync(startedAt, ended.Token);
            await Task.WhenAny(process.WaitForExitAsync(stopping), restartAsked.Task);
            await ended.CancelAsync();
            await health;
            if (proxied is not null)
                await proxied.LeaveAsync(clock);
            if (!process.HasExited)
                await ProcessLauncher.StopAsync(process, spec.StopSignal, stopGrace);
            notifications.Publish(resource, id, KnownResourceStates.Exited, exitCode: process.ExitCode);
            if (stopping.IsCancellationRequested)
                break;
            if (restartAsked.Task.IsCompleted)
                continue;

            if (clock.GetElapsedTime(startedAt) > LongestPause)
                pause = TimeSpan.FromSeconds(1);
            Log.Restarting(log, process.ExitCode, pause.TotalSeconds);
            await Task.Delay(pause, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
        Log.Stopped(log);
    }

    /// <summary>Stops the process in good order and starts it again; returns when it starts.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        var nextStart = _nextStart.Task;
        _restartAsked.TrySetResult();
        await nextStart.WaitAsync(cancellationToken);
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task WatchHealthAsync(long startedAt, CancellationToken ended)
    {
        var healthy = false;
        while (!ended.IsCancellationRequested)
        {
            var now = await IsHealthyAsync(ended);
            if (ended.IsCancellationRequested)
                return;
            proxied?.Use(now);
            notifications.Publish(resource, id, KnownResourceStates.Running, now ? HealthStatus.Healthy : HealthStatus.Unhealthy);
            if (now && !healthy)
                Log.Healthy(log, (long)clock.GetElapsedTime(startedAt).TotalMilliseconds);
            else if (!now && healthy)
                Log.Unhealthy(log);
            healthy = now;
            await Task.Delay(healthy ? HealthyInterval : StartingInterval, clock, ended)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> IsHealthyAsync(CancellationToken ended)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ended);
        patience.CancelAfter(TimeSpan.FromSeconds(5));
        try
        {
            return await isHealthy(patience.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException or IOException
                                              or Npgsql.NpgsqlException or System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}
