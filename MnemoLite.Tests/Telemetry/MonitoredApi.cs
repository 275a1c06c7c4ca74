using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using MnemoLite.Tests.Replicas;

namespace MnemoLite.Tests.Telemetry;

/// <summary>An instance of the API with a primary and a standby, and the Prometheus that looks at it.</summary>
public sealed class MonitoredApi(RunningApplication app) : IAsyncLifetime
{
    private ReplicatedPostgres? _postgres;
    private ApiProcess? _api;
    private Prometheus? _prometheus;

    public HttpClient Http { get; private set; } = null!;

    public MnemoLiteClient Client { get; private set; } = null!;

    internal ReplicatedPostgres Postgres => _postgres!;

    internal Prometheus Prometheus => _prometheus!;

    public async ValueTask InitializeAsync()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        _postgres = await ReplicatedPostgres.StartAsync(app, cancellationToken);
        _api = ApiProcess.Start(_postgres.Setting);
        Http = await _api.ConnectAsync(cancellationToken);
        Client = new(Http);
        _prometheus = await Prometheus.StartAsync(Http.BaseAddress!);
    }

    public async ValueTask DisposeAsync()
    {
        if (_prometheus is not null)
            await _prometheus.DisposeAsync();
        Http?.Dispose();
        if (_api is not null)
            await _api.DisposeAsync();
        if (_postgres is not null)
            await _postgres.DisposeAsync();
    }
}
