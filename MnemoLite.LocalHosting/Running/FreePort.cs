using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.Local;

/// <summary>
/// Ports of this machine to listen at a while later, and again after that. They are below those that a system gives to whoever asks for any, as every
/// outgoing connection does (Linux: from 32768, others: from 49152): such a port can be gone by the time it is needed.
/// </summary>
internal static class FreePort
{
    private const int First = 15_000;

    /// <summary>How many ports there are to choose from.</summary>
    public const int Count = 17_000;

    private static int _taken = Random.Shared.Next(Count);

    /// <summary>A port at which nobody listens; not the same again until all others have had their turn.</summary>
    public static int Take()
    {
        while (true)
        {
            var port = First + (int)((uint)Interlocked.Increment(ref _taken) % Count);
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // the next
            }
        }
    }
}
