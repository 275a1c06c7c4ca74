using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Aspire.Hosting.Local;
using MnemoLite.Tests.AppHost;
using MnemoLite.Tests.Deploy;

namespace MnemoLite.Tests.Telemetry;

/// <summary>A Prometheus as deploy/prometheus configures it, only that it looks every second, and its alerts wait for no longer.</summary>
internal sealed partial class Prometheus : IAsyncDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mnemolite-test-");
    private readonly HttpClient _http;
    private readonly Process _process;

    private Prometheus(Uri[] instances)
    {
        var port = FreePort.Take();
        _http = new() { BaseAddress = new($"http://127.0.0.1:{port}") };
        File.WriteAllText(Path.Combine(_folder.FullName, "alerts.yml"), Patience().Replace(Read("alerts.yml"), "${1}1s"));
        Configure(instances);
        _process = Process.Start(new ProcessStartInfo("prometheus",
        [
            $"--config.file={Path.Combine(_folder.FullName, "prometheus.yml")}", $"--storage.tsdb.path={Path.Combine(_folder.FullName, "data")}",
            $"--web.listen-address=127.0.0.1:{port}", "--web.enable-lifecycle", "--log.level=error",
        ]))!;
    }

    public static async Task<Prometheus> StartAsync(params Uri[] instances)
    {
        var prometheus = new Prometheus(instances);
        try
        {
            await Eventually.UntilAsync(prometheus.IsReadyAsync);
            return prometheus;
        }
        catch
        {
            await prometheus.DisposeAsync();
            throw;
        }
    }

    /// <summary>From now on it looks at these.</summary>
    public async Task ScrapeAsync(params Uri[] instances)
    {
        Configure(instances);
        using var answer = await _http.PostAsync(new Uri("/-/reload", UriKind.Relative), null, TestContext.Current.CancellationToken);
        answer.EnsureSuccessStatusCode();
    }

    /// <summary>The series that a query finds now; one that is not right throws.</summary>
    public async Task<JsonArray> QueryAsync(string query)
    {
        using var answer = await _http.GetAsync(new Uri($"/api/v1/query?query={Uri.EscapeDataString(query)}", UriKind.Relative), TestContext.Current.CancellationToken);
        var body = (await answer.Content.ReadFromJsonAsync<JsonNode>(TestContext.Current.CancellationToken))!;
        Assert.True((string?)body["status"] == "success", $"{query}: {body["error"]}");
        return body["data"]!["result"]!.AsArray();
    }

    public async Task<JsonArray> AlertsAsync() =>
        (await _http.GetFromJsonAsync<JsonNode>(new Uri("/api/v1/alerts", UriKind.Relative), TestContext.Current.CancellationToken))!["data"]!["alerts"]!.AsArray();

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    private void Configure(Uri[] instances) => File.WriteAllText(
        Path.Combine(_folder.FullName, "prometheus.yml"),
        Targets().Replace(
            Interval().Replace(Read("prometheus.yml"), "${1}1s"), $"targets: [{string.Join(", ", instances.Select(instance => $"\"{instance.Authority}\""))}]"));

    private async Task<bool> IsReadyAsync()
    {
        Assert.False(_process.HasExited);
        try
        {
            using var answer = await _http.GetAsync(new Uri("/-/ready", UriKind.Relative), TestContext.Current.CancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(DeployTools.Root, "deploy", "prometheus", file));

    [GeneratedRegex("(_interval: ).+")]
    private static partial Regex Interval();

    [GeneratedRegex(@"targets: \[.*?\]")]
    private static partial Regex Targets();

    [GeneratedRegex(@"(\bfor: ).+")]
    private static partial Regex Patience();
}
