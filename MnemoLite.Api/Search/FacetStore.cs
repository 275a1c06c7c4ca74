using System.Text.Json;
using MnemoLite.Api.Database;
using MnemoLite.Api.Filters;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Api.Search;

/// <summary>The SQL of facets: which values the metadata of events has.</summary>
internal sealed class FacetStore(Reads reads, EventPartitions partitions)
{
    private const int MostEvents = 5000, MostKeys = 40, MostValues = 20, LongestKey = 100, LongestValue = 100;

    /// <summary>Counts the values in the metadata of the newest events of a time; each element of an array counts as a value.</summary>
    public async Task<MetadataFacets> CountAsync(Space space, DateTimeOffset? from, DateTimeOffset? to, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand();
        var where = new SqlConditions(command.Parameters, partitions.Exist).AddEventConditions(space, null, null, from, to);
        command.CommandText = $"""
            WITH recent AS MATERIALIZED (
                SELECT id, metadata FROM events WHERE {where} ORDER BY timestamp DESC, id DESC LIMIT {MostEvents + 1}
            ), field AS (
                SELECT id, key, value FROM recent, jsonb_each(metadata) WHERE length(key) BETWEEN 1 AND {LongestKey}
            ), pair AS (
                SELECT key, value FROM field WHERE jsonb_typeof(value) IN ('string', 'number', 'boolean')
                UNION ALL
                (SELECT DISTINCT ON (id, key, element) key, element
                 FROM field, jsonb_array_elements(CASE jsonb_typeof(value) WHEN 'array' THEN value ELSE '[]' END) AS element
                 WHERE jsonb_typeof(element) IN ('string', 'number', 'boolean'))
            ), counted AS (
                SELECT key, value, count(*) AS count, row_number() OVER (PARTITION BY key ORDER BY count(*) DESC, value) AS place
                FROM pair WHERE length(value #>> ARRAY[]::text[]) BETWEEN 1 AND {LongestValue} GROUP BY key, value
            ), listed AS (
                SELECT key, count(*) AS count FROM field GROUP BY key ORDER BY count DESC, key LIMIT {MostKeys}
            )
            SELECT events, key, listed.count, value, counted.count
            FROM (SELECT count(*) AS events FROM recent) AS all_recent
            LEFT JOIN (listed JOIN counted USING (key)) ON place <= {MostValues}
            ORDER BY listed.count DESC, key, place
            """;
        return await reads.RunAsync(space, command, () => ReadAsync(command, cancellationToken), cancellationToken);
    }

    private static async Task<MetadataFacets> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var values = new List<(string Key, long Events, FacetValue Value)>();
        long events = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            events = reader.GetInt64(0);
            if (!reader.IsDBNull(1))
                values.Add((reader.GetString(1), reader.GetInt64(2), new(JsonElement.Parse(reader.GetString(3)), reader.GetInt64(4))));
        }
        return new(
            Math.Min(events, MostEvents), events > MostEvents,
            [
                .. values.GroupBy(value => (value.Key, value.Events))
                    .Select(key => new MetadataFacet(key.Key.Key, key.Key.Events, [.. key.Select(value => value.Value)])),
            ]);
    }
}
