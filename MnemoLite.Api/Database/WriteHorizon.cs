namespace MnemoLite.Api.Database;

/// <summary>The latest transaction known here: nothing that is read may be of before it.</summary>
internal sealed class WriteHorizon
{
    private readonly Wakeup _noted = new();
    private ulong _last;

    public ulong Last => Volatile.Read(ref _last);

    /// <summary>Notes a transaction, before it is acknowledged to whoever asked for it.</summary>
    public void Note(ulong xid)
    {
        for (var last = Last; xid > last;)
        {
            var found = Interlocked.CompareExchange(ref _last, xid, last);
            if (found == last)
                _noted.Call();
            last = found;
        }
    }

    /// <summary>Waits until something is noted, no longer than told.</summary>
    public Task WaitAsync(TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken) => _noted.WaitAsync(limit, clock, cancellationToken);
}
