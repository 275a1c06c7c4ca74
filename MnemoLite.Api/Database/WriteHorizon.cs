using System.Threading.Channels;

namespace MnemoLite.Api.Database;

/// <summary>The latest transaction known here: nothing that is read may be of before it.</summary>
internal sealed class WriteHorizon
{
    private readonly Channel<bool> _noted = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private ulong _last;

    public ulong Last => Volatile.Read(ref _last);

    /// <summary>Notes a transaction, before it is acknowledged to whoever asked for it.</summary>
    public void Note(ulong xid)
    {
        for (var last = Last; xid > last;)
        {
            var found = Interlocked.CompareExchange(ref _last, xid, last);
            if (found == last)
                _noted.Writer.TryWrite(true);
            last = found;
        }
    }

    /// <summary>Waits until something is noted, no longer than told.</summary>
    public async Task WaitAsync(TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await _noted.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // nothing was
        }
    }
}
