namespace Aspire.Hosting.Local;

/// <summary>The replicas of a project. Another release takes their place one by one, without a gap where a proxy is before them.</summary>
/// <param name="count">How many replicas there are.</param>
/// <param name="start">Starts a replica of the release in a folder, the one of the build where it is null.</param>
/// <param name="waitUntilHealthy">Waits until it is; fails when it ends instead.</param>
internal sealed class ReplicaSet(int count, Func<string?, Replica> start, Func<Replica, CancellationToken, Task> waitUntilHealthy)
{
    private readonly Replica[] _replicas = new Replica[count];

    public int Count => count;

    /// <summary>Runs replicas of a release until the token ends them, or the program cannot be started.</summary>
    public async Task RunAsync(string? release, CancellationToken stopping)
    {
        for (var i = 0; i < count; i++)
            _replicas[i] = start(release);
        var running = _replicas.Select(replica => replica.Running).ToList();
        var stopped = Task.Delay(Timeout.InfiniteTimeSpan, stopping);
        while (running.Count > 0 && await Task.WhenAny([stopped, .. running]) is var ended && ended != stopped)
        {
            running.Remove(ended);
            await ended; // tells why it could not be started
        }
        await stopped.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await Task.WhenAll(_replicas.Select(replica => replica.StopAsync()));
    }

    /// <summary>Starts a replica of the release, lets it take over when it is healthy, and stops the one whose place it takes.</summary>
    /// <returns>The replica; null where the place has one of that release already.</returns>
    /// <exception cref="DistributedApplicationException">It did not become healthy; the other one goes on.</exception>
    public async Task<Replica?> ReplaceAsync(int place, string? release, CancellationToken cancellationToken)
    {
        var former = _replicas[place];
        if (former.Release == release)
            return null;
        var next = start(release);
        try
        {
            await waitUntilHealthy(next, cancellationToken);
        }
        catch
        {
            await next.StopAsync();
            throw;
        }
        _replicas[place] = next;
        await former.StopAsync();
        return next;
    }

}

/// <summary>One process of a project, until it is stopped.</summary>
/// <param name="Id">The id of the instance.</param>
/// <param name="Release">The folder of the release it is of; null for the build's own.</param>
/// <param name="Running">Ends when it is stopped; fails when the program cannot be started.</param>
/// <param name="Stopping">Stops it.</param>
internal sealed record Replica(string Id, string? Release, Task Running, CancellationTokenSource Stopping)
{
    /// <summary>Lets what is under way be done, then stops it in good order.</summary>
    public async Task StopAsync()
    {
        await Stopping.CancelAsync();
        await Running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
