using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Cli.Keys;

/// <summary>The SQL of keys.</summary>
internal sealed class KeyStore(string connectionString)
{
    /// <summary>Makes a key; it can be read here and nowhere else.</summary>
    /// <param name="name">Whose it is.</param>
    /// <param name="scope">What it allows.</param>
    /// <param name="expiresAt">The end of its days, if they have one.</param>
    /// <param name="spaces">Those it is bound to; null where it opens all.</param>
    /// <param name="cancellationToken">Ends the command.</param>
    public async Task<string> CreateAsync(
        string name, string scope, DateTimeOffset? expiresAt, IReadOnlyList<string>? spaces, CancellationToken cancellationToken)
    {
        var (id, key) = ApiKey.Create();
        await ExecuteAsync(
            "INSERT INTO api_keys (id, name, scope, hash, expires_at, spaces) VALUES ($1, $2, $3, $4, $5, $6)", cancellationToken,
            id, name, scope, ApiKey.Hash(key, spaces), expiresAt?.ToUniversalTime() ?? (object)DBNull.Value, spaces?.ToArray() ?? (object)DBNull.Value);
        return key;
    }

    /// <summary>Every key that ever was, the newest first.</summary>
    public async Task<IReadOnlyList<KeyRow>> ListAsync(CancellationToken cancellationToken)
    {
        await using var connection = await OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "SELECT id, name, scope, created_at, last_used_at, expires_at, revoked_at, spaces FROM api_keys ORDER BY created_at DESC, id", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keys = new List<KeyRow>();
        while (await reader.ReadAsync(cancellationToken))
            keys.Add(new(reader.GetString(0), reader.GetString(1), reader.GetString(2), Time(3)!.Value, Time(4), Time(5), Time(6), reader.IsDBNull(7) ? null : reader.GetFieldValue<string[]>(7)));
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
            await using var look = new NpgsqlCommand("SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('api_keys') AND attname = 'spaces')", connection);
            return await look.ExecuteScalarAsync(cancellationToken) is true
                ? connection
                : throw new CommandException("This store knows no such keys yet: start this release with it once.");
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
    string Id, string Name, string Scope, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, DateTimeOffset? ExpiresAt, DateTimeOffset? RevokedAt,
    IReadOnlyList<string>? Spaces)
{
    public string State(DateTimeOffset now) => RevokedAt is not null ? "revoked" : ExpiresAt <= now ? "expired" : "good";
}
