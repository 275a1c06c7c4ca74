using System.Net;
using System.Net.Http.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Faults;

/// <summary>An instance of the API with a PostgreSQL server of its own, and a door between the two that can be made to fail.</summary>
internal sealed class OwnService : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly ApiProcess _api;

    private OwnService(DirectoryInfo folder, PostgresServer postgres, Door door, ApiProcess api, HttpClient http)
    {
        (_folder, Postgres, Door, _api, Http) = (folder, postgres, door, api, http);
        Client = new(http);
    }

    public PostgresServer Postgres { get; }

    /// <summary>The way from the API to PostgreSQL.</summary>
    public Door Door { get; }

    public HttpClient Http { get; }

    public MnemoLiteClient Client { get; }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<OwnService> StartAsync(RunningApplication app, DirectoryInfo? folder = null, params string[] settings)
    {
        folder ??= RunningApplication.DataDirectory();
        var postgres = await PostgresServer.CreateAsync(app, Path.Combine(folder.FullName, "data"), Cancelled);
        var door = new Door(postgres.Port);
        var api = ApiProcess.Start([postgres.SettingBy(door.Port), "--EMBEDDING_MODE=mock", .. settings]);
        return new(folder, postgres, door, api, await api.ConnectAsync(Cancelled));
    }

    public async Task<Guid> RememberAsync(string text) => (await Client.CreateAsync(new() { Content = JsonText.From(new { text }) }, Cancelled)).Id;

    /// <summary>Reads; the answer's status, and what it says of its coming from the cache.</summary>
    public async Task<Answer> ReadAsync(string path, bool now = false)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.CacheControl = new() { NoCache = now };
        return await SendAsync(request);
    }

    public async Task<Answer> PostAsync(string path, object body, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) };
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return await SendAsync(request);
    }

    public async Task<Answer> SendAsync(HttpRequestMessage request)
    {
        using var response = await Http.SendAsync(request, Cancelled);
        if (response.StatusCode == HttpStatusCode.ServiceUnavailable && request.RequestUri!.AbsolutePath != "/health")
        {
            Assert.NotNull(response.Headers.RetryAfter);
            Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        }
        return new(
            response.StatusCode, await response.Content.ReadAsStringAsync(Cancelled),
            response.Headers.TryGetValues("Cache-Status", out var status) ? string.Join(", ", status) : "", response.Headers.Age);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _api.DisposeAsync();
        await Door.DisposeAsync();
        await Postgres.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    internal sealed record Answer(HttpStatusCode Status, string Body, string CacheStatus, TimeSpan? Age)
    {
        /// <summary>Whether it is marked as what was known last.</summary>
        public bool IsStale => Status == HttpStatusCode.OK && CacheStatus.Contains("the database is away", StringComparison.Ordinal)
            && CacheStatus.Contains("ttl=-", StringComparison.Ordinal) && Age >= TimeSpan.FromSeconds(1);
    }
}
