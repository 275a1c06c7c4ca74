using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MnemoLite.Tests.AppHost;

/// <summary>A port that leads to a server, and can be made to fail.</summary>
internal sealed class Door : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly int _server;
    private readonly Task _serving;
    private volatile bool _stalls;
    private volatile byte[]? _losesAnswerTo, _stallsAt;
    private volatile byte[] _doneBy = [];

    /// <param name="server">The port of the server.</param>
    public Door(int server)
    {
        _server = server;
        _listener.Start();
        _serving = ServeAsync(_closing.Token);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Whether what is sent, and what is answered, stays on the way.</summary>
    public bool Stalls
    {
        get => _stalls;
        set => _stalls = value;
    }

    /// <summary>The next message with that text, and all after it, stays on the way.</summary>
    public void StallAt(string text) => _stallsAt = Encoding.ASCII.GetBytes(text);

    /// <summary>The next message with that text comes through; its connection is cut in the middle of the answer.</summary>
    /// <param name="text">Of the message.</param>
    /// <param name="done">By which the answer is known, where another may come before it: a connection is reset with its next statement.</param>
    public void LoseAnswerTo(string text, string done = "") => (_doneBy, _losesAnswerTo) = (Encoding.ASCII.GetBytes(done), Encoding.ASCII.GetBytes(text));

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _listener.Stop();
        await _serving;
        _closing.Dispose();
    }

    private async Task ServeAsync(CancellationToken closing)
    {
        var visits = new List<Task>();
        try
        {
            while (true)
                visits.Add(ServeAsync(await _listener.AcceptTcpClientAsync(closing), closing));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(visits);
        }
    }

    private async Task ServeAsync(TcpClient visitor, CancellationToken closing)
    {
        using (visitor)
        using (var server = new TcpClient())
        using (var over = CancellationTokenSource.CreateLinkedTokenSource(closing))
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _server, closing);
                var visit = new Visit();
                await await Task.WhenAny(
                    CarryAsync(visitor, server, visit, isAnswer: false, over.Token), CarryAsync(server, visitor, visit, isAnswer: true, over.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException)
            {
                // the one or the other has gone
            }
            await over.CancelAsync();
        }
    }

    private async Task CarryAsync(TcpClient from, TcpClient to, Visit visit, bool isAnswer, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 << 10];
        while (await from.GetStream().ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            if (!isAnswer && _stallsAt is { } last && buffer.AsSpan(0, count).IndexOf(last) >= 0)
                (_stalls, _stallsAt) = (true, null);
            while (_stalls)
                await Task.Delay(10, cancellationToken);
            if (isAnswer && visit.LosesAnswer && buffer.AsSpan(0, count).IndexOf(_doneBy) >= 0)
            {
                await to.GetStream().WriteAsync(buffer.AsMemory(0, count / 2), cancellationToken);
                return;
            }
            if (!isAnswer && _losesAnswerTo is { } text && buffer.AsSpan(0, count).IndexOf(text) >= 0)
                (visit.LosesAnswer, _losesAnswerTo) = (true, null);
            await to.GetStream().WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
    }

    private sealed class Visit
    {
        private volatile bool _losesAnswer;

        public bool LosesAnswer
        {
            get => _losesAnswer;
            set => _losesAnswer = value;
        }
    }
}
