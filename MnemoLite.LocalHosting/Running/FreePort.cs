using System.Net;
using System.Net.Sockets;

namespace Aspire.Hosting.Local;

/// <summary>
/// Ports of this machine to listen at a while later, and again after that. They are below those that a system gives to whoever asks for any, as every
/// outgoing connection does (Linux: from 32768, others: from 49152): such a port can be gone by the time it is needed. Hardly any program has one of
/// these by custom.
/// </summary>
internal static class FreePort
{
    private const int First = 20_100, Count = 1_900;
    private static int _taken = Random.Shared.Next(Count);

    /// <summary>A port at which nobody listens; not the same again until all others have had their turn.</summary>
    public static int Take()
    {
        int port;
        do
            port = First + (int)((uint)Interlocked.Increment(ref _taken) % Count);
        while (!IsFree(port));
        return port;
    }

    /// <summary>Whether a program that is started now could listen there.</summary>
    public static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }
}
