using System.Buffers.Binary;
using System.Data;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using Npgsql;

namespace MnemoLite.Api.Search;

/// <summary>The SQL of the index in memory, and of what it has to hear of (0018_embedding_changes.sql).</summary>
internal sealed class FlatIndexStore(NpgsqlDataSource dataSource, WriteHorizon horizon)
{
    /// <summary>With more changes at once it is faster to read everything anew.</summary>
    private const int MostChanges = 5000;

    /// <summary>Reads the short forms of all embeddings.</summary>
    /// <returns>Null where there are more than <see cref="FlatIndex.MostEvents"/>.</returns>
    public async Task<FlatIndex?> LoadAsync(EmbeddingModel model, ShortForms forms, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(IsolationLevel.RepeatableRead, cancellationToken);
        if (await TakeSnapshotAsync(connection, cancellationToken) is not { } snapshot)
            return null;
        await using var command = new NpgsqlCommand(
            "SELECT id, space, timestamp, halfvec_send(embedding_short) FROM events WHERE embedding IS NOT NULL AND check_model($1, $2)", connection);
        command.Parameters.Add(new() { Value = model.Id });
        command.Parameters.Add(new() { Value = model.Dimension });
        var index = new FlatIndex(model.Id, forms.OfMeaning);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            Put(reader, index);
        horizon.Note(Snapshot.Parse(snapshot).Xmax - 1); // a standby that has less is not asked
        index.Snapshot = snapshot;
        return index;
    }

    /// <summary>Has an index take in what changed since it was last brought up to date.</summary>
    /// <returns>Whether it is up to date; if not, it is to be read anew.</returns>
    public async Task<bool> CatchUpAsync(FlatIndex index, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand($"""
            SELECT changed.id, events.space, events.timestamp, halfvec_send(events.embedding_short), changed.xid,
                pg_current_snapshot()::text, embedding_changes_since <= pg_snapshot_xmin($1::text::pg_snapshot)
            FROM store
            LEFT JOIN (
                SELECT id, xid FROM embedding_changes
                WHERE xid >= (SELECT pg_snapshot_xmin($1::text::pg_snapshot)) AND NOT pg_visible_in_snapshot(xid, (SELECT $1::text::pg_snapshot))
                LIMIT {MostChanges + 1}
            ) AS changed ON true
            LEFT JOIN events ON events.id = changed.id AND events.embedding IS NOT NULL
            """);
        command.Parameters.Add(new() { Value = index.Snapshot });
        var (count, last, snapshot) = (0, 0UL, "");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (!reader.GetBoolean(6) || count++ == MostChanges)
                return false;
            snapshot = reader.GetString(5);
            if (reader.IsDBNull(0)) // nothing changed
                continue;
            Put(reader, index);
            last = Math.Max(last, reader.GetFieldValue<ulong>(4));
        }
        horizon.Note(last);
        index.Snapshot = snapshot;
        return index.Count <= FlatIndex.MostEvents;
    }

    /// <summary>Forgets changes that no instance needs any more.</summary>
    /// <param name="seen">A snapshot that every instance has heard up to by now; null for none.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The snapshot of this moment.</returns>
    public async Task<string> ForgetAsync(string? seen, CancellationToken cancellationToken)
    {
        // Transactions that are still to come are of another server, which the store was restored from.
        await using var command = dataSource.CreateCommand("""
            WITH forgotten AS (
                DELETE FROM embedding_changes
                WHERE xid < (SELECT pg_snapshot_xmin($1::text::pg_snapshot)) OR xid >= (SELECT pg_snapshot_xmax(pg_current_snapshot()))
                RETURNING xid
            ), known AS (
                UPDATE store SET embedding_changes_since = coalesce(pg_snapshot_xmin($1::text::pg_snapshot), '0')
                WHERE embedding_changes_since >= pg_snapshot_xmax(pg_current_snapshot())
                    OR (embedding_changes_since < pg_snapshot_xmin($1::text::pg_snapshot) AND EXISTS (SELECT FROM forgotten))
            )
            SELECT pg_current_snapshot()::text
            """);
        command.Parameters.Add(new() { Value = (object?)seen ?? DBNull.Value, NpgsqlDbType = NpgsqlTypes.NpgsqlDbType.Text });
        return (string)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <returns>Null where there are too many events.</returns>
    private static async Task<string?> TakeSnapshotAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT pg_current_snapshot()::text
            WHERE (SELECT count(*) FROM (SELECT FROM events LIMIT {FlatIndex.MostEvents + 1}) AS counted) <= {FlatIndex.MostEvents}
            """, connection);
        return await command.ExecuteScalarAsync(cancellationToken) as string;
    }

    private static void Put(NpgsqlDataReader reader, FlatIndex index)
    {
        var id = reader.GetGuid(0);
        if (reader.IsDBNull(1)) // it is gone, or has no embedding
        {
            index.Remove(id);
            return;
        }
        Span<Half> form = stackalloc Half[EmbeddingDirections.Count];
        index.Put(id, reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(2), reader.IsDBNull(3) ? [] : Read(reader.GetFieldValue<byte[]>(3), form));
    }

    /// <param name="sent">As pgvector sends them: how many, nothing, and each as 16-bit floating point number, the higher byte first.</param>
    /// <param name="form">Takes them.</param>
    private static Span<Half> Read(ReadOnlySpan<byte> sent, Span<Half> form)
    {
        const int Head = 4, Width = 2;
        form = form[..BinaryPrimitives.ReadInt16BigEndian(sent)];
        for (var i = 0; i < form.Length; i++)
            form[i] = BinaryPrimitives.ReadHalfBigEndian(sent[(Head + Width * i)..]);
        return form;
    }
}
