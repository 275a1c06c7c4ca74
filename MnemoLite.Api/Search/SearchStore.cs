using MnemoLite.Api.Database;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Search;

/// <summary>The SQL of searches.</summary>
internal sealed class SearchStore(NpgsqlDataSource dataSource)
{
    private const int DistanceColumn = 5;

    /// <summary>How many of the nearest events a search looks at, at least; <c>total</c> counts those within the threshold.</summary>
    private const int Candidates = 100;

    /// <summary>Events nearest to the embedding first.</summary>
    public async Task<SearchResult> FindNearestAsync(SearchRequest request, float[] embedding, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand();
        var where = Conditions(request, command.Parameters);
        var query = $"{where.Parameter(new NpgsqlParameter { Value = embedding, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real })}::real[]::vector";
        // the order by distance must stand bare beside its limit, or the HNSW index is not used
        command.CommandText = $"""
            WITH candidate AS MATERIALIZED (
                SELECT {EventRow.Columns}, embedding <=> {query} AS distance
                FROM events
                WHERE {where} AND embedding IS NOT NULL
                ORDER BY embedding <=> {query}
                LIMIT {where.Parameter(Math.Max(Candidates, request.Offset + request.Limit))}
            ), passing AS (
                SELECT * FROM candidate WHERE distance <= {where.Parameter(request.DistanceThreshold ?? 2)}
            )
            SELECT total, page.*
            FROM (SELECT count(*) AS total FROM passing) AS counted
            LEFT JOIN (
                SELECT * FROM passing ORDER BY distance, id DESC
                LIMIT {where.Parameter(request.Limit)} OFFSET {where.Parameter(request.Offset)}
            ) AS page ON true
            ORDER BY distance, id DESC
            """;
        return await ReadAsync(command, cancellationToken);
    }

    /// <summary>Events that pass the filters, newest first.</summary>
    public async Task<SearchResult> FindNewestAsync(SearchRequest request, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand();
        var where = Conditions(request, command.Parameters);
        command.CommandText = $"""
            SELECT total, page.*
            FROM (SELECT count(*) AS total FROM events WHERE {where}) AS counted
            LEFT JOIN (
                SELECT {EventRow.Columns} FROM events WHERE {where}
                ORDER BY timestamp DESC, id DESC
                LIMIT {where.Parameter(request.Limit)} OFFSET {where.Parameter(request.Offset)}
            ) AS page ON true
            ORDER BY timestamp DESC, id DESC
            """;
        return await ReadAsync(command, cancellationToken);
    }

    private static SqlConditions Conditions(SearchRequest request, NpgsqlParameterCollection parameters)
    {
        var where = new SqlConditions(parameters);
        where.Add("space =", EventRow.Space);
        if (request.Metadata is { } metadata)
            where.Add("metadata @>", new NpgsqlParameter { Value = metadata.Utf8.ToArray(), NpgsqlDbType = NpgsqlDbType.Jsonb });
        where.AddTimeWindow(request.TsStart, request.TsEnd);
        return where;
    }

    private static async Task<SearchResult> ReadAsync(NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var events = new List<Event>();
        long total = 0;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            total = reader.GetInt64(0);
            if (reader.IsDBNull(1))
                continue;
            var @event = EventRow.Read(reader, first: 1);
            events.Add(reader.FieldCount > DistanceColumn ? @event with { SimilarityScore = 1 - reader.GetDouble(DistanceColumn) } : @event);
        }
        return new SearchResult(events, total);
    }
}
