using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Threading.Channels;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>What happened, to an event or in the graph.</summary>
internal enum ChangeKind
{
    Created,
    Updated,
    Deleted,

    /// <summary>Anything may have: changes were missed.</summary>
    Missed,

    /// <summary>A node of the graph is new, changed or gone.</summary>
    Node,

    /// <summary>An edge is new, changed or gone at this node.</summary>
    Edge,
}

/// <summary>A change that is committed.</summary>
/// <param name="Space">Where; empty where anything may have changed.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Id">To which event or node.</param>
/// <param name="Xid">In which transaction.</param>
/// <param name="IsOwn">Whether this instance did it.</param>
internal readonly record struct Change(string Space, ChangeKind Kind, Guid Id, ulong Xid, bool IsOwn = false);

/// <summary>
/// Tells every instance what each of them changed, by PostgreSQL's <c>NOTIFY</c>. It is sent after the commit, many changes in one: inside
/// the transactions it would make them commit one after the other. Its connection also tells whether the database answers at all.
/// </summary>
internal sealed class ChangeFeed(NpgsqlDataSource dataSource, DatabaseCircuit circuit, TimeProvider clock, ILogger<ChangeFeed> log) : BackgroundService
{
    private const string ListenSql = "LISTEN mnemolite_changes";

    /// <summary>To tell is a transaction, too; it does not wait for the disk, as nothing of it need outlive a crash.</summary>
    private const string NotifySql = "SELECT set_config('synchronous_commit', 'off', true), pg_notify('mnemolite_changes', payload) FROM unnest($1) AS payload";

    /// <summary>A payload has at most 8,000 bytes, a change takes up to 50.</summary>
    private const int ChangesPerNotification = 150;

    private const string Signs = "+~-!ne"; // by ChangeKind
    private static readonly Change Missed = new("", ChangeKind.Missed, Guid.Empty, 0);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1), ShortPause = TimeSpan.FromSeconds(0.1);
    private static readonly TimeSpan Gathering = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(1), Patience = TimeSpan.FromSeconds(4);

    private readonly string _instance = Guid.NewGuid().ToString("N")[..8];
    private readonly ChangeQueue _committed = new(100_000), _heard = new(100_000);
    private readonly ConcurrentDictionary<Subscription, bool> _subscriptions = new();
    private long _connections, _listening;

    /// <summary>The number of the connection that hears of changes; 0 while there is none.</summary>
    public long Listening => Volatile.Read(ref _listening);

    /// <summary>Tells of a change that is committed; returns at once.</summary>
    public void Publish(string space, ChangeKind kind, ulong xid, IReadOnlyList<Guid> ids)
    {
        _committed.Add([.. ids.Select(id => new Change(space, kind, id, xid))]);
    }

    /// <summary>Tells that anything may have changed; returns at once.</summary>
    public void PublishMissed() => _committed.Add([Missed]);

    /// <summary>The next changes as they come in, of this instance and others, for the one that passes them on to those who subscribed.</summary>
    public Task<IReadOnlyList<Change>> HearAsync(CancellationToken cancellationToken) => _heard.TakeAsync(ChangesPerNotification, cancellationToken);

    /// <summary>Passes changes on: from now on nothing here answers with what was before them.</summary>
    public void PassOn(IReadOnlyList<Change> changes)
    {
        foreach (var subscription in _subscriptions.Keys)
            subscription.Changes.Add(changes);
    }

    /// <summary>From now on, every change; until it is disposed.</summary>
    public Subscription Subscribe()
    {
        var subscription = new Subscription(this);
        _subscriptions[subscription] = true;
        return subscription;
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(NotifyAsync(stoppingToken), ListenAsync(stoppingToken));

    private async Task NotifyAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var taken = await _committed.TakeAsync(ChangesPerNotification, cancellationToken);
            var changes = taken.Distinct().ToList(); // to have missed is told once
            for (var sent = false; !sent;)
            {
                try
                {
                    await circuit.DoAsync(() => NotifyAsync(changes, cancellationToken)); // to tell it twice does no harm
                    sent = true;
                }
                catch (NpgsqlException exception)
                {
                    Log.ChangeFeedAway(log, exception.Message);
                    await Task.Delay(Pause, clock, cancellationToken);
                }
            }
            if (taken.Count < ChangesPerNotification) // of many at once the next wait already
                await Task.Delay(Gathering, clock, cancellationToken); // one change alone is told at once, those that follow together
        }
    }

    private async Task<int> NotifyAsync(IReadOnlyList<Change> changes, CancellationToken cancellationToken)
    {
        await using var notify = dataSource.CreateCommand(NotifySql);
        notify.Parameters.Add(new() { Value = changes.GroupBy(change => change.Space).Select(one => Write(one.Key, one)).ToArray() });
        return await notify.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Hears by one connection after the other; where the next cannot be had at once, the database is away.</summary>
    private async Task ListenAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var former = _connections;
            try
            {
                await ListenByOneAsync(cancellationToken);
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
            {
                Volatile.Write(ref _listening, 0);
                Log.ChangeFeedAway(log, exception.Message);
                dataSource.Clear(); // what is idle is as dead
                var wasHeard = _connections > former;
                if (!wasHeard)
                    await circuit.OpenAsync();
                await Task.Delay(wasHeard ? ShortPause : Pause, clock, cancellationToken);
            }
        }
    }

    private async Task ListenByOneAsync(CancellationToken cancellationToken)
    {
        var connection = await OpenAsync(cancellationToken);
        var listen = new NpgsqlCommand(ListenSql, connection);
        Task asked = Task.CompletedTask;
        try
        {
            connection.Notification += (_, notification) => _heard.Add(Read(notification.Payload));
            for (var isNew = true; ; isNew = false)
            {
                asked = listen.ExecuteNonQueryAsync(CancellationToken.None); // Npgsql blocks where what is cancelled does not answer
                await asked.WaitAsync(Patience, clock, cancellationToken);
                if (isNew)
                {
                    Volatile.Write(ref _listening, ++_connections);
                    _heard.Add([Missed]);
                    await circuit.CloseAsync();
                }
                while (await connection.WaitAsync(Silence, cancellationToken))
                    continue; // nothing new for a while: does it still answer?
            }
        }
        finally
        {
            var closing = CloseAfterAsync(asked);
            if (asked.IsCompleted)
                await closing;
        }

        async Task CloseAfterAsync(Task asked)
        {
            await asked.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await listen.DisposeAsync();
            await connection.DisposeAsync();
        }
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        return await dataSource.OpenConnectionAsync(either.Token);
    }

    /// <summary>The space, the instance, and each change as a sign, an id and its transaction.</summary>
    private string Write(string space, IEnumerable<Change> changes)
    {
        var payload = new StringBuilder($"{space} {_instance}");
        foreach (var change in changes)
            payload.Append(CultureInfo.InvariantCulture, $" {Signs[(int)change.Kind]}{change.Id:N}{change.Xid:x}");
        return payload.ToString();
    }

    private List<Change> Read(string payload)
    {
        const int IdLength = 32;
        var changes = new List<Change>();
        var parts = payload.Split(' ');
        foreach (var part in parts.Skip(2))
        {
            changes.Add(part.Length > 1 + IdLength && Signs.IndexOf(part[0], StringComparison.Ordinal) is var kind and >= 0
                && Guid.TryParseExact(part.AsSpan(1, IdLength), "N", out var id)
                && ulong.TryParse(part.AsSpan(1 + IdLength), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var xid)
                    ? new(parts[0], (ChangeKind)kind, id, xid, IsOwn: parts[1] == _instance)
                    : Missed);
        }
        return changes.Count == 0 ? [Missed] : changes; // of another release, which does not name itself
    }

    /// <summary>The changes that one reader has not taken yet.</summary>
    internal sealed class Subscription(ChangeFeed feed) : IDisposable
    {
        internal ChangeQueue Changes { get; } = new(10_000);

        /// <summary>The next changes, in their order, at least one; a single <see cref="ChangeKind.Missed"/> if the reader fell behind.</summary>
        public Task<IReadOnlyList<Change>> TakeAsync(CancellationToken cancellationToken) =>
            Changes.TakeAsync(ChangesPerNotification, cancellationToken);

        public void Dispose() => feed._subscriptions.TryRemove(this, out _);
    }

    /// <summary>Changes that wait; too many of them become a single <see cref="ChangeKind.Missed"/>.</summary>
    internal sealed class ChangeQueue(int capacity)
    {
        private readonly Channel<Change> _changes = Channel.CreateBounded<Change>(new BoundedChannelOptions(capacity) { SingleReader = true });
        private volatile bool _missed;

        public void Add(IReadOnlyList<Change> changes)
        {
            foreach (var change in changes)
            {
                if (!_changes.Writer.TryWrite(change))
                    _missed = true;
            }
        }

        public async Task<IReadOnlyList<Change>> TakeAsync(int limit, CancellationToken cancellationToken)
        {
            await _changes.Reader.WaitToReadAsync(cancellationToken);
            if (_missed)
            {
                _missed = false;
                while (_changes.Reader.TryRead(out _))
                    continue;
                return [Missed];
            }
            var taken = new List<Change>();
            while (taken.Count < limit && _changes.Reader.TryRead(out var change))
                taken.Add(change);
            return taken;
        }
    }
}
