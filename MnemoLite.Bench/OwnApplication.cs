using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace MnemoLite.Bench;

/// <summary>The whole application on data of its own, which goes with it.</summary>
internal sealed class OwnApplication : IAsyncDisposable
{
    private readonly DirectoryInfo _data;
    private readonly DistributedApplication _app;

    private OwnApplication(DirectoryInfo data, DistributedApplication app) => (_data, _app) = (data, app);

    public static async Task<OwnApplication> StartAsync()
    {
        var data = Directory.CreateTempSubdirectory("mnemolite-bench-");
        if (!OperatingSystem.IsWindows())
            data.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute; // the database has a user of its own
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.MnemoLite_AppHost>(
            [$"--LocalHosting:DataDirectory={data.FullName}", $"--MnemoLite:DataVolume={data.Name}", "--environment=Production"], CancellationToken.None);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        var application = new OwnApplication(data, await builder.BuildAsync());
        await application._app.StartAsync();
        await application._app.ResourceNotifications.WaitForResourceHealthyAsync("api", CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(2));
        return application;
    }

    public HttpClient CreateApiClient() => _app.CreateHttpClient("api");

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }
}
