using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace Aspire.Hosting.Local;

/// <summary>
/// One stable address in front of the replicas of a project, which may come and go. The healthy ones get the requests; where none is healthy, those
/// that run, as they know best what they can still answer.
/// </summary>
internal sealed class ReplicaProxy : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly IHttpForwarder _forwarder;
    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        EnableMultipleHttp2Connections = true,
        ActivityHeadersPropagator = null, // the client's own trace goes on
        ConnectTimeout = TimeSpan.FromSeconds(5),
    });

    private readonly Lock _lock = new();
    private ProxiedReplica[] _replicas = [];
    private uint _turn;

    public ReplicaProxy(Uri address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.GetLeftPart(UriPartial.Authority));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestLineSize = 128 << 10;
        });
        builder.Services.AddHttpForwarder();
        _app = builder.Build();
        _forwarder = _app.Services.GetRequiredService<IHttpForwarder>();
        _app.Run(ForwardAsync);
    }

    public Task StartAsync(CancellationToken cancellationToken) => _app.StartAsync(cancellationToken);

    /// <summary>A replica to come, which says itself from when to when it takes requests.</summary>
    public ProxiedReplica Add(Uri address) => new(this, address);

    internal void Include(ProxiedReplica replica)
    {
        lock (_lock)
        {
            if (!_replicas.Contains(replica))
                Volatile.Write(ref _replicas, [.. _replicas, replica]);
        }
    }

    internal void Exclude(ProxiedReplica replica)
    {
        lock (_lock)
            Volatile.Write(ref _replicas, [.. _replicas.Where(other => other != replica)]);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
    }

    /// <summary>A request that a dying replica did not answer goes to another, where it is safe to send it twice or it was never sent.</summary>
    private async Task ForwardAsync(HttpContext context)
    {
        for (ProxiedReplica[] tried = []; Next(tried) is { } replica; tried = [.. tried, replica])
        {
            if (!replica.TryEnter())
                continue;
            context.Response.Clear();
            var error = await replica.ForwardAsync(context, _forwarder, _client);
            if (error == ForwarderError.None || !MaySendAgain(context))
                return;
        }
        if (context.GetForwarderErrorFeature() is not null)
            return; // the last one that was tried did not answer
        context.Response.Headers.RetryAfter = "1";
        await Results.Problem("It is being started, or starts again: try again soon.", title: "Nothing runs here yet.", statusCode: StatusCodes.Status503ServiceUnavailable)
            .ExecuteAsync(context);
    }

    private ProxiedReplica? Next(ProxiedReplica[] tried)
    {
        var left = Volatile.Read(ref _replicas);
        if (tried.Length > 0)
            left = [.. left.Except(tried)];
        if (left.Length > 1 && left.Any(replica => !replica.Healthy) && left.Any(replica => replica.Healthy))
            left = [.. left.Where(replica => replica.Healthy)];
        return left.Length == 0 ? null : left[Interlocked.Increment(ref _turn) % left.Length];
    }

    private static bool MaySendAgain(HttpContext context) =>
        context.GetForwarderErrorFeature() is { } error && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested
        && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)
            || error.Exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError });
}

/// <summary>A replica as its proxy sees it.</summary>
internal sealed class ProxiedReplica(ReplicaProxy proxy, Uri address)
{
    private static readonly TimeSpan DrainPatience = TimeSpan.FromSeconds(5);
    private static readonly ForwarderRequestConfig Config = new() { ActivityTimeout = TimeSpan.FromMinutes(30) };
    private readonly string _address = address.GetLeftPart(UriPartial.Authority);
    private TaskCompletionSource? _idle; // while it drains
    private int _underWay;

    public bool Healthy { get; private set; }

    /// <summary>Lets requests come from now on, all or only where no other replica is healthy.</summary>
    public void Use(bool healthy)
    {
        Healthy = healthy;
        Interlocked.Exchange(ref _idle, null);
        if (healthy)
            proxy.Include(this);
    }

    /// <summary>
    /// Lets no new request come, and waits until those under way are answered. Answers without an end (WebSockets, event streams) do not count, and
    /// the server itself gives long ones more time.
    /// </summary>
    public async Task LeaveAsync(TimeProvider clock)
    {
        var idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        proxy.Exclude(this);
        Interlocked.Exchange(ref _idle, idle);
        if (Volatile.Read(ref _underWay) > 0)
            await idle.Task.WaitAsync(DrainPatience, clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Counts a request that is about to be sent; no more once the replica drains.</summary>
    public bool TryEnter()
    {
        Interlocked.Increment(ref _underWay);
        if (Volatile.Read(ref _idle) is null)
            return true;
        Leave();
        return false;
    }

    /// <summary>Sends a request that was counted.</summary>
    public async Task<ForwarderError> ForwardAsync(HttpContext context, IHttpForwarder forwarder, HttpMessageInvoker client)
    {
        var counts = 1;
        context.Response.OnStarting(() =>
        {
            if (IsEndless(context.Response))
                End();
            return Task.CompletedTask;
        });
        try
        {
            return await forwarder.SendAsync(context, _address, client, Config, ProxyTransformer.Instance);
        }
        finally
        {
            End();
        }

        void End()
        {
            if (Interlocked.Exchange(ref counts, 0) == 1)
                Leave();
        }
    }

    private void Leave()
    {
        if (Interlocked.Decrement(ref _underWay) == 0)
            Volatile.Read(ref _idle)?.TrySetResult();
    }

    private static bool IsEndless(HttpResponse response) =>
        response.StatusCode == StatusCodes.Status101SwitchingProtocols
        || response.ContentType?.StartsWith("text/event-stream", StringComparison.OrdinalIgnoreCase) == true;

    /// <summary>With the host the client asked for, as behind Aspire's proxy, and who it is.</summary>
    private sealed class ProxyTransformer : HttpTransformer
    {
        public static readonly ProxyTransformer Instance = new();

        public override async ValueTask TransformRequestAsync(
            HttpContext context, HttpRequestMessage request, string destinationPrefix, CancellationToken cancellationToken)
        {
            await base.TransformRequestAsync(context, request, destinationPrefix, cancellationToken);
            request.Headers.Host = context.Request.Host.Value;
            Set("X-Forwarded-For", context.Connection.RemoteIpAddress?.ToString());
            Set("X-Forwarded-Proto", context.Request.Scheme);
            Set("X-Forwarded-Host", context.Request.Host.Value);

            void Set(string name, string? value)
            {
                request.Headers.Remove(name);
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }
    }
}
