using System.Net;
using System.Net.ServerSentEvents;
using MnemoLite.Client;

namespace MnemoLite.Web;

/// <summary>The changes of events as they commit, told to the pages of one person.</summary>
public sealed class LiveChanges
{
    private readonly ChangeStreams _streams;
    private readonly SignedIn _signedIn;

    internal LiveChanges(ChangeStreams streams, SignedIn signedIn) => (_streams, _signedIn) = (streams, signedIn);

    /// <summary>Called for each change, on no page's own thread: <c>created</c>, <c>updated</c>, <c>deleted</c>, or <c>reset</c>, after which what
    /// was read before must be read again.</summary>
    public event Action<SseItem<EventChange>>? Changed
    {
        add => _streams.Add(_signedIn.Key, _signedIn.Space, value);
        remove => _streams.Remove(_signedIn.Key, _signedIn.Space, value);
    }
}

/// <summary>One connection to the service for all pages with the same key, or with none, in the same space, for as long as there is one.</summary>
internal sealed class ChangeStreams(MemoryClients clients, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);
    private readonly Lock _lock = new();
    private readonly Dictionary<(string? Key, string? Space), Watch> _watches = [];

    public void Add(string? key, string? space, Action<SseItem<EventChange>>? listener)
    {
        lock (_lock)
        {
            if (!_watches.TryGetValue((key, space), out var watch))
            {
                _watches.Add((key, space), watch = new());
                _ = WatchAsync(clients.Create(key, space), watch);
            }
            watch.Changed += listener;
        }
    }

    public void Remove(string? key, string? space, Action<SseItem<EventChange>>? listener)
    {
        lock (_lock)
        {
            if (!_watches.TryGetValue((key, space), out var watch))
                return;
            watch.Changed -= listener;
            if (!watch.IsHeard && _watches.Remove((key, space)))
                watch.Dispose();
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var watch in _watches.Values)
                watch.Dispose();
            _watches.Clear();
        }
    }

    private async Task WatchAsync(MnemoLiteClient client, Watch watch)
    {
        var ended = watch.Ended;
        while (!ended.IsCancellationRequested)
        {
            try
            {
                await foreach (var change in client.WatchAsync(ended))
                {
                    if (change.EventType == "ready")
                        watch.Tell(new(new(), "reset")); // what happened before is not known here
                    else if (change.EventType != "heartbeat")
                        watch.Tell(change);
                }
            }
            catch (MnemoLiteException refused) when (refused.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
            {
                return; // the pages will hear it too, and ask for another key
            }
            catch (Exception failure) when (MemoryService.IsAway(failure) || failure is IOException or OperationCanceledException)
            {
                // the pages that are open tell that the service is away; here it is only tried again
            }
            await Task.Delay(Pause, clock, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private sealed class Watch : IDisposable
    {
        private readonly CancellationTokenSource _ended = new();

        public Watch() => Ended = _ended.Token;

        public event Action<SseItem<EventChange>>? Changed;

        public CancellationToken Ended { get; }

        public bool IsHeard => Changed is not null;

        public void Tell(SseItem<EventChange> change) => Changed?.Invoke(change);

        public void Dispose()
        {
            _ended.Cancel();
            _ended.Dispose();
        }
    }
}
