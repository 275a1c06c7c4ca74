using System.Text.Json;
using MnemoLite.Api.Database;
using Npgsql;

namespace MnemoLite.Api.Caching;

/// <summary>The SQL of what events are to searches.</summary>
internal sealed class EventVersionStore(NpgsqlDataSource dataSource)
{
    /// <summary>The lexemes of an event; null where they are too many to be kept.</summary>
    public const string Words = "CASE WHEN length(keywords) <= 1000 THEN tsvector_to_array(keywords) END";

    /// <summary>What the primary has at this moment.</summary>
    public async Task<Snapshot> TakeSnapshotAsync(CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        return await Snapshot.TakeAsync(connection, cancellationToken);
    }

    /// <summary>Events of whatever space.</summary>
    public async Task<Dictionary<Guid, EventVersion>> FindAsync(Guid[] ids, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand(
            $"SELECT id, timestamp, metadata, embedding::real[], {Words} FROM events WHERE id = ANY ($1)");
        command.Parameters.Add(new() { Value = ids });
        var found = new Dictionary<Guid, EventVersion>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            found[reader.GetGuid(0)] = new(
                reader.GetFieldValue<DateTimeOffset>(1), JsonElement.Parse(reader.GetFieldValue<byte[]>(2)),
                reader.IsDBNull(3) ? null : reader.GetFieldValue<float[]>(3), ReadWords(reader, 4));
        }
        return found;
    }

    /// <summary>Reads a column of <see cref="Words"/>.</summary>
    public static IReadOnlySet<string>? ReadWords(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetFieldValue<string[]>(column).ToHashSet(StringComparer.Ordinal);
}
