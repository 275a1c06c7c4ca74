using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Local;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace Aspire.Hosting;

/// <summary>Describes an application: its resources and what they need.</summary>
public interface IDistributedApplicationBuilder
{
    /// <summary>Settings from the command line, the environment and appsettings.json.</summary>
    ConfigurationManager Configuration { get; }

    /// <summary>The environment the AppHost runs in.</summary>
    IHostEnvironment Environment { get; }

    /// <summary>The AppHost's own services.</summary>
    IServiceCollection Services { get; }

    /// <summary>Adds a resource.</summary>
    /// <exception cref="DistributedApplicationException">There is one of that name already.</exception>
    IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource;

    /// <summary>Makes the application, ready to be run.</summary>
    DistributedApplication Build();
}

/// <summary>The application could not be described or run as asked.</summary>
public sealed class DistributedApplicationException : Exception
{
    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong.</param>
    public DistributedApplicationException(string message)
        : base(message)
    {
    }

    /// <summary>Makes the exception.</summary>
    /// <param name="message">What is wrong.</param>
    /// <param name="innerException">What it came from.</param>
    public DistributedApplicationException(string message, Exception innerException)
        : base(message, innerException)
    {
    }
}

internal sealed class DistributedApplicationBuilder : IDistributedApplicationBuilder
{
    private readonly HostApplicationBuilder _host;
    private readonly List<IResource> _resources = [];

    public DistributedApplicationBuilder(string[] args)
    {
        if (!OperatingSystem.IsLinux())
            throw new PlatformNotSupportedException("Without containers MnemoLite runs on Linux: start Docker or Podman and set UseAspire=true.");
        _host = new HostApplicationBuilder(new HostApplicationBuilderSettings { Args = args, ContentRootPath = AppContext.BaseDirectory });
        _host.Logging.AddFilter("Microsoft", LogLevel.Warning).AddFilter("System.Net.Http", LogLevel.Warning).AddFilter("Yarp", LogLevel.Warning);
        _host.Logging.AddConsole(console => console.FormatterName = ResourceLogFormatter.FormatterName)
            .AddConsoleFormatter<ResourceLogFormatter, ConsoleFormatterOptions>();
        _host.Services.AddSingleton<IReadOnlyList<IResource>>(_resources);
        _host.Services.AddSingleton<ResourceNotificationService>();
        _host.Services.AddSingleton<ResourceCommandService>();
        _host.Services.AddSingleton<ProcessLauncher>();
        _host.Services.AddSingleton<RunningPage>();
        _host.Services.AddSingleton(TimeProvider.System);
        _host.Services.AddHttpClient();
        _host.Services.Configure<LocalHostingOptions>(Configuration.GetSection(LocalHostingOptions.Section));
        _host.Services.AddHostedService<ApplicationRunner>();
        _host.Services.Configure<HostOptions>(options => options.ShutdownTimeout = TimeSpan.FromSeconds(60));
    }

    public ConfigurationManager Configuration => _host.Configuration;

    public IHostEnvironment Environment => _host.Environment;

    public IServiceCollection Services => _host.Services;

    public IResourceBuilder<T> AddResource<T>(T resource)
        where T : IResource
    {
        if (_resources.Exists(other => string.Equals(other.Name, resource.Name, StringComparison.OrdinalIgnoreCase)))
            throw new DistributedApplicationException($"There is a resource named '{resource.Name}' already.");
        _resources.Add(resource);
        return new ResourceBuilder<T>(this, resource);
    }

    public DistributedApplication Build()
    {
        var testing = EntryPointRun.Current;
        testing?.WaitForTest(this);
        var app = new DistributedApplication(_host.Build(), _resources, testing);
        testing?.Built(app);
        return app;
    }
}
