namespace Aspire.Hosting.ApplicationModel;

/// <summary>A part of the application: a server, a database, a project.</summary>
public interface IResource
{
    /// <summary>The name, unique in the application.</summary>
    string Name { get; }
}

/// <summary>A resource that takes environment variables.</summary>
public interface IResourceWithEnvironment : IResource;

/// <summary>A resource that takes command-line arguments.</summary>
public interface IResourceWithArgs : IResource;

/// <summary>A resource that others reach over the network.</summary>
public interface IResourceWithEndpoints : IResource;

/// <summary>A resource that can wait for others before it starts.</summary>
public interface IResourceWithWaitSupport : IResource;

/// <summary>A resource whose endpoints others find by its name.</summary>
public interface IResourceWithServiceDiscovery : IResourceWithEndpoints;

/// <summary>A resource that others reach by a connection string.</summary>
public interface IResourceWithConnectionString : IResource
{
    /// <summary>The connection string; null before the resource has an address.</summary>
    ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default);
}

/// <summary>A resource that lives inside another.</summary>
/// <typeparam name="T">The other's type.</typeparam>
public interface IResourceWithParent<out T> : IResource
    where T : IResource
{
    /// <summary>The resource this one lives in.</summary>
    T Parent { get; }
}

/// <summary>The base of all resources.</summary>
/// <param name="name">The name, unique in the application.</param>
public abstract class Resource(string name) : IResource
{
    /// <inheritdoc/>
    public string Name { get; } = name;

    internal List<IResource> WaitsFor { get; } = [];

    internal List<Action<IDictionary<string, string>>> Environment { get; } = [];

    internal List<string> Args { get; } = [];

    internal List<EndpointAnnotation> Endpoints { get; } = [];

    internal string? HealthPath { get; set; }
}

/// <summary>Where a resource listens.</summary>
/// <param name="name">The endpoint's name, <c>http</c> for instance.</param>
/// <param name="uriScheme">The scheme of its address.</param>
public sealed class EndpointAnnotation(string name, string uriScheme)
{
    /// <summary>The endpoint's name.</summary>
    public string Name { get; } = name;

    /// <summary>The scheme of its address.</summary>
    public string UriScheme { get; } = uriScheme;

    /// <summary>The port that others use; a free one is taken where it is null.</summary>
    public int? Port { get; set; }

    internal Uri? Url => Port is null ? null : new Uri($"{UriScheme}://localhost:{Port}");
}

/// <summary>An endpoint of a resource, whose address is known once the application starts.</summary>
/// <param name="owner">The resource.</param>
/// <param name="endpointName">The endpoint's name.</param>
public sealed class EndpointReference(IResourceWithEndpoints owner, string endpointName)
{
    /// <summary>The resource.</summary>
    public IResourceWithEndpoints Resource { get; } = owner;

    /// <summary>The endpoint's name.</summary>
    public string EndpointName { get; } = endpointName;

    /// <summary>Its address, as others use it.</summary>
    public string Url => ((Resource)Resource).Endpoints.Single(endpoint => endpoint.Name == EndpointName).Url!.GetLeftPart(UriPartial.Authority);
}

/// <summary>What would be a container; here the same software runs from the system's own binaries.</summary>
/// <param name="name">The name, unique in the application.</param>
public abstract class ContainerResource(string name)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithEndpoints, IResourceWithWaitSupport
{
    internal string? VolumeName { get; set; }

    /// <summary>Folders of the machine, by the path that a container would know them by.</summary>
    internal Dictionary<string, string> BindMounts { get; } = [];

    internal int Port { get; set; }

    internal string Password { get; set; } = "";
}

/// <summary>A .NET project, run as one process or several behind one address.</summary>
/// <param name="name">The name, unique in the application.</param>
public sealed class ProjectResource(string name)
    : Resource(name), IResourceWithEnvironment, IResourceWithArgs, IResourceWithServiceDiscovery, IResourceWithWaitSupport
{
    internal IProjectMetadata Metadata { get; init; } = null!;

    internal int Replicas { get; set; } = 1;
}

/// <summary>A PostgreSQL server.</summary>
/// <param name="name">The name, unique in the application.</param>
public sealed class PostgresServerResource(string name) : ContainerResource(name), IResourceWithConnectionString
{
    internal const string UserName = "postgres";

    internal List<PostgresDatabaseResource> Databases { get; } = [];

    /// <inheritdoc/>
    public ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<string?>(Port == 0 ? null : $"Host=localhost;Port={Port};Username={UserName};Password={Password}");
}

/// <summary>A database of a PostgreSQL server.</summary>
/// <param name="name">The name, unique in the application; also the name of its connection string.</param>
/// <param name="databaseName">The name in the server.</param>
/// <param name="parent">The server.</param>
public sealed class PostgresDatabaseResource(string name, string databaseName, PostgresServerResource parent)
    : Resource(name), IResourceWithParent<PostgresServerResource>, IResourceWithConnectionString
{
    /// <summary>The name in the server.</summary>
    public string DatabaseName { get; } = databaseName;

    /// <inheritdoc/>
    public PostgresServerResource Parent { get; } = parent;

    /// <inheritdoc/>
    public async ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
        await Parent.GetConnectionStringAsync(cancellationToken) is { } server ? $"{server};Database={DatabaseName}" : null;
}

/// <summary>A Redis server.</summary>
/// <param name="name">The name, unique in the application.</param>
public sealed class RedisResource(string name) : ContainerResource(name), IResourceWithConnectionString
{
    /// <inheritdoc/>
    public ValueTask<string?> GetConnectionStringAsync(CancellationToken cancellationToken = default) =>
        ValueTask.FromResult<string?>(Port == 0 ? null : $"localhost:{Port},password={Password}");
}
