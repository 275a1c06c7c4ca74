using System.Data.Common;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Caching;

/// <summary>
/// The latest writes of every instance, those of this one before they are acknowledged. No write takes anything out of a cache: an answer is
/// given from there only if none of the writes that it did not see could have changed it.
/// </summary>
internal sealed class RecentWrites(ChangeFeed feed, WriteHorizon horizon, DatabaseCircuit circuit)
{
    private const int Capacity = 2048;

    private readonly Write?[] _ring = new Write?[Capacity];
    private readonly Lock _appending = new();
    private long _last;
    private ulong _forgotten, _floor;
    private long _heardFrom;

    /// <summary>Whether the writes of all instances come in.</summary>
    public bool AreHeard => feed.Listening is var connection and > 0 && connection == Volatile.Read(ref _heardFrom);

    /// <summary>Adds a write of this instance that is committed, and tells the others.</summary>
    public void Add(Write write)
    {
        Append(write);
        feed.Publish(write.Space, write.Kind, write.Xid, write.Ids);
    }

    /// <summary>Does a write; where it is not known whether it was committed, anything may have changed.</summary>
    public async Task<T> DoAsync<T>(Func<Task<T>> write)
    {
        Task<T>? begun = null;
        try
        {
            return await circuit.DoAsync(() => begun = write());
        }
        catch (Exception exception) when (IsLeftOpen(exception))
        {
            feed.PublishMissed();
            if (begun is { IsCompleted: false })
                _ = begun.ContinueWith(_ => feed.PublishMissed(), TaskScheduler.Default); // it was not waited for
            throw;
        }
    }

    /// <summary>Adds a write of another instance.</summary>
    public void Append(Write write)
    {
        horizon.Note(write.Xid);
        lock (_appending)
        {
            ref var slot = ref _ring[(_last + 1) % Capacity];
            if (slot is { } oldest)
                _forgotten = Math.Max(_forgotten, oldest.Xid);
            write.Sequence = _last + 1;
            Volatile.Write(ref slot, write);
            Volatile.Write(ref _last, write.Sequence);
        }
    }

    /// <summary>Writes may have been missed: only what was read by this snapshot or later counts from now on.</summary>
    /// <param name="now">Taken after that was known.</param>
    /// <param name="connection">Of the feed, by which every later write is heard.</param>
    public void Forget(Snapshot now, long connection)
    {
        lock (_appending)
        {
            horizon.Note(now.Xmax - 1);
            Volatile.Write(ref _floor, Math.Max(_floor, now.Xmax));
            Volatile.Write(ref _heardFrom, connection);
        }
    }

    /// <summary>What PostgreSQL refuses or cancels is rolled back; where its answer is missing, nobody knows.</summary>
    private static bool IsLeftOpen(Exception exception) => exception switch
    {
        DatabaseAwayException or DbException { SqlState: not null } => false,
        DbException => true,
        OperationCanceledException { InnerException: { } inner } => inner is not DbException { SqlState: not null },
        _ => false,
    };

    /// <summary>Checks an answer against the writes since it was last checked.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="knownWhenRead">A transaction that was known to be committed before the answer was read; 0 if none was.</param>
    /// <returns>0 if it is still right; otherwise the transaction that may have changed it.</returns>
    public ulong FindOutdating<TBasis>(CachedAnswer<TBasis> answer, ulong knownWhenRead) where TBasis : class, IAnswerBasis
    {
        if (answer.IsContinued)
            knownWhenRead = 0; // it was read before it was placed there
        var floor = Volatile.Read(ref _floor);
        if (answer.Snapshot.Xmin < floor && knownWhenRead < floor)
            return floor;
        if (answer.OutdatedBy is not 0 and var by)
            return by;
        if (answer.CheckedUpTo == Volatile.Read(ref _last))
            return 0;
        lock (answer)
            return TakeInLatest(answer, knownWhenRead);
    }

    /// <summary>Whether a write that is known here may have changed an answer; there may be others, which were missed.</summary>
    public bool KnowOfChange<TBasis>(CachedAnswer<TBasis> answer) where TBasis : class, IAnswerBasis
    {
        lock (answer)
            return TakeInLatest(answer, knownWhenRead: 0) != 0;
    }

    private ulong TakeInLatest<TBasis>(CachedAnswer<TBasis> answer, ulong knownWhenRead) where TBasis : class, IAnswerBasis
    {
        if (answer.OutdatedBy is not 0 and var by)
            return by;
        var last = Volatile.Read(ref _last);
        var from = answer.CheckedUpTo + 1;
        var outdating = 0UL;
        if (from < last - Capacity + 1)
        {
            var forgotten = Volatile.Read(ref _forgotten);
            if (answer.Snapshot.Xmin <= forgotten && knownWhenRead < forgotten)
                return forgotten;
            from = last - Capacity + 1;
        }
        for (var sequence = Math.Max(from, 1); sequence <= last; sequence++)
        {
            var write = Volatile.Read(ref _ring[sequence % Capacity])!;
            if (write.Sequence != sequence) // overwritten meanwhile
                return Outdate(Volatile.Read(ref _forgotten), isKnown: false);
            if (write.Space != answer.Basis.Space || answer.Snapshot.Sees(write.Xid))
                continue;
            var effect = answer.Basis.TakeIn(write);
            if (effect == WriteEffect.Unknown)
                return Outdate(write.Xid, isKnown: false);
            if (effect == WriteEffect.Known)
                outdating = write.Xid;
        }
        answer.CheckedUpTo = last;
        return outdating == 0 ? 0 : Outdate(outdating, isKnown: true);

        ulong Outdate(ulong xid, bool isKnown)
        {
            answer.IsKnown = isKnown;
            return answer.OutdatedBy = xid;
        }
    }
}
