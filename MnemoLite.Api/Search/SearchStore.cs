using System.Numerics;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;
using Rows = System.Collections.Generic.Dictionary<System.Guid, (MnemoLite.Client.Event Event, double? Distance)>;

namespace MnemoLite.Api.Search;

/// <summary>The SQL of searches: of what matches words, of what is newest, and of the pages. What is nearest by meaning is <see cref="NearestStore"/>'s.</summary>
internal sealed class SearchStore(Reads reads, WordStore words, NearestStore nearest, EventPartitions partitions)
{
    /// <summary>
    /// Finds the events nearest to the query that pass the filters. What <paramref name="shortForms"/> says of the store may be over: then the same is found, only later.
    /// </summary>
    /// <param name="query">The query.</param>
    /// <param name="model">Whose embeddings are compared.</param>
    /// <param name="shortForms">Which the store has.</param>
    /// <param name="pageWith">The page to be read by the same connection, now that there is this list; null where it is not known yet.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The page; null where it was not read.</returns>
    public Task<FoundPage?> FindNearestAsync(
        SearchQuery query, EmbeddingModel model, ShortForms? shortForms, Func<NearestList, PageToRead?> pageWith, CancellationToken cancellationToken) =>
        FindAsync(query.Space, model, connection => nearest.FindAsync(connection, query, model, shortForms, cancellationToken), pageWith, cancellationToken);

    private Task<FoundPage?> FindAsync<TList>(
        Space space, EmbeddingModel model, Func<NpgsqlConnection, Task<TList>> find, Func<TList, PageToRead?> pageWith, CancellationToken cancellationToken) =>
        reads.RunAsync(
            space,
            async connection => pageWith(await find(connection)) is { } page
                ? new FoundPage(page.Lists, await ReadAsync(connection, page.Lists.Page, space, page.Embedding, model, cancellationToken))
                : null,
            cancellationToken);

    /// <summary>Finds the events that match the words of the query best and pass the filters.</summary>
    /// <param name="query">The query.</param>
    /// <param name="model">Whose embeddings are compared.</param>
    /// <param name="pageWith">The page to be read by the same connection, now that there is this list; null where it is not known yet.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The page; null where it was not read.</returns>
    public Task<FoundPage?> FindMatchingAsync(
        SearchQuery query, EmbeddingModel model, Func<MatchingList, PageToRead?> pageWith, CancellationToken cancellationToken) =>
        FindAsync(query.Space, model, connection => FindMatchingAsync(connection, query, model, cancellationToken), pageWith, cancellationToken);

    private async Task<MatchingList> FindMatchingAsync(
        NpgsqlConnection connection, SearchQuery query, EmbeddingModel model, CancellationToken cancellationToken)
    {
        var keywords = query.Keywords!;
        var asked = await words.ReadAsync(connection, query.Space, keywords.Words, cancellationToken);
        var ranking = new KeywordRanking(asked.Words, query.Statistics);
        var (found, snapshot) = await ReadMatchingAsync(connection, query, ranking, cancellationToken);
        var matching = ranking.Rank(found, keywords.HasOperators, query.Candidates, asked.Snapshot is { } former ? former.And(snapshot) : snapshot);
        return query.Embedding is null || query.Request.DistanceThreshold is null ? matching
            : matching with { Distances = await MeasureAsync(connection, matching.Ids, query, model, cancellationToken) };
    }

    private async Task<(List<MatchingEvents> Found, Snapshot Snapshot)> ReadMatchingAsync(
        NpgsqlConnection connection, SearchQuery query, KeywordRanking ranking, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = Matching(query, ranking, query.AddTo(new SqlConditions(command.Parameters, partitions.Exist)));
        var hasOnePlan = query.FindsByWordsAlone || query.FindsByWordsFirst || (query.HasFewEvents && !query.IsFiltered);
        await using var reader = await command.ExecuteReaderAsync(isPrepared: hasOnePlan && query.IsOfFirstPages, cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var snapshot = Snapshot.Parse(reader.GetString(0));
        var found = new List<MatchingEvents>();
        do
        {
            if (!reader.IsDBNull(1))
                found.Add(new((ulong)reader.GetInt64(1), reader.GetInt64(2), reader.GetFieldValue<Guid[]>(3), reader.GetFieldValue<int[]>(4)));
        }
        while (await reader.ReadAsync(cancellationToken));
        return (found, snapshot);
    }

    /// <summary>The distances of events from the query; null of those that have none.</summary>
    private static async Task<double?[]> MeasureAsync(
        NpgsqlConnection connection, Guid[] ids, SearchQuery query, EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        var where = new SqlConditions(command.Parameters);
        command.CommandText = $"""
            SELECT coalesce(array_agg(distance ORDER BY n), '{"{}"}')
            FROM (
                SELECT n, embedding <=> (SELECT {where.VectorParameter(query.Embedding)}) AS distance
                FROM unnest({where.Parameter(ids)}) WITH ORDINALITY AS asked (id, n)
                LEFT JOIN events ON events.id = asked.id AND {where.OfModel(model)}
            ) AS measured
            """;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetFieldValue<double?[]>(0);
    }

    /// <summary>Events of a page, as they are now, each with its distance from the query where there is one.</summary>
    public Task<Rows> ReadAsync(Guid[] ids, Space space, float[]? embedding, EmbeddingModel model, CancellationToken cancellationToken) =>
        reads.RunAsync(space, connection => ReadAsync(connection, ids, space, embedding, model, cancellationToken), cancellationToken);

    private async Task<Rows> ReadAsync(
        NpgsqlConnection connection, Guid[] ids, Space space, float[]? embedding, EmbeddingModel model, CancellationToken cancellationToken)
    {
        if (ids.Length == 0)
            return [];
        await using var command = connection.CreateCommand();
        var where = new SqlConditions(command.Parameters, partitions.Exist);
        var (distance, check) = embedding is null
            ? ("NULL::float8", "true")
            : ($"embedding <=> (SELECT {where.VectorParameter(embedding)})", where.OfModel(model));
        // By their ids alone, whatever a plan for all spaces knows of this one: beside them it would read all that the space has.
        command.CommandText = $"""
            SELECT {EventRow.Columns}, {distance}
            FROM (SELECT * FROM events WHERE id = ANY ({where.Parameter(ids)}) OFFSET 0) AS events
            WHERE space = {where.Parameter(space.Name)} AND {check}
            """;
        await command.PrepareAsync(cancellationToken);
        var found = new Rows(ids.Length);
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var @event = EventRow.Read(reader);
            found[@event.Id] = (@event, reader.IsDBNull(EventRow.Count) ? null : reader.GetDouble(EventRow.Count));
        }
        return found;
    }

    /// <summary>Events that pass the filters, newest first.</summary>
    public Task<Found> FindNewestAsync(SearchQuery query, CancellationToken cancellationToken) =>
        reads.RunAsync(query.Space, connection => FindNewestAsync(connection, query, cancellationToken), cancellationToken);

    private async Task<Found> FindNewestAsync(NpgsqlConnection connection, SearchQuery query, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        var where = query.AddTo(new SqlConditions(command.Parameters, partitions.Exist));
        // All that match are counted in any case. Where a filter leaves few, the page is taken from these: the planner would look for it among
        // all events from the newest on, which may be long.
        var materialized = query.Filter is null && query.Request.Metadata is null ? "NOT MATERIALIZED" : "MATERIALIZED";
        command.CommandText = $"""
            WITH matching AS {materialized} (
                SELECT id, timestamp FROM events WHERE {where}
            ), page AS (
                SELECT id FROM matching
                ORDER BY timestamp DESC, id DESC
                LIMIT {where.Parameter(query.Request.Limit)} OFFSET {where.Parameter(query.Request.Offset)}
            )
            SELECT total, {EventRow.Columns}, {Snapshot.Column}
            FROM (SELECT count(*) AS total FROM matching) AS counted
            LEFT JOIN (page JOIN events USING (id)) ON true
            ORDER BY timestamp DESC, id DESC
            """;
        var events = new List<Event>();
        await using var reader = await command.ExecuteReaderAsync(isPrepared: query.HasOnePlanFiltered && query.IsOfFirstPages, cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (total, snapshot) = (reader.GetInt64(0), Snapshot.Parse(reader.GetString(1 + EventRow.Count)));
        do
        {
            if (!reader.IsDBNull(1))
                events.Add(EventRow.Read(reader, first: 1));
        }
        while (await reader.ReadAsync(cancellationToken));
        return new(new SearchResult(events, total), new SearchLists(null, null) { Page = [.. events.Select(@event => @event.Id)], Total = total }, snapshot);
    }

    /// <summary>
    /// The statement of what matches: of the events that match the same terms those with the fewest lexemes, as many as a list has, and how many there are.
    /// The terms come from subqueries, so that the planner does not know them and keeps one plan.
    /// </summary>
    private static string Matching(SearchQuery query, KeywordRanking ranking, SqlConditions where)
    {
        var telling = $"(SELECT {where.Parameter(new NpgsqlParameter { Value = (object?)ranking.Telling ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text })}::tsquery)";
        var passes = query.LooksUpIds ? $"id = ANY (ARRAY(SELECT ids_with_words({telling})))" : $"keywords @@ {telling}";
        var candidate =
            query.FindsByWordsAlone && query.LooksUpIds ? $"SELECT id, keywords FROM events_with_words({telling}) WHERE true"
            : (query.FindsByWordsAlone && !query.Statistics.IsAll) || (query.FindsByWordsFirst && ranking.Events <= 2 * KeywordRanking.Candidates)
                ? $"SELECT id, keywords FROM (SELECT * FROM events WHERE {passes} OFFSET 0) AS events WHERE {where}"
            : $"SELECT id, keywords FROM events WHERE {where} AND {passes}";
        if (query.Keywords is { HasOperators: true, Text: var text })
        {
            var asked = where.Parameter(text);
            candidate += $" AND keywords @@ (websearch_to_tsquery('simple', plain_query({asked})) || websearch_to_tsquery('english', split_names(plain_query({asked}))))";
        }
        return $"""
            SELECT {Snapshot.Column}, matched, events, ids, lengths
            FROM (SELECT) AS always LEFT JOIN (
                SELECT matched, count(*) AS events, (array_agg(id))[:{query.Listed}] AS ids, (array_agg(length))[:{query.Listed}] AS lengths
                FROM (
                    SELECT id, length(keywords) AS length, {Matched(ranking.Terms, where)} AS matched
                    FROM ({candidate}) AS candidate
                    ORDER BY matched, length, id DESC
                ) AS found
                GROUP BY matched
            ) AS alike ON true
            """;
    }

    /// <summary>A bit for each term. There are statements for 4, 8, 16, 32 and 64, and a term that is null costs nothing.</summary>
    private static string Matched(string[] terms, SqlConditions where)
    {
        var places = Math.Max(4, (int)BitOperations.RoundUpToPowerOf2((uint)terms.Length));
        string?[] all = [.. terms, .. Enumerable.Repeat<string?>(null, places - terms.Length)];
        var array = where.Parameter(new NpgsqlParameter { Value = all, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        return string.Join(" | ", Enumerable.Range(1, places).Select(place =>
            $"CASE WHEN keywords @@ (SELECT ({array})[{place}]::tsquery) THEN 1::bigint << {place - 1} ELSE 0 END"));
    }
}

/// <summary>A page of a search that is known once all its lists are.</summary>
/// <param name="Lists">The lists, with the page.</param>
/// <param name="Embedding">The query's, where distances are to be told.</param>
internal sealed record PageToRead(SearchLists Lists, float[]? Embedding);

/// <summary>A page of a search with those of its events that are there.</summary>
internal sealed record FoundPage(SearchLists Lists, Rows Rows);

/// <summary>What a search found, and what tells when that is no longer right.</summary>
internal sealed record Found(SearchResult Result, SearchLists Lists, Snapshot Snapshot);
