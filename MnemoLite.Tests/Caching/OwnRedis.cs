using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using MnemoLite.Tests.AppHost;
using StackExchange.Redis;

namespace MnemoLite.Tests.Caching;

/// <summary>A Redis of one test, behind a door that can be made to fail.</summary>
internal sealed class OwnRedis : IAsyncDisposable
{
    private readonly TcpListener _door = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _closing = new();
    private readonly int _port = FreePort();
    private readonly Task _serving;
    private Process? _server;
    private volatile bool _stalls;

    private OwnRedis()
    {
        _door.Start();
        _serving = ServeAsync(_closing.Token);
    }

    /// <summary>The setting that makes an instance of the API use it.</summary>
    public string Setting => $"--ConnectionStrings:redis=127.0.0.1:{((IPEndPoint)_door.LocalEndpoint).Port}";

    /// <summary>Whether what is sent to it, and what it answers, stays on the way.</summary>
    public bool Stalls
    {
        get => _stalls;
        set => _stalls = value;
    }

    public static async Task<OwnRedis> StartAsync()
    {
        var redis = new OwnRedis();
        await redis.StartServerAsync();
        return redis;
    }

    public async Task StartServerAsync()
    {
        _server = Process.Start(new ProcessStartInfo(
            "redis-server", ["--bind", "127.0.0.1", "--port", $"{_port}", "--save", "", "--appendonly", "no"]) { RedirectStandardOutput = true })!;
        _server.OutputDataReceived += (_, _) => { };
        _server.BeginOutputReadLine();
        await using var client = await ConnectAsync();
    }

    public async Task KillServerAsync()
    {
        _server!.Kill();
        await _server.WaitForExitAsync();
        _server.Dispose();
        _server = null;
    }

    /// <summary>A client of the server itself, past the door, once it listens.</summary>
    public async Task<ConnectionMultiplexer> ConnectAsync()
    {
        ConnectionMultiplexer? client = null;
        await Eventually.UntilAsync(async () =>
        {
            try
            {
                client = await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_port},allowAdmin=true");
                return true;
            }
            catch (RedisConnectionException)
            {
                return false;
            }
        });
        return client!;
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        _door.Stop();
        await _serving;
        if (_server is not null)
            await KillServerAsync();
        _closing.Dispose();
    }

    private async Task ServeAsync(CancellationToken closing)
    {
        var visits = new List<Task>();
        try
        {
            while (true)
                visits.Add(ServeAsync(await _door.AcceptTcpClientAsync(closing), closing));
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
                await server.ConnectAsync(IPAddress.Loopback, _port, closing);
                await await Task.WhenAny(CarryAsync(visitor, server, over.Token), CarryAsync(server, visitor, over.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException)
            {
                // the one or the other has gone
            }
            await over.CancelAsync();
        }
    }

    private async Task CarryAsync(TcpClient from, TcpClient to, CancellationToken cancellationToken)
    {
        var buffer = new byte[64 << 10];
        while (await from.GetStream().ReadAsync(buffer, cancellationToken) is > 0 and var count)
        {
            while (_stalls)
                await Task.Delay(10, cancellationToken);
            await to.GetStream().WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
