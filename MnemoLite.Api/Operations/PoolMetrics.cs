using System.Diagnostics.Metrics;
using Microsoft.Extensions.Options;
using MnemoLite.Api.Database;
using MnemoLite.Client;

namespace MnemoLite.Api.Operations;

/// <summary>
/// The state of the connection pool, by Npgsql's own metrics; no connection is needed to read it. What waits is a metric of ours too: Npgsql's
/// is not there before something has waited.
/// </summary>
internal sealed class PoolMetrics : IHostedService, IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly DatabaseOptions _options;
    private int _idle, _busy, _waiting;
    private long _timeouts;

    public PoolMetrics(IOptions<DatabaseOptions> options, IMeterFactory meters)
    {
        _options = options.Value;
        var meter = meters.Create("MnemoLite");
        meter.CreateObservableGauge("mnemolite.database.waiting", () => Waiting, "{request}", "Requests that wait for a database connection.");
        meter.CreateObservableCounter(
            "mnemolite.database.timeouts", () => Volatile.Read(ref _timeouts), "{request}", "Requests that waited in vain for a database connection.");
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument is
                {
                    Meter.Name: "Npgsql",
                    Name: "db.client.connection.count" or "db.client.connection.npgsql.pending_requests" or "db.client.connection.npgsql.timeouts"
                })
            {
                listener.EnableMeasurementEvents(instrument);
            }
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Record(instrument.Name, value, tags));
    }

    private int Waiting => Math.Max(0, Volatile.Read(ref _waiting));

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener.Start();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _listener.Dispose();

    public PoolState Read()
    {
        lock (_lock)
        {
            _listener.RecordObservableInstruments();
            return new(_options.MinPoolSize, _options.MaxPoolSize, _busy + _idle, _busy, _idle, Waiting, Volatile.Read(ref _timeouts));
        }
    }

    private void Record(string instrument, int value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var (pool, state) = ("", "");
        foreach (var (name, tag) in tags)
        {
            switch (name)
            {
                case "db.client.connection.pool.name": pool = tag as string ?? ""; break;
                case "db.client.connection.state": state = tag as string ?? ""; break;
            }
        }
        if (pool != DatabaseServices.ConnectionName)
            return;
        switch (instrument, state)
        {
            case ("db.client.connection.count", "used"): _busy = value; break;
            case ("db.client.connection.count", "idle"): _idle = value; break;
            case ("db.client.connection.npgsql.pending_requests", _): Interlocked.Add(ref _waiting, value); break;
            case ("db.client.connection.npgsql.timeouts", _): Interlocked.Add(ref _timeouts, value); break;
        }
    }
}
