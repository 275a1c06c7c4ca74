using System.Globalization;
using System.Numerics;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Filters;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;
using Rows = System.Collections.Generic.Dictionary<System.Guid, (MnemoLite.Client.Event Event, double? Distance)>;

namespace MnemoLite.Api.Search;

/// <summary>The SQL of searches.</summary>
internal sealed class SearchStore(Reads reads, WordStore words, EventPartitions partitions, LiveFlatIndex flat)
{
    /// <summary>How many of the best by meaning, and by words, a search looks at, at least; <c>total</c> counts those within the threshold.</summary>
    private const int Candidates = 100;

    /// <summary>
    /// Up to as many events as this that pass the filters, each is compared with the query. Beyond, the HNSW index gives its nearest first
    /// and the filters are applied to them: with fewer that pass it would lose some (docs/search.md has the figures).
    /// </summary>
    public const int ComparedOneByOne = 4000;

    /// <summary>The same where they are those of a time or of a space: they are read in the order of an index.</summary>
    private const int ComparedOneByOneInOrder = 10_000;

    /// <summary>The same where that index has their short forms, so that they need not be read themselves.</summary>
    public const int ComparedOneByOneInIndex = 15_000;

    /// <summary>Among those, as many that have no short form yet are compared in full, each.</summary>
    private const int MostWithoutShortForm = 50;

    /// <summary>Of a space that has a smaller part of all events, the index does not keep more candidates at once, but is read on.</summary>
    private const double LeastShare = 0.25;

    /// <summary>More candidates than this pgvector does not keep.</summary>
    private const int MostKept = 1000;

    /// <summary>More than these an index does not give (<c>hnsw.max_scan_tuples</c>).</summary>
    private const int MostGiven = 20_000;

    /// <summary>
    /// What the index in memory has not heard of yet: up to so many events are compared beside its candidates, which takes as long as the database's index does. With a tenth
    /// of that it is told to hear of them.
    /// </summary>
    private const int MostUnheard = 1000;

    /// <summary>
    /// So many more than a list has are compared in full, where short forms are compared one by one: what is among the nearest by short form only just need not be so in full,
    /// and of what the index in memory gives some may be gone by now.
    /// </summary>
    private const int Spare = 46;

    /// <summary>How many are compared in full where a page is among the first.</summary>
    public const int ComparedInFull = Candidates + SearchLists.Reserve + Spare;

    /// <summary>A page that reaches further down is not looked up in the index in memory.</summary>
    private const int DeepestInMemory = 1000;

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
        FindAsync(query.Space, model, connection => FindNearestAsync(connection, query, model, shortForms, cancellationToken), pageWith, cancellationToken);

    private Task<FoundPage?> FindAsync<TList>(
        Space space, EmbeddingModel model, Func<NpgsqlConnection, Task<TList>> find, Func<TList, PageToRead?> pageWith, CancellationToken cancellationToken) =>
        reads.RunAsync(
            space,
            async connection => pageWith(await find(connection)) is { } page
                ? new FoundPage(page.Lists, await ReadAsync(connection, page.Lists.Page, space, page.Embedding, model, cancellationToken))
                : null,
            cancellationToken);

    private async Task<NearestList> FindNearestAsync(
        NpgsqlConnection connection, SearchQuery query, EmbeddingModel model, ShortForms? shortForms, CancellationToken cancellationToken)
    {
        if (shortForms is not null && await FindNearestInMemoryAsync(connection, query, model, shortForms, cancellationToken) is { } nearestInMemory)
            return nearestInMemory;
        if (shortForms is not null && query.IsOfFew
            && await ReadNearestAsync(connection, query, where => NearestInOrder(query, model, shortForms, where), hasOnePlan: true, cancellationToken) is { } nearestOfFew)
        {
            return nearestOfFew;
        }
        var hasOnePlan = !query.IsFiltered || HasOnePlanFiltered(query);
        var few = query.Filter is not null || query.Request.Metadata is not null ? ComparedOneByOne
            : shortForms is not null ? ComparedOneByOneInIndex : ComparedOneByOneInOrder;
        if ((query.IsFiltered || query.HasAtMost(few)) && !query.IsOfMany
            && await ReadNearestAsync(connection, query, where => NearestOfFew(query, model, shortForms, where, few), hasOnePlan, cancellationToken) is { } nearest)
        {
            return nearest;
        }
        return (await ReadNearestAsync(connection, query, where => NearestByIndexes(query, model, shortForms, where), hasOnePlan, cancellationToken))!;
    }

    /// <summary>
    /// Compares in full what the index in memory gives, and what it has not heard of yet, all in one snapshot: as right as what PostgreSQL's own indexes give.
    /// </summary>
    /// <returns>Null where that index is not there, has not heard of too much, or something filters beside the time.</returns>
    private async Task<NearestList?> FindNearestInMemoryAsync(
        NpgsqlConnection connection, SearchQuery query, EmbeddingModel model, ShortForms shortForms, CancellationToken cancellationToken)
    {
        var listed = ListedOf(query);
        if (query.Filter is not null || query.Request.Metadata is not null || query.Depth > DeepestInMemory
            || flat.Current is not { } index || index.Model != model.Id
            || index.Find(query.Space.Name, shortForms.Along(query.Embedding), listed + Spare, query.Request.TsStart, query.Request.TsEnd) is not { } candidates)
        {
            return null;
        }
        await using var command = connection.CreateCommand();
        var where = Conditions(query, command.Parameters);
        var snapshot = $"{where.Parameter(candidates.Snapshot)}::text::pg_snapshot";
        var nearest = $"""
            SELECT id, embedding <=> {Embedding(query.Embedding, where)} AS distance
            FROM (SELECT * FROM events WHERE id = ANY ({where.Parameter(candidates.Ids)} || ARRAY(SELECT id FROM unheard)) OFFSET 0) AS events
            WHERE {where} AND embedding IS NOT NULL AND {OfModel(model, where)}
            ORDER BY distance, id DESC
            """;
        command.CommandText = $"""
            WITH unheard AS MATERIALIZED (
                SELECT id FROM embedding_changes
                WHERE space = {where.Parameter(query.Space.Name)} AND xid >= (SELECT pg_snapshot_xmin({snapshot})) AND NOT pg_visible_in_snapshot(xid, (SELECT {snapshot}))
                LIMIT {MostUnheard + 1}
            )
            {ListOf(nearest, query, $"(SELECT count(*) FROM unheard), (SELECT embedding_changes_since <= pg_snapshot_xmin({snapshot}) FROM store)")}
            """;
        await using var reader = await ExecuteAsync(command, query, hasOnePlan: true, cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var ids = reader.GetFieldValue<Guid[]>(0);
        var unheard = reader.GetInt64(3);
        var isComplete = candidates.AreAll || ids.Length == listed;
        if (unheard > MostUnheard / 10 || !isComplete)
            flat.Ask(isIncomplete: !isComplete);
        return !isComplete || unheard > MostUnheard || !reader.GetBoolean(4) ? null : NearestList.Of(
            ids, reader.GetFieldValue<double[]>(1), CandidatesOf(query), Snapshot.Parse(reader.GetString(2)));
    }

    /// <param name="connection">In the space.</param>
    /// <param name="query">The query.</param>
    /// <param name="nearest">The statement, with its conditions: the ids, their distances, what was read, and whether that is all there was to compare.</param>
    /// <param name="hasOnePlan">Whether one plan is good for all values.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null if there was more.</returns>
    private async Task<NearestList?> ReadNearestAsync(
        NpgsqlConnection connection, SearchQuery query, Func<SqlConditions, string> nearest, bool hasOnePlan, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = nearest(Conditions(query, command.Parameters));
        await using var reader = await ExecuteAsync(command, query, hasOnePlan, cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return !reader.GetBoolean(3) ? null : NearestList.Of(
            reader.GetFieldValue<Guid[]>(0), reader.GetFieldValue<double[]>(1), CandidatesOf(query), Snapshot.Parse(reader.GetString(2)));
    }

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
        var matching = ranking.Rank(found, keywords.HasOperators, CandidatesOf(query), asked.Snapshot is { } former ? former.And(snapshot) : snapshot);
        return query.Embedding is null || query.Request.DistanceThreshold is null ? matching
            : matching with { Distances = await MeasureAsync(connection, matching.Ids, query, model, cancellationToken) };
    }

    private async Task<(List<MatchingEvents> Found, Snapshot Snapshot)> ReadMatchingAsync(
        NpgsqlConnection connection, SearchQuery query, KeywordRanking ranking, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = Matching(query, ranking, Conditions(query, command.Parameters));
        var hasOnePlan = query.FindsByWordsAlone || query.FindsByWordsFirst || (query.HasFewEvents && !query.IsFiltered);
        await using var reader = await ExecuteAsync(command, query, hasOnePlan, cancellationToken);
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
                SELECT n, embedding <=> {Embedding(query.Embedding, where)} AS distance
                FROM unnest({where.Parameter(ids)}) WITH ORDINALITY AS asked (id, n)
                LEFT JOIN events ON events.id = asked.id AND {OfModel(model, where)}
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
            : ($"embedding <=> {Embedding(embedding, where)}", OfModel(model, where));
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
        var where = Conditions(query, command.Parameters);
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
        await using var reader = await ExecuteAsync(command, query, HasOnePlanFiltered(query), cancellationToken);
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
    /// Compares all that pass the filters, unless they are too many: first by short form, which may be in the index that tells which they are, the nearest
    /// then in full. It looks at one more than that, to know.
    /// </summary>
    private static string NearestOfFew(SearchQuery query, EmbeddingModel model, ShortForms? shortForms, SqlConditions where, int few)
    {
        var vector = VectorParameter(query.Embedding, where);
        var (distance, nearest) = shortForms is not null
            ? (ShortDistance(query, shortForms, where), NearestInFull(query, vector, "distance IS NULL"))
            : ($"embedding <=> (SELECT {vector})", "SELECT id, distance FROM passing WHERE distance IS NOT NULL");
        return $"""
            WITH passing AS MATERIALIZED (
                SELECT id, {distance} AS distance FROM events WHERE {where} AND {OfModel(model, where)} LIMIT {few + 1}
            ), compared AS (
                SELECT count(*) <= {few} AS are_all FROM passing
            )
            {ListOf($"SELECT id, distance FROM ({nearest}) AS few WHERE (SELECT are_all FROM compared) ORDER BY distance, id DESC", query, "(SELECT are_all FROM compared)")}
            """;
    }

    /// <summary>
    /// Compares all that pass, of a time or of a space of which it is known that they are few: by the short forms in the index that tells which they are,
    /// the nearest then in full. Those without are told from the others by their distance, and there may be some only.
    /// </summary>
    private static string NearestInOrder(SearchQuery query, EmbeddingModel model, ShortForms shortForms, SqlConditions where)
    {
        var vector = VectorParameter(query.Embedding, where);
        return $"""
            WITH passing AS MATERIALIZED (
                SELECT id, coalesce({ShortDistance(query, shortForms, where)}, -1) AS distance
                FROM events
                WHERE {where} AND {OfModel(model, where)}
                ORDER BY distance
                LIMIT {ListedOf(query) + Spare + MostWithoutShortForm}
            )
            {ListOf($"{NearestInFull(query, vector, "distance = -1")} ORDER BY distance, id DESC", query, $"(SELECT count(*) < {MostWithoutShortForm} FROM passing WHERE distance = -1)")}
            """;
    }

    /// <summary>Compares in full those of <c>passing</c> that are nearest by short form, and those that have none.</summary>
    private static string NearestInFull(SearchQuery query, string vector, string hasNone) => $"""
        SELECT id, embedding <=> (SELECT {vector}) AS distance
        FROM events
        WHERE embedding IS NOT NULL AND id = ANY (ARRAY(
            SELECT id FROM passing WHERE {hasNone}
            UNION ALL
            (SELECT id FROM passing WHERE NOT ({hasNone}) ORDER BY distance LIMIT {ListedOf(query) + Spare})
        ))
        """;

    /// <summary>What the index of short forms gives, and that of the embeddings that have none.</summary>
    private static string NearestByIndexes(SearchQuery query, EmbeddingModel model, ShortForms? shortForms, SqlConditions where)
    {
        var (vector, listed) = (VectorParameter(query.Embedding, where), ListedOf(query));
        var half = string.Create(CultureInfo.InvariantCulture, $"halfvec({model.Dimension})");
        var kept = query.Statistics.IsAll || query.IsFiltered || shortForms is { TellSpace: true } ? "" : $" FROM {KeepAtLeast(CandidatesOf(query) / Math.Max(query.Statistics.Share, LeastShare), where)}";
        var whole = $"embedding::{half} <=> (SELECT {vector}::{half}{kept})";
        var most = query.IsFiltered || shortForms is not { TellSpace: true } ? MostGiven : 10 * listed; // of what is of a space first, most is of it
        var passes = query.IsFiltered ? where.ToString() : $"space = (SELECT {where.Parameter(query.Space.Name)})"; // how many are in it is not to make another plan
        var nearest = shortForms is not null
            ? $"""
                {NearestByIndex("true", ShortDistance(query, shortForms, where, kept), vector, $"{passes} AND embedding_short IS NOT NULL", listed, most)}
                UNION ALL
                {NearestByIndex("embedding IS NOT NULL AND embedding_short IS NULL", whole, vector, passes, listed, MostGiven)}
                """
            : NearestByIndex("embedding IS NOT NULL", whole, vector, passes, listed, MostGiven);
        return ListOf($"SELECT id, distance FROM ({nearest}) AS of_both WHERE {OfModel(model, where)} ORDER BY distance, id DESC", query, "true");
    }

    private static string ShortDistance(SearchQuery query, ShortForms shortForms, SqlConditions where, string from = "") =>
        $"embedding_short <=> (SELECT in_space({VectorParameter(shortForms.Along(query.Embedding), where)}, {where.Parameter(query.Space.Name)}){from})";

    /// <summary>
    /// Has the index keep as many candidates, and a fifth more, until the statement ends: of a space that has half of the events, half of what the index
    /// gives. To read it on for more takes longer.
    /// </summary>
    private static string KeepAtLeast(double candidates, SqlConditions where) =>
        $"set_config('hnsw.ef_search', greatest(current_setting('hnsw.ef_search')::int, {where.Parameter((int)Math.Min(1.2 * candidates, MostKept))})::text, true)";

    private static string ListOf(string nearest, SearchQuery query, string isRight) => $"""
        SELECT coalesce(array_agg(id), '{"{}"}') AS ids, coalesce(array_agg(distance), '{"{}"}'), {Snapshot.Column}, {isRight}
        FROM ({nearest} LIMIT {ListedOf(query)}) AS nearest
        """;

    /// <summary>
    /// The order by distance stands bare beside a limit, so that it is the index that is read, only as far as it takes: without one, what is for a bound key
    /// would be sorted, as it is less. What the index holds anyway is asked outside: where PostgreSQL takes few for such it would read all events.
    /// </summary>
    private static string NearestByIndex(string indexed, string order, string vector, string passes, int listed, int most) => $"""
        (SELECT id, embedding <=> (SELECT {vector}) AS distance
         FROM (
             SELECT id, space, timestamp, metadata, embedding, embedding_short
             FROM events
             WHERE {indexed}
             ORDER BY {order}
             LIMIT {most}
         ) AS by_index
         WHERE {passes}
         LIMIT {listed})
        """;

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
                SELECT matched, count(*) AS events, (array_agg(id))[:{ListedOf(query)}] AS ids, (array_agg(length))[:{ListedOf(query)}] AS lengths
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

    /// <param name="command">What is executed.</param>
    /// <param name="query">The query.</param>
    /// <param name="hasOnePlan">Whether one plan is good for all values: PostgreSQL makes it once then.</param>
    /// <param name="cancellationToken">Ends it.</param>
    private static async Task<NpgsqlDataReader> ExecuteAsync(NpgsqlCommand command, SearchQuery query, bool hasOnePlan, CancellationToken cancellationToken)
    {
        if (hasOnePlan && query.Depth <= Candidates)
            await command.PrepareAsync(cancellationToken);
        return await command.ExecuteReaderAsync(cancellationToken);
    }

    /// <summary>Whether metadata and times that are filtered, in the one space there is, make no difference to how the events are best found.</summary>
    private static bool HasOnePlanFiltered(SearchQuery query) => query.Filter is null && query.Statistics.IsAll;

    private static int CandidatesOf(SearchQuery query) => Math.Max(Candidates, query.Depth);

    /// <summary>Known to the planner: it bounds every list.</summary>
    private static int ListedOf(SearchQuery query) => CandidatesOf(query) + SearchLists.Reserve;

    /// <summary>The query's vector; in a subquery it is cast once, not for each event.</summary>
    private static string Embedding(float[]? embedding, SqlConditions where) => $"(SELECT {VectorParameter(embedding, where)})";

    private static string VectorParameter(float[]? embedding, SqlConditions where) =>
        $"{where.Parameter(new NpgsqlParameter { Value = embedding, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real })}::real[]::vector";

    private static string OfModel(EmbeddingModel model, SqlConditions where) =>
        $"check_model({where.Parameter(model.Id)}, {where.Parameter(model.Dimension)})";

    private SqlConditions Conditions(SearchQuery query, NpgsqlParameterCollection parameters) =>
        new SqlConditions(parameters, partitions.Exist)
            .AddEventConditions(query.Space, query.Request.Metadata, query.Filter, query.Request.TsStart, query.Request.TsEnd, query.LooksUpIds);
}

/// <summary>A page of a search that is known once all its lists are.</summary>
/// <param name="Lists">The lists, with the page.</param>
/// <param name="Embedding">The query's, where distances are to be told.</param>
internal sealed record PageToRead(SearchLists Lists, float[]? Embedding);

/// <summary>A page of a search with those of its events that are there.</summary>
internal sealed record FoundPage(SearchLists Lists, Rows Rows);

/// <summary>What a search found, and what tells when that is no longer right.</summary>
internal sealed record Found(SearchResult Result, SearchLists Lists, Snapshot Snapshot);
