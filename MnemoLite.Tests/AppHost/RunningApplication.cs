using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

[assembly: AssemblyFixture(typeof(RunningApplication))]

namespace MnemoLite.Tests.AppHost;

/// <summary>The whole application, as AppHost.cs describes it, on data of its own; shared by the tests that only read and write events.</summary>
public sealed class RunningApplication : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly DirectoryInfo _data = DataDirectory();
    private DistributedApplication? _app;
    private Lazy<Task<string>> _template = null!;

    public HttpClient Http { get; private set; } = null!;

    public MnemoLiteClient Client { get; private set; } = null!;

    public Uri Web { get; private set; } = null!;

    /// <summary>Of the database, for what cannot be seen through the API.</summary>
    public string ConnectionString { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        _app = await StartAsync(_data);
        Http = _app.CreateHttpClient("api");
        Client = new MnemoLiteClient(Http);
        Web = _app.GetEndpoint("web");
        ConnectionString = (await _app.GetConnectionStringAsync("mnemolite"))!;
        _template = new(() => OwnDatabase.CreateTemplateAsync(ConnectionString));
    }

    /// <summary>The database that those of single tests are copies of.</summary>
    public Task<string> TemplateAsync() => _template.Value;

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }

    /// <summary>A folder that the database's own user can pass through.</summary>
    public static DirectoryInfo DataDirectory()
    {
        var directory = Directory.CreateTempSubdirectory("mnemolite-test-");
        if (!OperatingSystem.IsWindows())
            directory.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        return directory;
    }

    /// <summary>Starts the application on that data and waits until the dashboard, and so all it depends on, is healthy.</summary>
    public static async Task<DistributedApplication> StartAsync(DirectoryInfo data, params string[] settings)
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.MnemoLite_AppHost>(
            [$"--LocalHosting:DataDirectory={data.FullName}", $"--MnemoLite:DataVolume={data.Name}", "--environment=Test", .. settings],
            cancellationToken);
        var log = new ResourceLog();
        builder.Services.AddLogging(logging => logging.ClearProviders().AddProvider(log));
        var app = await builder.BuildAsync(cancellationToken);
        try
        {
            await app.StartAsync(cancellationToken);
            await app.ResourceNotifications.WaitForResourceHealthyAsync("web", cancellationToken).WaitAsync(Patience, cancellationToken);
            return app;
        }
        catch (Exception exception)
        {
            await app.DisposeAsync();
            throw new InvalidOperationException($"The application did not start. What it said:\n{log}", exception);
        }
    }
}
