using System.Security.Cryptography;
using System.Text.Json;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Api.Events;

/// <summary>The SQL of requests that may be sent again: the key and the event are stored together or not at all.</summary>
internal sealed class IdempotencyStore(NpgsqlDataSource dataSource, Reads reads)
{
    /// <summary>Stores the event, unless the key was used in the last 24 hours: then its answer is given again.</summary>
    /// <returns>The answer, with the write unless it was made before; no answer if the key was used for another request.</returns>
    public async Task<(Event? Event, Write? Write)> InsertAsync(
        Space space, string key, NewEvent request, Event @event, EmbeddingModel model, CancellationToken cancellationToken)
    {
        var stored = await InsertOrFindAsync(space, key, request, @event, model, cancellationToken);
        if (stored.Write is null)
            await reads.CatchUpAsync(cancellationToken); // another instance may have stored it
        return stored;
    }

    private async Task<(Event? Event, Write? Write)> InsertOrFindAsync(
        Space space, string key, NewEvent request, Event @event, EmbeddingModel model, CancellationToken cancellationToken)
    {
        var hash = SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(request, MnemoLiteJson.Default.NewEvent));
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var forget = new NpgsqlCommand("""
            DELETE FROM idempotency_keys
            WHERE (space, key) IN (SELECT space, key FROM idempotency_keys WHERE created_at < now() - interval '24 hours'
                                   ORDER BY created_at LIMIT 10 FOR UPDATE SKIP LOCKED)
            """, connection))
        {
            await forget.ExecuteNonQueryAsync(cancellationToken);
        }
        await using (var take = Command("""
            INSERT INTO idempotency_keys (space, key, request_hash) VALUES ($1, $2, $3)
            ON CONFLICT (space, key) DO UPDATE SET request_hash = excluded.request_hash, created_at = now()
            WHERE idempotency_keys.created_at < now() - interval '24 hours'
            """))
        {
            take.Parameters.Add(new() { Value = hash });
            if (await take.ExecuteNonQueryAsync(cancellationToken) == 0)
                return (await FindAsync(), null);
        }
        WrittenEvent written;
        await using (var insert = EventStore.Insert(space, @event, model))
        {
            (insert.Connection, insert.Transaction) = (connection, transaction);
            await insert.PrepareAsync(cancellationToken);
            written = (await EventStore.ReadWrittenAsync(space, insert, ChangeKind.Created, cancellationToken))!;
        }
        await using (var answer = Command("UPDATE idempotency_keys SET answer = $3 WHERE space = $1 AND key = $2"))
        {
            answer.Parameters.Add(new() { Value = JsonSerializer.SerializeToUtf8Bytes(written.Event, MnemoLiteJson.Default.Event) });
            await answer.ExecuteNonQueryAsync(cancellationToken);
        }
        await transaction.CommitAsync(cancellationToken);
        return (written.Event, written.Write);

        async Task<Event?> FindAsync()
        {
            await using var find = Command("SELECT answer FROM idempotency_keys WHERE space = $1 AND key = $2 AND request_hash = $3");
            find.Parameters.Add(new() { Value = hash });
            return await find.ExecuteScalarAsync(cancellationToken) is byte[] answer
                ? JsonSerializer.Deserialize(answer, MnemoLiteJson.Default.Event)
                : null;
        }

        NpgsqlCommand Command(string sql)
        {
            var command = new NpgsqlCommand(sql, connection, transaction);
            command.Parameters.Add(new() { Value = space.Name });
            command.Parameters.Add(new() { Value = key });
            return command;
        }
    }
}
