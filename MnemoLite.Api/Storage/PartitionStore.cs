using MnemoLite.Api.Database;
using Npgsql;

namespace MnemoLite.Api.Storage;

/// <summary>The SQL of events partitioned by month; 0007_partitions.sql has the functions.</summary>
internal sealed class PartitionStore(NpgsqlDataSource dataSource, EventPartitions partitions)
{
    internal const long LockId = 0x4D6E656D71; // only one instance looks after the partitions at a time

    /// <summary>How many months have their partition before they begin.</summary>
    private const int MonthsAhead = 2;

    /// <summary>PostgreSQL gathers by itself what a partition holds, not what all of them do together.</summary>
    private const string Analyze = "ANALYZE events";

    /// <summary>Makes the partitions of events, or leaves them if they are there. Takes as long as it takes to copy them and build their indexes.</summary>
    public async Task PartitionAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using (var transaction = await connection.BeginTransactionAsync(cancellationToken))
        {
            await using var command = new NpgsqlCommand(
                $"SET LOCAL statement_timeout = 0; SET LOCAL maintenance_work_mem = '256MB'; SELECT partition_events({MonthsAhead}); SELECT secure_spaces()", connection, transaction)
            {
                CommandTimeout = 0,
            };
            await command.ExecuteNonQueryAsync(cancellationToken);
            await transaction.CommitAsync(cancellationToken);
        }
        await ExecuteUnlimitedAsync(Analyze, cancellationToken);
        await partitions.RefreshAsync(cancellationToken);
    }

    /// <summary>Makes the partitions of the months to come, and drops those before <paramref name="cut"/>, if given.</summary>
    /// <returns>How many events were dropped.</returns>
    public async Task<long> MaintainAsync(DateTimeOffset? cut, CancellationToken cancellationToken)
    {
        await ExecuteUnlimitedAsync(
            $"SELECT pg_advisory_xact_lock({LockId}); SET lock_timeout = '5s'; SELECT add_partitions({MonthsAhead})", cancellationToken);
        long dropped = 0;
        if (cut is { } before)
        {
            await using var drop = dataSource.CreateCommand(
                $"WITH alone AS MATERIALIZED (SELECT pg_advisory_xact_lock({LockId})) SELECT drop_events_before($1) FROM alone");
            drop.Parameters.Add(new() { Value = before.UtcDateTime });
            dropped = (long)(await drop.ExecuteScalarAsync(cancellationToken))!;
        }
        await ExecuteUnlimitedAsync(Analyze, cancellationToken);
        return dropped;
    }

    private async Task ExecuteUnlimitedAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand($"SET statement_timeout = 0; {sql}");
        command.CommandTimeout = 0;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
