using MnemoLite.Api.Security;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>Connections in a space. What uses another one sees all spaces, and is to be none that a client's request decides on.</summary>
internal static class SpaceConnections
{
    /// <summary>A role that owns nothing, so that row-level security holds for it; 0012_spaces.sql makes it.</summary>
    private const string Role = "mnemolite_bound";

    /// <summary>A connection, which PostgreSQL keeps in the space where the request is bound to it. Npgsql resets it before its next use.</summary>
    public static async ValueTask<NpgsqlConnection> OpenConnectionAsync(this NpgsqlDataSource dataSource, Space space, CancellationToken cancellationToken)
    {
        var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        if (!space.IsBound)
            return connection;
        try
        {
            await using var enter = new NpgsqlCommand($"SELECT set_config('mnemolite.space', $1, false), set_config('role', '{Role}', false)", connection);
            enter.Parameters.Add(new() { Value = space.Name });
            await enter.PrepareAsync(cancellationToken);
            await enter.ExecuteNonQueryAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}
