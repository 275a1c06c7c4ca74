using System.Collections.Concurrent;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Security.Cryptography;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Aspire.Hosting.Local;

/// <summary>Runs the resources: gives them addresses, starts each when what it waits for is healthy, stops them the other way round.</summary>
internal sealed class ApplicationRunner(
    IReadOnlyList<IResource> resources, IOptions<LocalHostingOptions> options, IConfiguration configuration, IHttpClientFactory http,
    ProcessLauncher launcher, ResourceNotificationService notifications, ResourceCommandService commands, RunningPage page, TimeProvider clock,
    ILoggerFactory loggers, IHostApplicationLifetime lifetime) : IHostedService, IAsyncDisposable
{
    private static readonly TimeSpan StopGrace = TimeSpan.FromSeconds(20), StartPatience = TimeSpan.FromMinutes(10);
    private readonly Dictionary<Resource, (CancellationTokenSource Stop, Task Running)> _running = [];
    private static readonly IReadOnlyDictionary<string, string> NoSettings = new Dictionary<string, string>();
    private readonly ConcurrentQueue<(ProjectResource, ReplicaSet)> _projects = [];
    private readonly List<IAsyncDisposable> _proxies = [];
    private string _dataDirectory = "";
    private FileStream? _dataLock;
    private HostServer? _host;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        PrepareDataDirectory();
        AllocatePorts();
        var releases = new Releases(options.Value.Release, () => [.. _projects], TryOutAsync);
        _host = new HostServer(_dataDirectory, options.Value.HostPort, app =>
        {
            releases.Map(app);
            page.Map(app);
        });
        await _host.StartAsync(cancellationToken);
        foreach (var resource in resources.Cast<Resource>())
        {
            var stop = new CancellationTokenSource();
            _running[resource] = (stop, resource is PostgresDatabaseResource ? Task.CompletedTask : RunAsync(resource, stop.Token));
        }
        cancellationToken.ThrowIfCancellationRequested();
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        var left = _running.ToDictionary();
        _running.Clear();
        while (left.Count > 0)
        {
            var free = left.Where(one => !left.Keys.Any(other => DependsOn(other, one.Key))).ToList();
            foreach (var (resource, _) in free)
                left.Remove(resource);
            await Task.WhenAll(free.Select(one => one.Value.Stop.CancelAsync()));
            await Task.WhenAll(free.Select(one => one.Value.Running));
            foreach (var (_, (stop, _)) in free)
                stop.Dispose();
        }
        foreach (var proxy in _proxies)
            await proxy.DisposeAsync();
        _proxies.Clear();
        if (_host is not null)
            await _host.DisposeAsync();
        _host = null;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        if (_dataLock is not null)
            await _dataLock.DisposeAsync();
        _dataLock = null;
        if (options.Value.DataDirectory is null && Directory.Exists(_dataDirectory))
            Directory.Delete(_dataDirectory, recursive: true);
    }

    private static bool DependsOn(Resource one, Resource other) =>
        one.WaitsFor.Contains(other) || one.WaitsFor.OfType<PostgresDatabaseResource>().Any(database => database.Parent == other);

    private void PrepareDataDirectory()
    {
        const UnixFileMode OwnerAndGroupPass =
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        _dataDirectory = Path.GetFullPath(options.Value.DataDirectory ?? Directory.CreateTempSubdirectory("mnemolite-").FullName);
        try
        {
            if (!Directory.Exists(_dataDirectory) || options.Value.DataDirectory is null)
                File.SetUnixFileMode(Directory.CreateDirectory(_dataDirectory).FullName, OwnerAndGroupPass);
            _dataLock = new FileStream(Path.Combine(_dataDirectory, "apphost.lock"), FileMode.OpenOrCreate, FileAccess.Write, FileShare.None);
        }
        catch (UnauthorizedAccessException exception)
        {
            throw new DistributedApplicationException(
                $"The data directory {_dataDirectory} cannot be written to: choose another (LocalHosting:DataDirectory).", exception);
        }
        catch (IOException exception)
        {
            throw new DistributedApplicationException($"Another AppHost uses the data directory {_dataDirectory}: stop it first.", exception);
        }
    }

    private void AllocatePorts()
    {
        var randomize = configuration.GetValue("DcpPublisher:RandomizePorts", false);
        foreach (var resource in resources.Cast<Resource>())
        {
            if (resource is ContainerResource container)
                container.Port = FreePort.Take();
            foreach (var endpoint in resource.Endpoints)
            {
                if (randomize || endpoint.Port is null)
                    endpoint.Port = FreePort.Take();
                else if (IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpListeners().Any(listener => listener.Port == endpoint.Port))
                {
                    throw new DistributedApplicationException(
                        $"Port {endpoint.Port} for '{resource.Name}' is in use: stop what listens there, or choose another port.");
                }
            }
        }
    }

    private async Task RunAsync(Resource resource, CancellationToken stopping)
    {
        var log = LogOf(resource);
        try
        {
            await WaitForDependenciesAsync(resource, stopping);
            await (resource switch
            {
                PostgresServerResource server => RunPostgresAsync(server, log, stopping),
                RedisResource redis => RunRedisAsync(redis, log, stopping),
                ProjectResource project => RunProjectAsync(project, log, stopping),
                _ => throw new DistributedApplicationException($"A resource of type {resource.GetType().Name} cannot be run here."),
            });
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            notifications.Publish(resource, resource.Name, KnownResourceStates.Exited);
        }
        catch (Exception exception)
        {
            Log.FailedToStart(log, exception.Message);
            notifications.Publish(resource, resource.Name, KnownResourceStates.FailedToStart);
            if (!configuration.GetValue("DcpPublisher:RandomizePorts", false))
            {
                Environment.ExitCode = 1;
                lifetime.StopApplication();
            }
        }
    }

    private ILogger LogOf(Resource resource) =>
        page.Consoles.Keep(resource.Name, loggers.CreateLogger($"MnemoLite.AppHost.{ResourceLogFormatter.CategoryPrefix}{resource.Name}"));

    private async Task WaitForDependenciesAsync(Resource resource, CancellationToken stopping)
    {
        foreach (var dependency in resource.WaitsFor)
        {
            notifications.Publish(resource, resource.Name, KnownResourceStates.Waiting);
            await notifications.WaitForResourceHealthyAsync(dependency.Name, stopping);
        }
    }

    private async Task RunPostgresAsync(PostgresServerResource server, ILogger log, CancellationToken stopping)
    {
        var cluster = new PostgresCluster(server, _dataDirectory, options.Value.PostgresBin, launcher, clock, log);
        var spec = await cluster.PrepareAsync(stopping);
        await Supervise(server, server.Name, spec, IsHealthyAsync, log).RunAsync(stopping);

        async Task<bool> IsHealthyAsync(CancellationToken cancellationToken)
        {
            var healthy = await cluster.CreateDatabasesAsync(cancellationToken);
            foreach (var database in server.Databases)
                notifications.Publish(database, database.Name, KnownResourceStates.Running, HealthStatus.Healthy);
            return healthy;
        }
    }

    private async Task RunRedisAsync(RedisResource redis, ILogger log, CancellationToken stopping)
    {
        redis.Password = RandomNumberGenerator.GetHexString(32, lowercase: true);
        var spec = new ProcessSpec("redis-server", ["-"])
        {
            Input = $"bind 127.0.0.1 ::1\nport {redis.Port}\nrequirepass {redis.Password}\nsave \"\"\ndir {_dataDirectory}\n",
        };
        await Supervise(redis, redis.Name, spec, IsHealthyAsync, log).RunAsync(stopping);

        async Task<bool> IsHealthyAsync(CancellationToken cancellationToken)
        {
            using var client = new TcpClient();
            await client.ConnectAsync(IPAddress.Loopback, redis.Port, cancellationToken);
            var stream = client.GetStream();
            await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"AUTH {redis.Password}\r\nPING\r\n"), cancellationToken);
            using var reader = new StreamReader(stream);
            return await reader.ReadLineAsync(cancellationToken) == "+OK" && await reader.ReadLineAsync(cancellationToken) == "+PONG";
        }
    }

    private async Task RunProjectAsync(ProjectResource project, ILogger log, CancellationToken stopping)
    {
        var address = project.Endpoints.Find(endpoint => endpoint.Name == "http")?.Url;
        ReplicaProxy? proxy = null;
        if (address is not null && (project.Replicas > 1 || options.Value.Release is not null))
        {
            _proxies.Add(proxy = new ReplicaProxy(address));
            await proxy.StartAsync(stopping);
        }
        var replicas = new ReplicaSet(
            project.Replicas, release => StartReplica(project, release, address, proxy, NoSettings, log), (replica, cancellationToken) => WaitUntilHealthyAsync(project, replica, cancellationToken));
        _projects.Enqueue((project, replicas));
        await replicas.RunAsync(options.Value.Release, stopping);
    }

    private async Task WaitUntilHealthyAsync(ProjectResource project, Replica replica, CancellationToken cancellationToken)
    {
        var found = await notifications.WaitForResourceAsync(
            project.Name,
            @event => @event.ResourceId == replica.Id
                && (@event.Snapshot.HealthStatus == HealthStatus.Healthy || @event.Snapshot.State?.Text == KnownResourceStates.Exited),
            cancellationToken).WaitAsync(StartPatience, clock, cancellationToken);
        if (found.Snapshot.State?.Text == KnownResourceStates.Exited)
            throw new DistributedApplicationException($"{replica.Id} ended with code {found.Snapshot.ExitCode} before it was healthy.");
    }

    private async Task TryOutAsync(
        ProjectResource project, string release, IReadOnlyDictionary<string, string> settings, CancellationToken cancellationToken)
    {
        var replica = StartReplica(project, release, new Uri($"http://localhost:{FreePort.Take()}"), null, settings, LogOf(project));
        try
        {
            await WaitUntilHealthyAsync(project, replica, cancellationToken);
        }
        finally
        {
            await replica.StopAsync();
        }
    }

    /// <summary>Starts a process of the project: of the release in a folder, or of the build.</summary>
    private Replica StartReplica(
        ProjectResource project, string? release, Uri? address, ReplicaProxy? proxy, IReadOnlyDictionary<string, string> settings, ILogger log)
    {
        var id = $"{project.Name}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}";
        var own = proxy is null ? address : new Uri($"http://localhost:{FreePort.Take()}");
        var program = release is null ? project.Metadata.AssemblyPath : ProgramOf(project, release);
        var environment = new Dictionary<string, string>();
        foreach (var set in project.Environment)
            set(environment);
        if (own is not null)
            environment["ASPNETCORE_URLS"] = own.GetLeftPart(UriPartial.Authority);
        environment["OTEL_SERVICE_NAME"] = project.Name;
        environment["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={id[^8..]}";
        page.AskForTraces(environment, _host!);
        environment["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
        environment["Logging__Console__FormatterOptions__SingleLine"] = "true";
        foreach (var (name, value) in settings)
            environment[name] = value;
        var spec = new ProcessSpec(
            Environment.ProcessPath is { } host && Path.GetFileName(host) == "dotnet" ? host : "dotnet", [program, .. project.Args])
        {
            Environment = environment,
            WorkingDirectory = Path.GetDirectoryName(release is null ? project.Metadata.ProjectPath : program)!,
        };
        var proxied = own is null ? null : proxy?.Add(own);
        var stopping = new CancellationTokenSource();
        return new(id, release, RunAsync(), stopping);

        async Task RunAsync()
        {
            try
            {
                await Supervise(project, id, spec, IsHealthyAsync, log, proxied).RunAsync(stopping.Token);
            }
            finally
            {
                commands.Remove(id);
                notifications.Forget(id);
                page.Consoles.Forget(id);
            }
        }

        async Task<bool> IsHealthyAsync(CancellationToken cancellationToken)
        {
            if (project.HealthPath is null || own is null)
                return true;
            using var client = http.CreateClient();
            using var response = await client.GetAsync(new Uri(own, project.HealthPath), cancellationToken);
            return response.StatusCode == HttpStatusCode.OK;
        }
    }

    private static string ProgramOf(ProjectResource project, string release)
    {
        var file = Path.GetFileName(project.Metadata.AssemblyPath);
        return Path.Combine(release, Path.GetFileNameWithoutExtension(file), file);
    }

    private SupervisedProcess Supervise(
        IResource resource, string id, ProcessSpec spec, Func<CancellationToken, Task<bool>> isHealthy, ILogger log, ProxiedReplica? proxied = null)
    {
        var process = new SupervisedProcess(resource, id, spec, isHealthy, proxied, StopGrace, launcher, notifications, clock, page.Consoles.Keep(id, log));
        commands.Add(id, process);
        return process;
    }
}
