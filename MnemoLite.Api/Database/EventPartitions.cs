using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>Whether events are partitioned by month, as last read: then a time window reads the partitions it touches only.</summary>
internal sealed class EventPartitions(NpgsqlDataSource dataSource)
{
    private volatile bool _exist;

    public bool Exist => _exist;

    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("SELECT relkind = 'p' FROM pg_class WHERE oid = 'events'::regclass");
        _exist = await command.ExecuteScalarAsync(cancellationToken) is true;
    }
}
