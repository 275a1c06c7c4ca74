using System.Net.ServerSentEvents;
using MnemoLite.Client;

namespace MnemoLite.Web;

/// <summary>The changes of events as they commit, told to every open page; one connection for all of them.</summary>
public sealed class LiveChanges(MnemoLiteClient client, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>Called for each change, on no page's own thread: <c>created</c>, <c>updated</c>, <c>deleted</c>, or <c>reset</c>, after which what
    /// was read before must be read again.</summary>
    public event Action<SseItem<EventChange>>? Changed;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var wasCut = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var change in client.WatchAsync(stoppingToken))
                {
                    if (change.EventType == "ready" && wasCut)
                        Changed?.Invoke(new(new(), "reset"));
                    else if (change.EventType is not ("ready" or "heartbeat"))
                        Changed?.Invoke(change);
                }
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested
                && (MemoryService.IsAway(failure) || failure is IOException or OperationCanceledException))
            {
                // the pages that are open tell that the service is away; here it is only tried again
            }
            wasCut = true;
            await Task.Delay(Pause, clock, stoppingToken);
        }
    }
}
