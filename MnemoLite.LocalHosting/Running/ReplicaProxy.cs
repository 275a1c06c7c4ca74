using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Configuration;

namespace Aspire.Hosting.Local;

/// <summary>One stable address in front of the replicas of a project; a replica gets requests while it is healthy.</summary>
internal sealed class ReplicaProxy : IAsyncDisposable
{
    private const string Name = "replicas";
    private readonly WebApplication _app;
    private readonly InMemoryConfigProvider _configuration;

    public ReplicaProxy(Uri address)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls(address.GetLeftPart(UriPartial.Authority));
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestLineSize = 128 << 10;
        });
        builder.Services.AddReverseProxy().LoadFromMemory(Routes, Clusters([]));
        _app = builder.Build();
        _app.MapReverseProxy();
        _configuration = (InMemoryConfigProvider)_app.Services.GetRequiredService<IProxyConfigProvider>();
    }

    private static IReadOnlyList<RouteConfig> Routes =>
        [new() { RouteId = Name, ClusterId = Name, Match = new() { Path = "{**path}" } }];

    public Task StartAsync(CancellationToken cancellationToken) => _app.StartAsync(cancellationToken);

    /// <summary>Sends requests to these addresses from now on.</summary>
    public void Use(IEnumerable<Uri> replicas) => _configuration.Update(Routes, Clusters(replicas));

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private static IReadOnlyList<ClusterConfig> Clusters(IEnumerable<Uri> replicas) =>
    [
        new()
        {
            ClusterId = Name,
            LoadBalancingPolicy = "RoundRobin",
            HttpRequest = new() { ActivityTimeout = TimeSpan.FromMinutes(30) },
            Destinations = replicas.ToDictionary(uri => uri.ToString(), uri => new DestinationConfig { Address = uri.ToString() }),
        },
    ];
}
