using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>The columns of an event, as every query that returns events selects them.</summary>
internal static class EventRow
{
    public const string Columns =
        "id, timestamp, content, metadata, CASE WHEN embedding_due = 'infinity' THEN 'failed' WHEN embedding_due IS NOT NULL THEN 'pending' END AS embedding_state";

    /// <summary>How many columns there are.</summary>
    public const int Count = 5;

    /// <summary>Reads the columns from <paramref name="first"/> on.</summary>
    public static Event Read(NpgsqlDataReader reader, int first = 0) => new()
    {
        Id = reader.GetGuid(first),
        Timestamp = reader.GetFieldValue<DateTimeOffset>(first + 1),
        Content = JsonText.FromTrusted(reader.GetFieldValue<byte[]>(first + 2)),
        Metadata = JsonText.FromTrusted(reader.GetFieldValue<byte[]>(first + 3)),
        EmbeddingState = reader.IsDBNull(first + 4) ? null : reader.GetString(first + 4),
    };
}
