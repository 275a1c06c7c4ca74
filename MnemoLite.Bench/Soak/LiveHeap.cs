using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;
using Microsoft.Diagnostics.Tracing.Parsers;
using Microsoft.Diagnostics.Tracing.Parsers.Clr;

namespace MnemoLite.Bench.Soak;

/// <summary>What the heap of a .NET process holds after a full collection, which is asked for.</summary>
internal static class LiveHeap
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly EventPipeProvider Collections = new(
        "Microsoft-Windows-DotNETRuntime", EventLevel.Informational, (long)(ClrTraceEventParser.Keywords.GC | ClrTraceEventParser.Keywords.GCHeapCollect));

    /// <param name="processId">The process.</param>
    /// <param name="socket">Where it listens for diagnostics; linked for a moment to where the client looks, as the folder of temporary files is not the same.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Bytes; null where the process does not tell.</returns>
    public static async Task<long?> ReadAsync(int processId, FileInfo socket, CancellationToken cancellationToken)
    {
        var link = Path.Combine(Path.GetTempPath(), socket.Name);
        try
        {
            File.CreateSymbolicLink(link, socket.FullName);
            using var session = await new DiagnosticsClient(processId).StartEventPipeSessionAsync([Collections], requestRundown: false, circularBufferMB: 16, cancellationToken);
            var live = new TaskCompletionSource<long?>(TaskCreationOptions.RunContinuationsAsynchronously);
            var listening = Task.Run(() => Listen(session.EventStream, live), CancellationToken.None);
            try
            {
                return await live.Task.WaitAsync(Patience, cancellationToken);
            }
            finally
            {
                await session.StopAsync(CancellationToken.None);
                await listening;
            }
        }
        catch (Exception exception) when (exception is DiagnosticsClientException or TimeoutException or IOException)
        {
            return null;
        }
        finally
        {
            File.Delete(link);
        }
    }

    private static void Listen(Stream events, TaskCompletionSource<long?> live)
    {
        using var source = new EventPipeEventSource(events);
        var isAsked = false;
        source.Clr.GCStart += collection => isAsked |= collection is { Depth: 2, Reason: GCReason.Induced };
        source.Clr.GCHeapStats += heap =>
        {
            if (isAsked)
                live.TrySetResult(heap.TotalHeapSize);
        };
        source.Process();
        live.TrySetResult(null);
    }
}
