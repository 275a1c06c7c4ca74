using System.Net.Http.Headers;
using MnemoLite.Cli.Keys;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Security;

/// <summary>An API that asks for keys, on a database of its own, and a key of each scope.</summary>
public sealed class ProtectedApi(RunningApplication app) : IAsyncLifetime
{
    private readonly List<HttpClient> _clients = [];
    private OwnDatabase _database = null!;
    private ApiProcess _api = null!;

    /// <summary>A client that sends no key.</summary>
    public HttpClient Stranger { get; private set; } = null!;

    /// <summary>Clients with a key, by its scope.</summary>
    public IReadOnlyDictionary<string, HttpClient> Clients { get; private set; } = null!;

    public Uri Address { get; private set; } = null!;

    public string Output => _api.Output;

    internal string[] Settings { get; init; } = [];

    internal KeyStore Keys { get; private set; } = null!;

    internal OwnDatabase Database => _database;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app);
        _api = ApiProcess.Start([_database.Setting, "--Auth:Required=true", .. Settings]);
        Stranger = await _api.ConnectAsync(CancellationToken.None);
        Address = Stranger.BaseAddress!;
        Keys = new(_database.ConnectionString);
        var clients = new Dictionary<string, HttpClient>();
        foreach (var scope in Scopes.All)
            clients[scope] = ClientOf(await Keys.CreateAsync($"for {scope}", scope, null, null, CancellationToken.None));
        Clients = clients;
    }

    public HttpClient ClientOf(string key)
    {
        var client = new HttpClient { BaseAddress = Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", key) } };
        _clients.Add(client);
        return client;
    }

    /// <summary>Ends the API in good order.</summary>
    public Task StopAsync() => _api.StopAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients)
            client.Dispose();
        Stranger.Dispose();
        await _api.DisposeAsync();
        await _database.DisposeAsync();
    }
}
