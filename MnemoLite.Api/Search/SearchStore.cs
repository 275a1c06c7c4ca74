using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Filters;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Search;

/// <summary>The SQL of searches.</summary>
internal sealed class SearchStore(Reads reads, EventPartitions partitions)
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

    /// <summary>A word that stands in more than this part of all events finds too much to help.</summary>
    private const double CommonShare = 0.05;

    /// <summary>The rarest words of a query find the events, up to about as many as this; the others only tell which of those are better.</summary>
    private const int KeywordCandidates = 500;

    /// <summary>Of a space that has a smaller part of all events, the index does not keep more candidates at once, but is read on.</summary>
    private const double LeastShare = 0.25;

    /// <summary>More candidates than this pgvector does not keep.</summary>
    private const int MostKept = 1000;

    /// <summary>More than these an index does not give (<c>hnsw.max_scan_tuples</c>).</summary>
    private const int MostGiven = 20_000;

    /// <summary>As many events as this there are, where words are weighed, at least.</summary>
    private const int LeastSize = 1000;

    /// <summary>
    /// The events nearest to the query that pass the filters. What <paramref name="shortForms"/> says of the store may be over: then the same is
    /// found, only later.
    /// </summary>
    public async Task<NearestList> FindNearestAsync(SearchQuery query, EmbeddingModel model, ShortForms shortForms, CancellationToken cancellationToken)
    {
        var hasShortForms = shortForms != ShortForms.None;
        if (hasShortForms && query.IsOfFew
            && await ReadNearestAsync(query, where => NearestInOrder(query, model, where), hasOnePlan: true, cancellationToken) is { } nearestOfFew)
        {
            return nearestOfFew;
        }
        var hasOnePlan = !query.IsFiltered || HasOnePlanFiltered(query);
        var few = query.Filter is not null || query.Request.Metadata is not null ? ComparedOneByOne
            : hasShortForms ? ComparedOneByOneInIndex : ComparedOneByOneInOrder;
        if ((query.IsFiltered || query.HasAtMost(few))
            && await ReadNearestAsync(query, where => NearestOfFew(query, model, hasShortForms, where, few), hasOnePlan, cancellationToken) is { } nearest)
        {
            return nearest;
        }
        return (await ReadNearestAsync(query, where => NearestByIndexes(query, model, shortForms, where), hasOnePlan, cancellationToken))!;
    }

    /// <param name="query">The query.</param>
    /// <param name="nearest">The statement, with its conditions: the ids, their distances, what was read, and whether that is all there was to compare.</param>
    /// <param name="hasOnePlan">Whether one plan is good for all values.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null if there was more.</returns>
    private async Task<NearestList?> ReadNearestAsync(
        SearchQuery query, Func<SqlConditions, string> nearest, bool hasOnePlan, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand();
        command.CommandText = nearest(Conditions(query, command.Parameters));
        return await RunAsync(command, query, hasOnePlan, ReadListAsync, cancellationToken);

        async Task<NearestList?> ReadListAsync()
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            return !reader.GetBoolean(3) ? null : NearestList.Of(
                reader.GetFieldValue<Guid[]>(0), reader.GetFieldValue<double[]>(1), CandidatesOf(query), Snapshot.Parse(reader.GetString(2)));
        }
    }

    /// <summary>The events that match the words of the query best and pass the filters.</summary>
    public async Task<MatchingList> FindMatchingAsync(SearchQuery query, EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand();
        var where = Conditions(query, command.Parameters);
        command.CommandText = Matching(query, model, where);
        return await RunAsync(
            command, query, query.FindsByWordsAlone || query.FindsByWordsFirst || (query.HasFewEvents && !query.IsFiltered), ReadListAsync, cancellationToken);

        async Task<MatchingList> ReadListAsync()
        {
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            var terms = JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(5), SearchTermsJson.Default.SearchTermArray)!;
            return MatchingList.Of(
                reader.GetFieldValue<Guid[]>(0), reader.GetFieldValue<long[]>(1), reader.GetFieldValue<int[]>(2), reader.GetFieldValue<int[]>(3),
                reader.IsDBNull(4) ? null : reader.GetFieldValue<double?[]>(4), CandidatesOf(query), terms, Snapshot.Parse(reader.GetString(8))) with
            {
                OfAll = reader.GetBoolean(6),
                HasUnknownWords = reader.GetBoolean(7),
                HasOperators = query.Keywords!.HasOperators,
            };
        }
    }

    /// <summary>Events of a page, as they are now, each with its distance from the query where there is one.</summary>
    public async Task<Dictionary<Guid, (Event Event, double? Distance)>> ReadAsync(
        Guid[] ids, Space space, float[]? embedding, EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand();
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
        return await reads.RunAsync(
            space, command,
            async () =>
            {
                await command.PrepareAsync(cancellationToken);
                var found = new Dictionary<Guid, (Event, double?)>(ids.Length);
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                while (await reader.ReadAsync(cancellationToken))
                {
                    var @event = EventRow.Read(reader);
                    found[@event.Id] = (@event, reader.IsDBNull(EventRow.Count) ? null : reader.GetDouble(EventRow.Count));
                }
                return found;
            },
            cancellationToken);
    }

    /// <summary>Events that pass the filters, newest first.</summary>
    public async Task<Found> FindNewestAsync(SearchQuery query, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand();
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
        return await RunAsync(command, query, HasOnePlanFiltered(query), ReadNewestAsync, cancellationToken);

        async Task<Found> ReadNewestAsync()
        {
            var events = new List<Event>();
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
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
    }

    /// <summary>
    /// Compares all that pass the filters, unless they are too many: first by short form, which may be in the index that tells which they are, the nearest
    /// then in full. It looks at one more than that, to know.
    /// </summary>
    private static string NearestOfFew(SearchQuery query, EmbeddingModel model, bool hasShortForms, SqlConditions where, int few)
    {
        var vector = VectorParameter(query.Embedding, where);
        var (distance, nearest) = hasShortForms
            ? (ShortDistance(query, vector, where), NearestInFull(query, vector, "distance IS NULL"))
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
    private static string NearestInOrder(SearchQuery query, EmbeddingModel model, SqlConditions where)
    {
        var vector = VectorParameter(query.Embedding, where);
        return $"""
            WITH passing AS MATERIALIZED (
                SELECT id, coalesce({ShortDistance(query, vector, where)}, -1) AS distance
                FROM events
                WHERE {where} AND {OfModel(model, where)}
                ORDER BY distance
                LIMIT {ListedOf(query) + MostWithoutShortForm}
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
            (SELECT id FROM passing WHERE NOT ({hasNone}) ORDER BY distance LIMIT {ListedOf(query)})
        ))
        """;

    /// <summary>What the index of short forms gives, and that of the embeddings that have none.</summary>
    private static string NearestByIndexes(SearchQuery query, EmbeddingModel model, ShortForms shortForms, SqlConditions where)
    {
        var (vector, listed) = (VectorParameter(query.Embedding, where), ListedOf(query));
        var half = string.Create(CultureInfo.InvariantCulture, $"halfvec({model.Dimension})");
        var kept = query.Statistics.IsAll || query.IsFiltered || shortForms == ShortForms.InSpace ? "" : $" FROM {KeepAtLeast(CandidatesOf(query) / Math.Max(query.Statistics.Share, LeastShare), where)}";
        var whole = $"embedding::{half} <=> (SELECT {vector}::{half}{kept})";
        var most = query.IsFiltered || shortForms != ShortForms.InSpace ? MostGiven : 10 * listed; // of what is of a space first, most is of it
        var passes = query.IsFiltered ? where.ToString() : $"space = (SELECT {where.Parameter(query.Space.Name)})"; // how many are in it is not to make another plan
        var nearest = shortForms != ShortForms.None
            ? $"""
                {NearestByIndex("true", ShortDistance(query, vector, where, kept), vector, $"{passes} AND embedding_short IS NOT NULL", listed, most)}
                UNION ALL
                {NearestByIndex("embedding IS NOT NULL AND embedding_short IS NULL", whole, vector, passes, listed, MostGiven)}
                """
            : NearestByIndex("embedding IS NOT NULL", whole, vector, passes, listed, MostGiven);
        return ListOf($"SELECT id, distance FROM ({nearest}) AS of_both WHERE {OfModel(model, where)} ORDER BY distance, id DESC", query, "true");
    }

    private static string ShortDistance(SearchQuery query, string vector, SqlConditions where, string from = "") =>
        $"embedding_short <=> (SELECT shorten({vector}, {where.Parameter(query.Space.Name)}){from})";

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
    /// The statement of the list of what matches. An event's score is the part of the query's information that its words match, 0..1: each word
    /// counts by its rarity, ln(1 + N / df), among what passes the filters; df is rounded down to a power of two, so that not every write changes
    /// what every word weighs, and the sums are of whole millionths, so that their order does not matter. A word is found as written, or stemmed
    /// and taken apart (<c>OrderService.cs</c> as order, service, cs); one that no event ever had stands for the most similar ones that were.
    /// </summary>
    private static string Matching(SearchQuery query, EmbeddingModel model, SqlConditions where)
    {
        var keywords = query.Keywords!;
        var text = where.Parameter(keywords.Text);
        var words = where.Parameter(keywords.Words);
        var space = where.Parameter(query.Space.Name);
        var (size, common) = query.Statistics is { IsAll: false, Events: var events, CommonWords: var lexemes, Shares: var shares }
            ? ($"SELECT {where.Parameter((double)Math.Max(events, LeastSize))} AS size",
                $"SELECT {where.Parameter(lexemes)}::text[] AS lexemes, {where.Parameter(shares)}::real[] AS shares")
            : ($"SELECT greatest(reltuples, {LeastSize}) AS size FROM pg_class WHERE oid = 'events'::regclass",
                query.Space.IsBound ? "SELECT lexemes, shares FROM common_words()" : """
                    SELECT most_common_elems::text::text[] AS lexemes, most_common_elem_freqs AS shares
                    FROM pg_stats WHERE schemaname = current_schema AND tablename = 'events' AND attname = 'keywords'
                    """);
        var allowed = keywords.HasOperators
            ? $"AND keywords @@ (websearch_to_tsquery('simple', plain_query({text})) || websearch_to_tsquery('english', split_names(plain_query({text}))))"
            : "";
        var (distances, from) = query.Embedding is null || query.Request.DistanceThreshold is null
            ? ("NULL::float8[]", "")
            : ($"array_agg(events.embedding <=> {Embedding(query.Embedding, where)})", $" LEFT JOIN events ON events.id = matching.id AND {OfModel(model, where)}");
        var telling = query.LooksUpIds ? "id = ANY (ARRAY(SELECT ids_with_words(query) FROM telling))" : "keywords @@ (SELECT query FROM telling)";
        var candidate =
            query.FindsByWordsFirst ? $"""
                SELECT id, keywords
                FROM (SELECT * FROM events WHERE keywords @@ (SELECT query FROM telling WHERE events <= {2 * KeywordCandidates}) OFFSET 0) AS events
                WHERE {where}
                UNION ALL
                SELECT id, keywords FROM events WHERE (SELECT events > {2 * KeywordCandidates} FROM telling) AND {where} AND {telling}
                """
            : query.FindsByWordsAlone && query.LooksUpIds ? "SELECT id, keywords FROM events_with_words((SELECT query FROM telling)) WHERE true"
            : query.FindsByWordsAlone && !query.Statistics.IsAll ? $"SELECT id, keywords FROM (SELECT * FROM events WHERE {telling} OFFSET 0) AS events WHERE {where}"
            : $"SELECT id, keywords FROM events WHERE {where} AND {telling}";
        return $"""
            WITH store AS MATERIALIZED (
                {size}
            ), given AS MATERIALIZED (
                SELECT n, plain_text(text) AS plain FROM unnest((SELECT {words}::text[])) WITH ORDINALITY AS given (text, n)
            ), split AS MATERIALIZED (
                SELECT n, plain, split_names(plain) AS split FROM given
            ), stemmed AS MATERIALIZED (
                SELECT n, plain, phraseto_tsquery('simple', plain) || phraseto_tsquery('english', split) AS query,
                    tsvector_to_array(to_tsvector('english', split)) AS stems FROM split
            ), common AS MATERIALIZED (
                {common}
            ), word AS MATERIALIZED (
                SELECT n, plain, query, tsvector_to_array(to_tsvector('simple', plain)) || stems AS words,
                    min(coalesce(shares[array_position(lexemes, stem)], 0)) AS share
                FROM stemmed CROSS JOIN unnest(stems) AS stem LEFT JOIN common ON true
                GROUP BY n, plain, query, stems
            ), unknown AS MATERIALIZED (
                SELECT n, share, typed
                FROM word, unnest(tsvector_to_array(to_tsvector('simple', plain))) AS typed
                WHERE is_word(typed) AND NOT EXISTS (SELECT FROM words WHERE words.space = {space} AND words.word = typed OFFSET 0)
                    AND NOT EXISTS (
                        SELECT FROM words
                        WHERE words.space = {space} AND words.word = ANY (tsvector_to_array(to_tsvector('english', typed)))
                        OFFSET 0) -- looked up for each word, never all words compared with it
            ), term AS MATERIALIZED (
                SELECT n, share, query, words, 1::float8 AS weight FROM word
                UNION ALL
                SELECT n, share, meant.query, meant.words, meant.weight
                FROM unknown, LATERAL (
                    SELECT string_agg(quote_literal(word), ' | ')::tsquery AS query, array_agg(word) AS words, max(similarity) AS weight
                    FROM (SELECT words.word, similarity(words.word, typed) AS similarity
                          FROM words WHERE words.space = {space} AND words.word % typed ORDER BY similarity DESC, words.word LIMIT 3) AS similar_word
                    WHERE similarity >= 0.4
                ) AS meant
                WHERE meant.query IS NOT NULL
            ), chosen AS MATERIALIZED (
                SELECT n, query, words, events, place = 1 OR (share <= {CommonShare.ToString(CultureInfo.InvariantCulture)} AND events <= {KeywordCandidates}) AS is_telling
                FROM (SELECT n, query, words, share, row_number() OVER rarest AS place, sum(share) OVER rarest * size AS events
                      FROM term CROSS JOIN store WINDOW rarest AS (ORDER BY share, n)) AS counted
            ), telling AS MATERIALIZED (
                SELECT string_agg(query::text, ' | ')::tsquery AS query, max(events) AS events FROM chosen WHERE is_telling
            ), candidate AS MATERIALIZED (
                {candidate} {allowed}
            ), found AS MATERIALIZED (
                SELECT id, n, weight, length(keywords) AS length FROM candidate JOIN term ON keywords @@ query
            ), information AS MATERIALIZED (
                SELECT n, df, rounded, (1e6 * ln(1 + size / greatest(rounded, share * size, 0.5)))::int AS idf
                FROM (SELECT DISTINCT n, share FROM term) AS asked
                LEFT JOIN (SELECT n, count(*) AS df, 2 ^ floor(ln(count(*)) / ln(2) + 1e-9) AS rounded FROM found GROUP BY n) AS counted USING (n)
                CROSS JOIN store
            ), scored AS MATERIALIZED (
                SELECT id, sum((weight * idf)::int) AS sum, min(length) AS length, count(*)::int AS words,
                    count(*) FILTER (WHERE weight = 1) = (SELECT count(*) FROM word) AS has_all
                FROM found JOIN information USING (n)
                GROUP BY id
            ), matching AS (
                SELECT id, sum, words, length
                FROM scored
                {(keywords.HasOperators ? "" : "WHERE has_all OR NOT EXISTS (SELECT FROM scored WHERE has_all)")}
                ORDER BY sum DESC, length, id DESC
                LIMIT {ListedOf(query)}
            ), asked AS (
                SELECT n, array_agg(DISTINCT word) AS words, bool_or(is_telling) AS is_telling, bool_or(query::text LIKE '%<%>%') AS is_phrase
                FROM chosen, unnest(words) AS word
                GROUP BY n
            )
            SELECT coalesce(array_agg(matching.id), '{"{}"}'), coalesce(array_agg(sum), '{"{}"}'), coalesce(array_agg(words), '{"{}"}'), coalesce(array_agg(length), '{"{}"}'),
                {distances},
                (SELECT coalesce(json_agg(json_build_object('Words', asked.words, 'Idf', idf, 'IsTelling', is_telling, 'IsPhrase', is_phrase, 'Rise', coalesce(2 * rounded - 1 - df, 0), 'Fall', coalesce(df - rounded, 0))), '[]')::text
                    FROM information JOIN asked USING (n)),
                {(keywords.HasOperators ? "false" : "EXISTS (SELECT FROM scored WHERE has_all)")},
                EXISTS (SELECT FROM unknown),
                {Snapshot.Column}
            FROM matching{from}
            """;
    }

    /// <param name="command">Without a connection yet.</param>
    /// <param name="query">The query.</param>
    /// <param name="hasOnePlan">Whether one plan is good for all values: PostgreSQL makes it once then.</param>
    /// <param name="read">Executes the command and reads what it returns.</param>
    /// <param name="cancellationToken">Ends it.</param>
    private async Task<T> RunAsync<T>(
        NpgsqlCommand command, SearchQuery query, bool hasOnePlan, Func<Task<T>> read, CancellationToken cancellationToken) =>
        await reads.RunAsync(
            query.Space, command,
            async () =>
            {
                if (hasOnePlan && query.Depth <= Candidates)
                    await command.PrepareAsync(cancellationToken);
                return await read();
            },
            cancellationToken);

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

/// <summary>What a search found, and what tells when that is no longer right.</summary>
internal sealed record Found(SearchResult Result, SearchLists Lists, Snapshot Snapshot);

[JsonSerializable(typeof(SearchTerm[]))]
internal sealed partial class SearchTermsJson : JsonSerializerContext;
