using System.Text.Json;
using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting.ApplicationModel
{
    /// <summary>Adds to a resource before the application is built.</summary>
    /// <typeparam name="T">The resource's type.</typeparam>
    public interface IResourceBuilder<out T>
        where T : IResource
    {
        /// <summary>The application the resource belongs to.</summary>
        IDistributedApplicationBuilder ApplicationBuilder { get; }

        /// <summary>The resource.</summary>
        T Resource { get; }
    }

    internal sealed record ResourceBuilder<T>(IDistributedApplicationBuilder ApplicationBuilder, T Resource) : IResourceBuilder<T>
        where T : IResource;
}

namespace Aspire.Hosting
{
    /// <summary>A project that can be run as a resource.</summary>
    public interface IProjectMetadata
    {
        /// <summary>The project file.</summary>
        string ProjectPath { get; }

        /// <summary>The built assembly; Aspire has no such member, as it runs projects through the SDK.</summary>
        string AssemblyPath { get; }
    }

    /// <summary>Adds .NET projects.</summary>
    public static class ProjectResourceBuilderExtensions
    {
        /// <summary>Adds a project; its endpoint and environment come from the first profile of its launchSettings.json.</summary>
        public static IResourceBuilder<ProjectResource> AddProject<TProject>(this IDistributedApplicationBuilder builder, string name)
            where TProject : IProjectMetadata, new()
        {
            var metadata = new TProject();
            var resource = new ProjectResource(name) { Metadata = metadata };
            var settings = Path.Combine(Path.GetDirectoryName(metadata.ProjectPath)!, "Properties", "launchSettings.json");
            if (File.Exists(settings))
                ApplyLaunchProfile(resource, settings);
            return builder.AddResource(resource);
        }

        /// <summary>Runs the project that many times behind one address.</summary>
        public static IResourceBuilder<ProjectResource> WithReplicas(this IResourceBuilder<ProjectResource> builder, int replicas)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(replicas);
            builder.Resource.Replicas = replicas;
            return builder;
        }

        private static void ApplyLaunchProfile(ProjectResource resource, string settings)
        {
            using var document = JsonDocument.Parse(File.ReadAllText(settings));
            var profile = document.RootElement.GetProperty("profiles").EnumerateObject().First().Value;
            var url = new Uri(profile.GetProperty("applicationUrl").GetString()!.Split(';')[0]);
            resource.Endpoints.Add(new EndpointAnnotation("http", url.Scheme) { Port = url.Port });
            if (profile.TryGetProperty("environmentVariables", out var variables))
            {
                var values = variables.EnumerateObject().ToDictionary(v => v.Name, v => v.Value.GetString() ?? "");
                resource.Environment.Add(environment =>
                {
                    foreach (var (key, value) in values)
                        environment[key] = value;
                });
            }
        }
    }

    /// <summary>Adds PostgreSQL.</summary>
    public static class PostgresBuilderExtensions
    {
        /// <summary>Adds a PostgreSQL server.</summary>
        public static IResourceBuilder<PostgresServerResource> AddPostgres(this IDistributedApplicationBuilder builder, string name) =>
            builder.AddResource(new PostgresServerResource(name));

        /// <summary>Adds a database to the server; it is created where it is not there.</summary>
        public static IResourceBuilder<PostgresDatabaseResource> AddDatabase(
            this IResourceBuilder<PostgresServerResource> builder, string name, string? databaseName = null)
        {
            var database = new PostgresDatabaseResource(name, databaseName ?? name, builder.Resource);
            builder.Resource.Databases.Add(database);
            return builder.ApplicationBuilder.AddResource(database);
        }

        /// <summary>Keeps the data in the folder of that name, below the data directory.</summary>
        public static IResourceBuilder<PostgresServerResource> WithDataVolume(
            this IResourceBuilder<PostgresServerResource> builder, string? name = null)
        {
            builder.Resource.VolumeName = name;
            return builder;
        }
    }

    /// <summary>Adds Redis.</summary>
    public static class RedisBuilderExtensions
    {
        /// <summary>Adds a Redis server that keeps nothing on disk.</summary>
        public static IResourceBuilder<RedisResource> AddRedis(this IDistributedApplicationBuilder builder, string name) =>
            builder.AddResource(new RedisResource(name));
    }

    /// <summary>What containers have.</summary>
    public static class ContainerResourceBuilderExtensions
    {
        /// <summary>Has no effect: the system's own binaries run.</summary>
        public static IResourceBuilder<T> WithImage<T>(this IResourceBuilder<T> builder, string image, string? tag = null)
            where T : ContainerResource
        {
            ArgumentException.ThrowIfNullOrEmpty(image);
            _ = tag;
            return builder;
        }

        /// <summary>Gives the container a folder of the machine; here an environment variable that has the target gets the source instead.</summary>
        public static IResourceBuilder<T> WithBindMount<T>(this IResourceBuilder<T> builder, string source, string target)
            where T : ContainerResource
        {
            builder.Resource.BindMounts.Add(target, Path.GetFullPath(source));
            return builder;
        }
    }

    /// <summary>What resources have in common.</summary>
    public static class ResourceBuilderExtensions
    {
        /// <summary>Gives the resource the connection string of another, as <c>ConnectionStrings__{name}</c>.</summary>
        public static IResourceBuilder<T> WithReference<T>(
            this IResourceBuilder<T> builder, IResourceBuilder<IResourceWithConnectionString> source)
            where T : IResourceWithEnvironment
        {
            return builder.WithEnvironment(environment =>
            {
                var value = source.Resource.GetConnectionStringAsync();
                environment[$"ConnectionStrings__{source.Resource.Name}"] = value.IsCompletedSuccessfully && value.Result is { } text
                    ? text
                    : throw new DistributedApplicationException($"The resource '{source.Resource.Name}' has no connection string yet.");
            });
        }

        /// <summary>Gives the resource the address of an endpoint of another, for service discovery.</summary>
        public static IResourceBuilder<T> WithReference<T>(this IResourceBuilder<T> builder, EndpointReference endpointReference)
            where T : IResourceWithEnvironment
        {
            return builder.WithEnvironment(environment =>
            {
                var (owner, name) = (endpointReference.Resource.Name, endpointReference.EndpointName);
                environment[$"services__{owner}__{name}__0"] = environment[$"{owner}_{name}".ToUpperInvariant()] = endpointReference.Url;
            });
        }

        /// <summary>An endpoint of the resource.</summary>
        public static EndpointReference GetEndpoint<T>(this IResourceBuilder<T> builder, string name)
            where T : IResourceWithEndpoints => new(builder.Resource, name);

        /// <summary>Sets an environment variable.</summary>
        public static IResourceBuilder<T> WithEnvironment<T>(this IResourceBuilder<T> builder, string name, string? value)
            where T : IResourceWithEnvironment =>
            builder.WithEnvironment(environment => environment[name] = value ?? "");

        /// <summary>Adds arguments to the command line.</summary>
        public static IResourceBuilder<T> WithArgs<T>(this IResourceBuilder<T> builder, params string[] args)
            where T : IResourceWithArgs
        {
            builder.Of().Args.AddRange(args);
            return builder;
        }

        /// <summary>Starts the resource only when the other one is healthy.</summary>
        public static IResourceBuilder<T> WaitFor<T>(this IResourceBuilder<T> builder, IResourceBuilder<IResource> dependency)
            where T : IResourceWithWaitSupport
        {
            builder.Of().WaitsFor.Add(dependency.Resource);
            return builder;
        }

        /// <summary>Counts the resource as healthy while that path answers 200.</summary>
        public static IResourceBuilder<T> WithHttpHealthCheck<T>(this IResourceBuilder<T> builder, string? path = null)
            where T : IResourceWithEndpoints
        {
            builder.Of().HealthPath = path ?? "/";
            return builder;
        }

        /// <summary>Changes an endpoint.</summary>
        public static IResourceBuilder<T> WithEndpoint<T>(
            this IResourceBuilder<T> builder, string endpointName, Action<EndpointAnnotation> callback)
            where T : IResourceWithEndpoints
        {
            callback(builder.Of().Endpoints.Single(endpoint => endpoint.Name == endpointName));
            return builder;
        }

        /// <summary>Has no effect: everything listens on the loopback interface only.</summary>
        public static IResourceBuilder<T> WithExternalHttpEndpoints<T>(this IResourceBuilder<T> builder)
            where T : IResourceWithEndpoints => builder;

        private static IResourceBuilder<T> WithEnvironment<T>(
            this IResourceBuilder<T> builder, Action<IDictionary<string, string>> set)
            where T : IResourceWithEnvironment
        {
            builder.Of().Environment.Add(set);
            return builder;
        }

        private static Resource Of<T>(this IResourceBuilder<T> builder)
            where T : IResource => (Resource)(IResource)builder.Resource;
    }
}
