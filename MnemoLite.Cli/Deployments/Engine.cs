using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace MnemoLite.Cli.Deployments;

/// <summary>The AppHost that runs on a data folder, as it is told to move to another release.</summary>
internal sealed class Engine : IDisposable
{
    private readonly HttpClient _http;

    private Engine(HttpClient http) => _http = http;

    /// <exception cref="CommandException">Nothing runs there, or not so that it can be told.</exception>
    public static Engine Find(DataFolder data)
    {
        _ = data.GetRunning();
        var file = Path.Combine(data.Path, "host");
        if (!File.Exists(file))
            throw new CommandException($"What runs on {data.Path} runs in containers: its orchestrator deploys it, as docs/kubernetes.md says.");
        var host = JsonSerializer.Deserialize<Address>(File.ReadAllText(file), JsonSerializerOptions.Web)!;
        return new(new HttpClient
        {
            BaseAddress = host.Uri,
            Timeout = Timeout.InfiniteTimeSpan,
            DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", host.Token) },
        });
    }

    /// <summary>Moves instance by instance, or all at once; the engine itself puts the former release back where one does not become healthy.</summary>
    /// <exception cref="CommandException">The former release runs on; the message says why.</exception>
    public Task MoveAsync(Release release, bool atOnce, CancellationToken cancellationToken) =>
        CarryOutAsync("release", new { folder = release.Path, atOnce }, cancellationToken);

    /// <summary>Starts the API of a release on another database, with the settings it will have, until it is healthy.</summary>
    /// <exception cref="CommandException">It does not become healthy.</exception>
    public Task TryAsync(Release release, string database, CancellationToken cancellationToken)
    {
        var settings = new Dictionary<string, string> { ["ConnectionStrings__mnemolite"] = database, ["ConnectionStrings__redis"] = "" };
        return CarryOutAsync("trial", new { project = "api", folder = release.Path, settings }, cancellationToken);
    }

    public void Dispose() => _http.Dispose();

    private async Task CarryOutAsync(string path, object order, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = JsonContent.Create(order) };
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        if (response.StatusCode == HttpStatusCode.Conflict)
            throw new CommandException("Another deployment is under way.");
        using var lines = new StreamReader(await response.EnsureSuccessStatusCode().Content.ReadAsStreamAsync(cancellationToken));
        while (await lines.ReadLineAsync(cancellationToken) is { } line)
        {
            var step = JsonSerializer.Deserialize<Step>(line, JsonSerializerOptions.Web)!;
            if (step.Error is not null)
                throw new CommandException(step.Error);
            Terminal.Ok(step.Done!);
        }
    }

    private sealed record Address([property: System.Text.Json.Serialization.JsonPropertyName("address")] Uri Uri, string Token);

    private sealed record Step(string? Done, string? Error);
}
