using System.Data.Common;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using MnemoLite.Api.Database;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Events;

/// <summary>The changes of the events of a space as they commit, in whichever instance, for as long as the client listens.</summary>
internal sealed class EventStream(ChangeFeed feed, EventStore store, IHostApplicationLifetime lifetime, TimeProvider clock)
{
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(15);

    public async IAsyncEnumerable<SseItem<EventChange>> ReadAsync(Space space, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        using var subscription = feed.Subscribe();
        yield return new(new(), "ready") { ReconnectionInterval = TimeSpan.FromSeconds(1) };
        while (await TakeAsync(subscription, ending.Token) is { } taken)
        {
            if (taken.Count == 0)
                yield return new(new(), "heartbeat");
            var changes = taken.Where(change => change.Kind == ChangeKind.Missed || (change.Space == space.Name && change.Kind is not (ChangeKind.Node or ChangeKind.Edge))).ToList();
            if (await FindAsync(space, changes, ending.Token) is not { } events)
            {
                yield return new(new(), "reset");
                continue;
            }
            foreach (var change in changes)
            {
                if (change.Kind == ChangeKind.Missed)
                    yield return new(new(), "reset");
                else if (change.Kind == ChangeKind.Deleted)
                    yield return new(new() { Id = change.Id }, "deleted");
                else if (events.TryGetValue(change.Id, out var @event))
                    yield return new(new() { Id = change.Id, Event = @event }, change.Kind == ChangeKind.Created ? "created" : "updated");
            }
        }
    }

    /// <summary>The events that are new or changed; null while the database is away.</summary>
    private async Task<IReadOnlyDictionary<Guid, Event>?> FindAsync(Space space, IReadOnlyList<Change> changes, CancellationToken cancellationToken)
    {
        try
        {
            return await store.FindAsync(
                space, [.. changes.Where(change => change.Kind is ChangeKind.Created or ChangeKind.Updated).Select(change => change.Id)], cancellationToken);
        }
        catch (DbException)
        {
            return null;
        }
    }

    /// <summary>The next changes; none after a while of silence; null at the end.</summary>
    private async Task<IReadOnlyList<Change>?> TakeAsync(ChangeFeed.Subscription subscription, CancellationToken ending)
    {
        using var silence = new CancellationTokenSource(Silence, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ending, silence.Token);
        try
        {
            return await subscription.TakeAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return ending.IsCancellationRequested ? null : [];
        }
    }
}
