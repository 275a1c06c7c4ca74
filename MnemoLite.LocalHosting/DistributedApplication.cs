using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Aspire.Hosting;

/// <summary>An application: its resources, run together from the system's own binaries, without containers.</summary>
public sealed class DistributedApplication : IHost, IAsyncDisposable
{
    private readonly IHost _host;
    private readonly EntryPointRun? _testing;

    internal DistributedApplication(IHost host, IReadOnlyList<IResource> resources, EntryPointRun? testing) =>
        (_host, Resources, _testing) = (host, resources, testing);

    /// <summary>The AppHost's own services.</summary>
    public IServiceProvider Services => _host.Services;

    /// <summary>Tells how the resources are.</summary>
    public ResourceNotificationService ResourceNotifications => Services.GetRequiredService<ResourceNotificationService>();

    /// <summary>Carries out commands on the resources.</summary>
    public ResourceCommandService ResourceCommands => Services.GetRequiredService<ResourceCommandService>();

    internal IReadOnlyList<IResource> Resources { get; }

    /// <summary>Whether the resources have their addresses.</summary>
    internal bool Started { get; private set; }

    /// <summary>Begins to describe an application.</summary>
    /// <param name="args">The command line: <c>--key=value</c> settings.</param>
    public static IDistributedApplicationBuilder CreateBuilder(string[] args) => new DistributedApplicationBuilder(args);

    /// <summary>Runs until the process is told to stop; under a test, until the test disposes of the application.</summary>
    public void Run()
    {
        if (_testing is null)
            HostingAbstractionsHostExtensions.Run(this);
        else
            _testing.WaitForEnd();
    }

    /// <summary>Gives the resources their addresses and starts them; does not wait until they are healthy.</summary>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        await _host.StartAsync(cancellationToken);
        Started = true;
    }

    /// <summary>Stops the resources, those that depend on others first.</summary>
    public Task StopAsync(CancellationToken cancellationToken = default) => _host.StopAsync(cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => DisposeAsync().AsTask().GetAwaiter().GetResult();

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _host.StopAsync();
        if (_host is IAsyncDisposable host)
            await host.DisposeAsync();
        _testing?.End();
    }
}
