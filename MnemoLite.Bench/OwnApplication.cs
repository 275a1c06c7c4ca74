using System.Diagnostics;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MnemoLite.Bench.Soak;

namespace MnemoLite.Bench;

/// <summary>The whole application on data of its own, which goes with it.</summary>
internal sealed class OwnApplication : IAsyncDisposable
{
    private readonly DirectoryInfo _data;
    private readonly string _volume;
    private DistributedApplication? _app;

    private OwnApplication(DirectoryInfo data, string volume) => (_data, _volume) = (data, volume);

    /// <summary>How long the start took, from the first to the dashboard's health.</summary>
    public TimeSpan StartTime { get; private set; }

    /// <param name="template">A folder whose data it starts with a copy of, if given.</param>
    public static async Task<OwnApplication> StartAsync(DirectoryInfo? template = null)
    {
        var data = Directory.CreateTempSubdirectory("mnemolite-bench-");
        if (!OperatingSystem.IsWindows())
            data.UnixFileMode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute; // the database has a user of its own
        if (template is not null)
            await CopyAsync(template, data);
        var application = new OwnApplication(data, FindVolume(data) ?? data.Name);
        await application.RunAsync();
        return application;
    }

    /// <summary>Whether a folder has data that can be started with.</summary>
    public static bool IsTemplate(DirectoryInfo folder) => folder.Exists && FindVolume(folder) is not null;

    private string[] Arguments => [$"--LocalHosting:DataDirectory={_data.FullName}", $"--MnemoLite:DataVolume={_volume}", "--environment=Production"];

    public HttpClient CreateApiClient() => _app!.CreateHttpClient("api");

    public async Task<string> GetConnectionStringAsync() => (await _app!.GetConnectionStringAsync("mnemolite"))!;

    /// <summary>Copies its data into a folder, to start others with, and goes on.</summary>
    public async Task SaveAsync(DirectoryInfo template)
    {
        await StopAsync();
        if (FindVolume(_data) is null)
            throw new ArgumentException("--data works where the application runs without containers: UseAspire=false.");
        if (IsTemplate(template))
            template.Delete(recursive: true);
        template.Create();
        await CopyAsync(_data, template);
        await RunAsync();
    }

    /// <summary>Stops it and starts it on its data; it has other addresses then.</summary>
    public async Task RestartAsync()
    {
        await StopAsync();
        await RunAsync();
    }

    /// <summary>Stops it and runs its data as <c>up</c> does: every process its own, addresses that stay in front.</summary>
    public async Task<SeparateApplication> RunSeparatelyAsync(CancellationToken cancellationToken)
    {
        await StopAsync();
        if (FindVolume(_data) is null)
            throw new ArgumentException("A long run looks at the processes, so it works where there are no containers: UseAspire=false.");
        return await SeparateApplication.StartAsync(_data, Arguments, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _data.Delete(recursive: true);
    }

    private async Task RunAsync()
    {
        var start = Stopwatch.StartNew();
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.MnemoLite_AppHost>(Arguments, CancellationToken.None);
        builder.Services.AddLogging(logging => logging.ClearProviders());
        _app = await builder.BuildAsync();
        await _app.StartAsync();
        await _app.ResourceNotifications.WaitForResourceHealthyAsync("web", CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(2));
        StartTime = start.Elapsed;
    }

    private async Task StopAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        _app = null;
    }

    /// <summary>The database's folder, which has its password beside it.</summary>
    private static string? FindVolume(DirectoryInfo data) =>
        data.EnumerateFiles("*.password").Select(file => Path.GetFileNameWithoutExtension(file.Name)).SingleOrDefault();

    /// <summary>With owners and rights, which PostgreSQL looks at; on the disk at the end: commits would wait for it otherwise.</summary>
    private static async Task CopyAsync(DirectoryInfo from, DirectoryInfo to)
    {
        foreach (var (program, arguments) in new (string, string[])[] { ("cp", ["-a", "--reflink=auto", $"{from.FullName}/.", to.FullName]), ("sync", ["-f", to.FullName]) })
        {
            using var copy = Process.Start(program, arguments);
            await copy.WaitForExitAsync();
            if (copy.ExitCode != 0)
                throw new IOException($"{from} could not be copied to {to}.");
        }
    }
}
