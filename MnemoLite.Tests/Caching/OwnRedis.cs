using System.Diagnostics;
using Aspire.Hosting.Local;
using MnemoLite.Tests.AppHost;
using StackExchange.Redis;

namespace MnemoLite.Tests.Caching;

/// <summary>A Redis of one test, behind a door that can be made to fail.</summary>
internal sealed class OwnRedis : IAsyncDisposable
{
    private readonly int _port;
    private readonly Door _door;
    private Process? _server;

    private OwnRedis(int port) => (_port, _door) = (port, new Door(port));

    /// <summary>The setting that makes an instance of the API use it.</summary>
    public string Setting => $"--ConnectionStrings:redis=127.0.0.1:{_door.Port}";

    /// <summary>Whether what is sent to it, and what it answers, stays on the way.</summary>
    public bool Stalls
    {
        get => _door.Stalls;
        set => _door.Stalls = value;
    }

    public static async Task<OwnRedis> StartAsync()
    {
        var redis = new OwnRedis(FreePort.Take());
        await redis.StartServerAsync();
        return redis;
    }

    public async Task StartServerAsync()
    {
        var start = new ProcessStartInfo("redis-server", ["--bind", "127.0.0.1", "--port", $"{_port}", "--save", "", "--appendonly", "no"])
        {
            RedirectStandardOutput = true,
        };
        _server = Process.Start(start)!;
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
        await _door.DisposeAsync();
        if (_server is not null)
            await KillServerAsync();
    }
}
