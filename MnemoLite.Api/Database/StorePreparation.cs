using MnemoLite.Api.Embeddings;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>
/// Makes the store ready at start: schema, then the check that its embeddings are of the model in use. While the database is away it
/// tries again; a store of another model stops the process.
/// </summary>
internal sealed class StorePreparation(
    NpgsqlDataSource dataSource, EmbeddingModel model, IHostApplicationLifetime lifetime, TimeProvider clock, ILoggerFactory loggers,
    ILogger<StorePreparation> log) : BackgroundService
{
    private static readonly Version MendedPgvector = new(0, 8, 4);
    private volatile bool _ready;

    /// <summary>Whether requests can be served.</summary>
    public bool Ready => _ready;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!_ready && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Migrations.RunAsync(dataSource, model.Dimension, loggers, stoppingToken);
                await WarnOfOldPgvectorAsync(stoppingToken);
                if (await FindOtherModelAsync(stoppingToken) is { } other)
                {
                    Log.OtherModel(log, other.Id, other.Dimension, model.Id, model.Dimension);
                    Environment.ExitCode = 1;
                    lifetime.StopApplication();
                    return;
                }
                _ready = true;
                Log.StoreReady(log, model.Id, model.Dimension);
            }
            catch (NpgsqlException exception)
            {
                Log.StoreNotReady(log, exception.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), clock, stoppingToken);
            }
        }
    }

    private async Task<(string Id, int Dimension)?> FindOtherModelAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            WITH made AS (INSERT INTO store (embedding_model, dimension) VALUES ($1, $2) ON CONFLICT DO NOTHING)
            SELECT embedding_model, dimension FROM store WHERE (embedding_model, dimension) <> ($1, $2)
            """);
        command.Parameters.Add(new NpgsqlParameter { Value = model.Id });
        command.Parameters.Add(new NpgsqlParameter { Value = model.Dimension });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? (reader.GetString(0), reader.GetInt32(1)) : null;
    }

    private async Task WarnOfOldPgvectorAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("SELECT extversion FROM pg_extension WHERE extname = 'vector'");
        if (await command.ExecuteScalarAsync(cancellationToken) is string version && Version.TryParse(version, out var installed)
            && installed < MendedPgvector)
        {
            Log.OldPgvector(log, version);
        }
    }
}
