using Npgsql;

namespace MnemoLite.Api.Security;

/// <summary>The SQL of keys; MnemoLite.Cli makes and revokes them.</summary>
internal sealed class KeyStore(NpgsqlDataSource dataSource)
{
    /// <summary>Every key that is not revoked, by its id.</summary>
    public async Task<IReadOnlyDictionary<string, StoredKey>> ReadAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("SELECT id, name, scope, hash, expires_at, spaces FROM api_keys WHERE revoked_at IS NULL");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var keys = new Dictionary<string, StoredKey>();
        while (await reader.ReadAsync(cancellationToken))
        {
            var expires = await reader.IsDBNullAsync(4, cancellationToken) ? (DateTimeOffset?)null : reader.GetFieldValue<DateTimeOffset>(4);
            var spaces = await reader.IsDBNullAsync(5, cancellationToken) ? null : reader.GetFieldValue<string[]>(5);
            var key = new StoredKey(reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetFieldValue<byte[]>(3), expires, spaces);
            keys.Add(key.Id, key);
        }
        return keys;
    }

    public async Task NoteUseAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("UPDATE api_keys SET last_used_at = now() WHERE id = ANY($1)");
        command.Parameters.Add(new() { Value = ids.ToArray() });
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
