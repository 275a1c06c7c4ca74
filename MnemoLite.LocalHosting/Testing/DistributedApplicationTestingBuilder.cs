using Microsoft.Extensions.Configuration;

namespace Aspire.Hosting.Testing;

/// <summary>Describes an application under test, after its own AppHost did.</summary>
public interface IDistributedApplicationTestingBuilder : IDistributedApplicationBuilder, IAsyncDisposable
{
    /// <summary>Makes the application.</summary>
    Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default);
}

/// <summary>Runs an AppHost inside a test.</summary>
public static class DistributedApplicationTestingBuilder
{
    /// <summary>Runs the AppHost's entry point up to <c>Build()</c>. Ports are free ones, whatever the AppHost asks for.</summary>
    /// <typeparam name="TEntryPoint">A type of the AppHost's assembly.</typeparam>
    /// <param name="args">The command line of the AppHost: <c>--key=value</c> settings.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(
        string[] args, CancellationToken cancellationToken = default)
        where TEntryPoint : class
    {
        var run = new EntryPointRun(typeof(TEntryPoint).Assembly, ["--DcpPublisher:RandomizePorts=true", .. args]);
        return new TestingBuilder(await run.StartAsync(cancellationToken), run);
    }

    /// <summary>Runs the AppHost's entry point, without arguments, up to <c>Build()</c>.</summary>
    /// <typeparam name="TEntryPoint">A type of the AppHost's assembly.</typeparam>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static Task<IDistributedApplicationTestingBuilder> CreateAsync<TEntryPoint>(CancellationToken cancellationToken = default)
        where TEntryPoint : class => CreateAsync<TEntryPoint>([], cancellationToken);

    private sealed class TestingBuilder(IDistributedApplicationBuilder inner, EntryPointRun run) : IDistributedApplicationTestingBuilder
    {
        public ConfigurationManager Configuration => inner.Configuration;

        public Microsoft.Extensions.Hosting.IHostEnvironment Environment => inner.Environment;

        public Microsoft.Extensions.DependencyInjection.IServiceCollection Services => inner.Services;

        public ApplicationModel.IResourceBuilder<T> AddResource<T>(T resource)
            where T : ApplicationModel.IResource => inner.AddResource(resource);

        public DistributedApplication Build() => BuildAsync().GetAwaiter().GetResult();

        public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken = default) => run.BuildAsync(cancellationToken);

        public ValueTask DisposeAsync()
        {
            run.End();
            return ValueTask.CompletedTask;
        }
    }
}
