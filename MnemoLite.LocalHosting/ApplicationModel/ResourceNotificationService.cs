using System.Threading.Channels;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The states a resource goes through.</summary>
public static class KnownResourceStates
{
    /// <summary>Something it depends on is not ready.</summary>
    public static readonly string Waiting = nameof(Waiting);

    /// <summary>Its process is being started.</summary>
    public static readonly string Starting = nameof(Starting);

    /// <summary>Its process runs; its health may not be known yet.</summary>
    public static readonly string Running = nameof(Running);

    /// <summary>It could not be started.</summary>
    public static readonly string FailedToStart = nameof(FailedToStart);

    /// <summary>Its process ended.</summary>
    public static readonly string Exited = nameof(Exited);

    /// <summary>The states in which a resource stays down.</summary>
    public static readonly IReadOnlyList<string> TerminalStates = [FailedToStart, Exited];
}

/// <summary>A resource's state.</summary>
/// <param name="Text">One of <see cref="KnownResourceStates"/>.</param>
public sealed record ResourceStateSnapshot(string Text);

/// <summary>How a resource is at one moment.</summary>
public sealed record CustomResourceSnapshot
{
    /// <summary>Where it is in its life; null before that began, and when it is over.</summary>
    public ResourceStateSnapshot? State { get; init; }

    /// <summary>What its health check says; null while it does not run.</summary>
    public HealthStatus? HealthStatus { get; init; }

    /// <summary>The exit code of a process that ended.</summary>
    public int? ExitCode { get; init; }

    /// <summary>When its process was started.</summary>
    public DateTime? StartTimeStamp { get; init; }

    internal int? ProcessId { get; init; }

    internal int Restarts { get; init; }
}

/// <summary>A resource changed.</summary>
/// <param name="resource">The resource.</param>
/// <param name="resourceId">The id of its instance: the name, and for projects a suffix.</param>
/// <param name="snapshot">How it is now.</param>
public sealed class ResourceEvent(IResource resource, string resourceId, CustomResourceSnapshot snapshot)
{
    /// <summary>The resource.</summary>
    public IResource Resource { get; } = resource;

    /// <summary>The id of its instance.</summary>
    public string ResourceId { get; } = resourceId;

    /// <summary>How it is now.</summary>
    public CustomResourceSnapshot Snapshot { get; } = snapshot;
}

/// <summary>Tells how the resources are.</summary>
public sealed class ResourceNotificationService
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ResourceEvent> _current = [];
    private readonly List<Channel<ResourceEvent>> _watchers = [];

    /// <summary>Every resource's present state, then every change.</summary>
    public async IAsyncEnumerable<ResourceEvent> WatchAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var channel = Channel.CreateUnbounded<ResourceEvent>();
        lock (_lock)
        {
            foreach (var @event in _current.Values)
                channel.Writer.TryWrite(@event);
            _watchers.Add(channel);
        }
        try
        {
            await foreach (var @event in channel.Reader.ReadAllAsync(cancellationToken))
                yield return @event;
        }
        finally
        {
            lock (_lock)
                _watchers.Remove(channel);
        }
    }

    /// <summary>Waits until an instance of the resource fulfils the condition.</summary>
    public async Task<ResourceEvent> WaitForResourceAsync(
        string resourceName, Func<ResourceEvent, bool> predicate, CancellationToken cancellationToken = default)
    {
        await foreach (var @event in WatchAsync(cancellationToken))
        {
            if (string.Equals(@event.Resource.Name, resourceName, StringComparison.OrdinalIgnoreCase) && predicate(@event))
                return @event;
        }
        throw new OperationCanceledException(cancellationToken);
    }

    /// <summary>Waits until every instance of the resource runs and is healthy.</summary>
    /// <exception cref="DistributedApplicationException">It failed to start or ended instead.</exception>
    public async Task<ResourceEvent> WaitForResourceHealthyAsync(string resourceName, CancellationToken cancellationToken = default)
    {
        var found = await WaitForResourceAsync(
            resourceName,
            @event => @event.Snapshot.State?.Text == KnownResourceStates.FailedToStart || AllHealthy(@event.Resource),
            cancellationToken);
        return found.Snapshot.State?.Text == KnownResourceStates.FailedToStart
            ? throw new DistributedApplicationException($"The resource '{resourceName}' failed to start; its log says why.")
            : found;
    }

    internal bool AllHealthy(IResource resource)
    {
        lock (_lock)
        {
            var instances = _current.Values.Where(@event => @event.Resource == resource).ToList();
            return instances.Count > 0 && instances.TrueForAll(@event => @event.Snapshot.HealthStatus == HealthStatus.Healthy);
        }
    }

    internal void Publish(IResource resource, string resourceId, string state, HealthStatus? health = null, int? exitCode = null) =>
        Publish(resource, resourceId, before => before with { State = new(state), HealthStatus = health, ExitCode = exitCode });

    /// <summary>Its process runs, for the first time or again.</summary>
    internal void PublishStarted(IResource resource, string resourceId, int processId, DateTime time) => Publish(resource, resourceId, before => before with
    {
        State = new(KnownResourceStates.Running),
        HealthStatus = HealthStatus.Unhealthy,
        ExitCode = null,
        StartTimeStamp = time,
        ProcessId = processId,
        Restarts = before.StartTimeStamp is null ? 0 : before.Restarts + 1,
    });

    private void Publish(IResource resource, string resourceId, Func<CustomResourceSnapshot, CustomResourceSnapshot> change)
    {
        lock (_lock)
        {
            var before = _current.GetValueOrDefault(resourceId);
            var snapshot = change(before?.Snapshot ?? new());
            if (before?.Snapshot == snapshot)
                return;
            if (resourceId != resource.Name)
                _current.Remove(resource.Name); // the instances take the place of the resource that waited
            var @event = _current[resourceId] = new(resource, resourceId, snapshot);
            foreach (var watcher in _watchers)
                watcher.Writer.TryWrite(@event);
        }
    }

    /// <summary>The instance is gone for good: it has no state any more.</summary>
    internal void Forget(string resourceId)
    {
        lock (_lock)
        {
            if (!_current.Remove(resourceId, out var last))
                return;
            foreach (var watcher in _watchers)
                watcher.Writer.TryWrite(new(last.Resource, resourceId, new()));
        }
    }
}
