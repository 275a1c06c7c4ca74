using System.Diagnostics;
using System.Globalization;
using System.Text;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using MnemoLite.Client;

namespace MnemoLite.Tests.AppHost;

/// <summary>The whole application with two instances of the API and two of the dashboard.</summary>
public sealed class TwoInstances : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly DirectoryInfo _data = RunningApplication.DataDirectory();
    private DistributedApplication _app = null!;

    public HttpClient Http { get; private set; } = null!;

    public MnemoLiteClient Client { get; private set; } = null!;

    public Uri Web => _app.GetEndpoint("web");

    /// <summary>Where the instances of the dashboard keep their keys.</summary>
    public DirectoryInfo Keys => new(Path.Combine(_data.FullName, "web-keys"));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _app = await RunningApplication.StartAsync(_data, "--MnemoLite:ApiReplicas=2", "--MnemoLite:WebReplicas=2", $"--MnemoLite:WebKeys={Keys.FullName}");
        Http = _app.CreateHttpClient("api");
        Client = new MnemoLiteClient(Http);
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }

    /// <summary>The two instances of a project once both are healthy.</summary>
    internal async Task<IReadOnlyList<Instance>> FindAsync(string project)
    {
        await _app.ResourceNotifications.WaitForResourceHealthyAsync(project, Cancelled).WaitAsync(Patience, Cancelled);
        var ids = new HashSet<string>();
        await _app.ResourceNotifications.WaitForResourceAsync(project, instance => ids.Add(instance.ResourceId) && ids.Count == 2, Cancelled);
        return [.. ids.Select(id => Instance.Find(id, project))];
    }

    /// <summary>Restarts an instance in good order.</summary>
    internal async Task RestartAsync(Instance instance)
    {
        var result = await _app.ResourceCommands.ExecuteCommandAsync(instance.Id, KnownResourceCommands.RestartCommand, Cancelled);
        Assert.True(result.Success);
    }

    /// <summary>Kills an instance, as the kernel does where memory runs out; returns when that is noticed.</summary>
    internal async Task KillAsync(Instance instance)
    {
        var noticed = _app.ResourceNotifications.WaitForResourceAsync(
            instance.Project, one => one.ResourceId == instance.Id && one.Snapshot.HealthStatus != HealthStatus.Healthy, Cancelled);
        using (var process = Process.GetProcessById(instance.ProcessId))
            process.Kill();
        await noticed.WaitAsync(Patience, Cancelled);
    }

    /// <summary>A process of a project, and where it listens itself.</summary>
    internal sealed record Instance(string Project, string Id, int ProcessId, Uri Address)
    {
        public static Instance Find(string id, string project)
        {
            var mark = $"service.instance.id={id[(project.Length + 1)..]}";
            foreach (var folder in Directory.GetDirectories("/proc").Where(folder => int.TryParse(Path.GetFileName(folder), out _)))
            {
                var environment = Read(Path.Combine(folder, "environ"));
                if (environment.FirstOrDefault(one => one.Contains(mark, StringComparison.Ordinal)) is not null)
                {
                    var address = environment.First(one => one.StartsWith("ASPNETCORE_URLS=", StringComparison.Ordinal));
                    return new(project, id, int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture), new(address[(address.IndexOf('=') + 1)..]));
                }
            }
            throw new InvalidOperationException($"No process runs {id}.");
        }

        private static string[] Read(string file)
        {
            try
            {
                return Encoding.UTF8.GetString(File.ReadAllBytes(file)).Split('\0');
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return []; // gone, or another's
            }
        }
    }
}
