using System.Threading.Channels;

namespace MnemoLite.Api.Database;

/// <summary>Wakes the one who waits for something to do.</summary>
internal sealed class Wakeup
{
    private readonly Channel<bool> _calls = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Ends the wait, or the next one; returns at once.</summary>
    public void Call() => _calls.Writer.TryWrite(true);

    /// <summary>Waits for a call, no longer than told.</summary>
    public async Task WaitAsync(TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        try
        {
            await _calls.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            // nobody did
        }
    }
}
