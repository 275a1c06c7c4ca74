using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Configuration;

namespace Aspire.Hosting.Local;

/// <summary>One stable address in front of the replicas of a project; a replica gets requests while it is healthy.</summary>
internal sealed class ReplicaProxy : IAsyncDisposable
{
    private const string Name = "replicas";
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, bool> _healthy = new();

    public ReplicaProxy(Uri address, IEnumerable<Uri> replicas)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.GetLeftPart(UriPartial.Authority));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestLineSize = 128 << 10;
        });
        builder.Services.AddReverseProxy().LoadFromMemory([Route], [Cluster(replicas)]);
        _app = builder.Build();
        _app.MapReverseProxy(pipeline =>
        {
            pipeline.Use(SendToHealthyAsync);
            pipeline.UseLoadBalancing();
        });
    }

    /// <summary>With the host the client asked for, as behind Aspire's proxy.</summary>
    private static RouteConfig Route => new()
    {
        RouteId = Name,
        ClusterId = Name,
        Match = new() { Path = "{**path}" },
        Transforms = [new Dictionary<string, string> { ["RequestHeaderOriginalHost"] = "true" }],
    };

    public Task StartAsync(CancellationToken cancellationToken) => _app.StartAsync(cancellationToken);

    /// <summary>Sends requests to the replica, or none any more, from now on.</summary>
    public void Use(Uri replica, bool healthy) => _healthy[replica.ToString()] = healthy;

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static ClusterConfig Cluster(IEnumerable<Uri> replicas) => new()
    {
        ClusterId = Name,
        LoadBalancingPolicy = "RoundRobin",
        HttpRequest = new() { ActivityTimeout = TimeSpan.FromMinutes(30) },
        Destinations = replicas.ToDictionary(uri => uri.ToString(), uri => new DestinationConfig { Address = uri.ToString() }),
    };

    /// <summary>A request that a dying replica did not answer goes to another, where it is safe to send it twice or it was never sent.</summary>
    private async Task SendToHealthyAsync(HttpContext context, RequestDelegate next)
    {
        var proxied = context.GetReverseProxyFeature();
        for (var left = proxied.AvailableDestinations; ;)
        {
            proxied.AvailableDestinations = left = [.. left.Where(one => _healthy.GetValueOrDefault(one.DestinationId) && one != proxied.ProxiedDestination)];
            await next(context);
            if (left.Count <= 1 || !MaySendAgain(context))
                return;
            context.Response.Clear();
        }
    }

    private static bool MaySendAgain(HttpContext context) =>
        context.GetForwarderErrorFeature() is { } error && !context.Response.HasStarted && !context.RequestAborted.IsCancellationRequested
        && (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)
            || error.Exception is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError });
}
