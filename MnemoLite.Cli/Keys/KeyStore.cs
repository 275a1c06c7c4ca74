using Npgsql;

namespace MnemoLite.Cli.Keys;

/// <summary>The SQL of keys.</summary>
internal sealed class KeyStore(string connectionString)
{
    /// <summary>Makes a key; it can be read here and nowhere else.</summary>
    public async Task<string> CreateAsync(string name, string scope, DateTimeOffset? expiresAt, CancellationToken cancellationToken)
    {
        var (id, key) = Client.ApiKey.Create();
        await ExecuteAsync(
            "INSERT INTO api_keys (id, name, scope, hash, expires_at) VALUES ($1, $2, $3, $4, $5)", cancellationToken,
            id, name, scope, Client.ApiKey.Hash(key), expiresAt?.ToUniversalTime() ?? (object)DBNull.Value);
        return key;
    }

    /// <summary>Every key that ever was, the newest first.</summary>
    public async Task<IReadOnlyList<KeyRow>> ListAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "SELECT id, name, scope, created_at, last_used_at, expires_at, revoked_at FROM api_keys ORDER BY created_at DESC, id", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keys = new List<KeyRow>();
        while (await reader.ReadAsync(cancellationToken))
            keys.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), Time(3)!.Value, Time(4), Time(5), Time(6)));
        return keys;

        DateTimeOffset? Time(int column) => reader.IsDBNull(column) ? null : reader.GetFieldValue<DateTimeOffset>(column);
    }

    /// <summary>Revokes a key; false where there is none of that id that could be.</summary>
    public async Task<bool> RevokeAsync(string id, CancellationToken cancellationToken) =>
        await ExecuteAsync("UPDATE api_keys SET revoked_at = now() WHERE id = $1 AND revoked_at IS NULL", cancellationToken, id) == 1;

    private async Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params object[] values)
    {
        await using var connection = await OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        foreach (var value in values)
            command.Parameters.Add(new() { Value = value });
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            await using var look = new NpgsqlCommand("SELECT to_regclass('api_keys') IS NOT NULL", connection);
            return await look.ExecuteScalarAsync(cancellationToken) is true
                ? connection
                : throw new CommandException("This store knows no keys yet: start this release with it once.");
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}

/// <summary>A key as the list shows it.</summary>
internal sealed record KeyRow(
    string Id, string Name, string Scope, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt)
{
    public string State(DateTimeOffset now) => RevokedAt is not null ? "revoked" : ExpiresAt <= now ? "expired" : "good";
}
