using System.Data;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>Work that one instance at most does at a time, whichever of them.</summary>
internal sealed class AloneInStore(NpgsqlDataSource dataSource)
{
    /// <summary>Does the work unless another instance is at work under that number.</summary>
    public async Task DoAsync(long lockId, Func<Task> work, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var take = new NpgsqlCommand("SELECT pg_try_advisory_lock($1)", connection);
        take.Parameters.Add(new() { Value = lockId });
        if (await take.ExecuteScalarAsync(cancellationToken) is not true)
            return;
        try
        {
            await work();
        }
        finally
        {
            await using var release = new NpgsqlCommand("SELECT pg_advisory_unlock($1)", connection);
            release.Parameters.Add(new() { Value = lockId });
            if (connection.FullState == ConnectionState.Open) // one that broke has let go already
                await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }
}
