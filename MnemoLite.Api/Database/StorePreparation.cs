using MnemoLite.Api.Embeddings;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>
/// Makes the store ready at start: schema, then the check that its embeddings are of the model in use. While the database is away it
/// tries again; a store of another model stops the process.
/// </summary>
internal sealed class StorePreparation(
    NpgsqlDataSource dataSource, EmbeddingModelStore models, EventPartitions partitions, IHostApplicationLifetime lifetime, TimeProvider clock, ILoggerFactory loggers,
    ILogger<StorePreparation> log) : BackgroundService
{
    private static readonly Version MendedPgvector = new(0, 8, 4);
    private volatile bool _ready;

    /// <summary>Whether PostgreSQL keeps requests in the spaces they are bound to; if not, no key that is bound to some is good.</summary>
    public bool KeepsSpacesApart { get; private set; }

    /// <summary>Whether requests can be served.</summary>
    public bool Ready => _ready;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!_ready && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                KeepsSpacesApart = await Migrations.RunAsync(dataSource, models.Current.Model.Dimension, loggers, stoppingToken);
                if (!KeepsSpacesApart)
                    Log.SpacesNotKeptApart(log);
                await WarnOfOldPgvectorAsync(stoppingToken);
                await models.RefreshAsync(stoppingToken);
                await models.BeginShortFormsAsync(stoppingToken);
                await partitions.RefreshAsync(stoppingToken);
                _ready = true;
                Log.StoreReady(log, models.Current.Model.Id, models.Current.Model.Dimension);
            }
            catch (OtherModelException other)
            {
                Log.OtherModel(log, other.Model, other.Dimension, models.Current.Model.Id, models.Current.Model.Dimension);
                Environment.ExitCode = 1;
                lifetime.StopApplication();
                return;
            }
            catch (NpgsqlException exception)
            {
                Log.StoreNotReady(log, exception.Message);
                await Task.Delay(TimeSpan.FromSeconds(1), clock, stoppingToken);
            }
        }
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
