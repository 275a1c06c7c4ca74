using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Filters;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Search;

/// <summary>The SQL of searches: each is one statement.</summary>
internal sealed class SearchStore(Reads reads, EventPartitions partitions)
{
    /// <summary>How many of the best by meaning, and by words, a search looks at, at least; <c>total</c> counts those within the threshold.</summary>
    private const int Candidates = 100;

    /// <summary>
    /// Up to as many events as this that pass the filters, each is compared with the query. Beyond, the HNSW index gives its nearest first
    /// and the filters are applied to them: with fewer that pass it would lose some (docs/search.md has the figures).
    /// </summary>
    private const int ComparedOneByOne = 4000;

    /// <summary>A word that stands in more than this part of all events finds too much to help.</summary>
    private const double CommonShare = 0.05;

    /// <summary>The rarest words of a query find the events, up to about as many as this; the others only tell which of those are better.</summary>
    private const int KeywordCandidates = 500;

    /// <summary>The k of reciprocal rank fusion, 1 / (k + rank) (Cormack, Clarke, Büttcher: SIGIR 2009).</summary>
    private const int FusionK = 60;

    /// <summary>What a place among the best by words counts, against one by meaning, where every word of the query matches.</summary>
    private const double KeywordWeight = 2;

    /// <summary>The part of a query's information that an event's words match by chance. Like the weight, of the benchmark's half for tuning.</summary>
    private const double ChanceScore = 0.2;

    /// <summary>The part that one word alone has to be, to count.</summary>
    private const double OneWordScore = 0.5;

    private const int SnapshotColumn = 1 + EventRow.Count, DistanceColumn = SnapshotColumn + 1, ListsColumn = DistanceColumn + 5;

    /// <summary>Events that pass the filters, best first by meaning, by words, or by both.</summary>
    public async Task<Found> FindRankedAsync(SearchQuery query, EmbeddingModel model, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand();
        var request = query.Request;
        var where = Conditions(query, command.Parameters);
        var candidates = Math.Max(Candidates, request.Offset + request.Limit).ToString(CultureInfo.InvariantCulture); // known to the planner: it bounds every list
        var embedding = query.Embedding is null ? null : $"{where.Parameter(Vector(query.Embedding))}::real[]::vector";
        List<string> lists = [];
        if (embedding is not null)
            lists.Add(Semantic(query, model, where, embedding, candidates));
        if (query.Keywords is not null)
            lists.Add(Keyword(query.Keywords, where, candidates));
        command.CommandText = $"""
            WITH {string.Join(", ", lists)}, fused AS (
                {(embedding, query.Keywords) switch
        {
            (not null, null) => "SELECT id, distance, rank AS semantic_rank, NULL::bigint AS keyword_rank, NULL::float8 AS keyword_score, "
                + "1 - distance AS fused_score FROM semantic",
            (null, not null) => "SELECT id, NULL::float8 AS distance, NULL::bigint AS semantic_rank, rank AS keyword_rank, "
                + "score AS keyword_score, score AS fused_score FROM keyword",
            _ => Fused(where, embedding!),
        }}
            ), passing AS (
                SELECT * FROM fused {(request.DistanceThreshold is { } threshold ? $"WHERE distance <= {where.Parameter(threshold)}" : "")}
            ), page AS (
                SELECT *, row_number() OVER (ORDER BY fused_score DESC, semantic_rank, keyword_rank) AS place FROM passing
                ORDER BY place
                LIMIT {where.Parameter(request.Limit)} OFFSET {where.Parameter(request.Offset)}
            ), lists AS (
                SELECT json_build_object('Listed', (SELECT coalesce(json_agg(id), '[]') FROM fused){(embedding is null ? "" : SemanticEnd(candidates))}
                    {(query.Keywords is null ? "" : KeywordEnd(query.Keywords, candidates))})::text AS lists
            )
            SELECT total, {EventRow.Columns}, CASE WHEN first THEN {Snapshot.Column} END, distance, semantic_rank, keyword_rank, keyword_score,
                fused_score, CASE WHEN first THEN (SELECT lists FROM lists) END
            FROM (SELECT count(*) AS total FROM passing) AS counted
            LEFT JOIN (page JOIN events USING (id)) ON true
            CROSS JOIN LATERAL (SELECT place IS NULL OR place = {where.Parameter(request.Offset + 1)} AS first) AS row
            ORDER BY place
            """;
        return await reads.RunAsync(
            command,
            async () =>
            {
                // Of the same text each time, and with one good plan for all values, where nothing is filtered.
                if (!query.IsFiltered && request.Offset + request.Limit <= Candidates)
                    await command.PrepareAsync(cancellationToken);
                return await ReadAsync(command, request.Explain, cancellationToken);
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
        return await reads.RunAsync(command, () => ReadAsync(command, explain: false, cancellationToken), cancellationToken);
    }

    /// <summary>The list <c>semantic(id, distance, rank)</c>.</summary>
    private static string Semantic(SearchQuery query, EmbeddingModel model, SqlConditions where, string embedding, string candidates)
    {
        // The order by distance stands bare beside OFFSET 0, so that it is the index that is read, only as far as it takes.
        var half = string.Create(CultureInfo.InvariantCulture, $"halfvec({model.Dimension})");
        var ofModel = $"check_model({where.Parameter(model.Id)}, {where.Parameter(model.Dimension)})";
        var nearest = $"""
            SELECT id, distance
            FROM (
                SELECT id, space, timestamp, metadata, embedding <=> {embedding} AS distance
                FROM events
                WHERE embedding IS NOT NULL AND {ofModel}
                ORDER BY embedding::{half} <=> {embedding}::{half}
                OFFSET 0
            ) AS nearest
            WHERE {where}
            """;
        return query.IsFiltered
            ? $"""
            few AS MATERIALIZED (
                SELECT id, embedding <=> {embedding} AS distance
                FROM events
                WHERE {where} AND embedding IS NOT NULL AND {ofModel}
                LIMIT {ComparedOneByOne + 1}
            ), semantic AS MATERIALIZED (
                SELECT id, distance, row_number() OVER (ORDER BY distance, id DESC) AS rank
                FROM (
                    SELECT id, distance FROM few WHERE (SELECT count(*) FROM few) <= {ComparedOneByOne}
                    UNION ALL
                    ({nearest} AND (SELECT count(*) FROM few) > {ComparedOneByOne} LIMIT {candidates})
                ) AS candidate
                ORDER BY distance, id DESC
                LIMIT {candidates}
            )
            """
            : $"""
            semantic AS MATERIALIZED (
                SELECT id, distance, row_number() OVER (ORDER BY distance, id DESC) AS rank
                FROM ({nearest} LIMIT {candidates}) AS candidate
            )
            """;
    }

    /// <summary>
    /// The list <c>keyword(id, score, rank)</c>. An event's score is the part of the query's information that its words match, 0..1: each word
    /// counts by its rarity, ln(1 + N / df), among what passes the filters; df is rounded down to a power of two, so that not every write changes
    /// what every word weighs, and the sums are of whole millionths, so that their order does not matter. A word is found as written, or stemmed
    /// and taken apart (<c>OrderService.cs</c> as order, service, cs); one that no event ever had stands for the most similar ones that were.
    /// </summary>
    private static string Keyword(KeywordQuery keywords, SqlConditions where, string candidates)
    {
        var text = where.Parameter(keywords.Text);
        var words = where.Parameter(keywords.Words);
        var allowed = keywords.HasOperators
            ? $"AND keywords @@ (websearch_to_tsquery('simple', plain_query({text})) || websearch_to_tsquery('english', split_names(plain_query({text}))))"
            : "";
        return $"""
            store AS MATERIALIZED (
                SELECT greatest(reltuples, 1000) AS size FROM pg_class WHERE oid = 'events'::regclass
            ), given AS MATERIALIZED (
                SELECT n, plain_text(text) AS plain FROM unnest({words}::text[]) WITH ORDINALITY AS given (text, n)
            ), split AS MATERIALIZED (
                SELECT n, plain, split_names(plain) AS split FROM given
            ), stemmed AS MATERIALIZED (
                SELECT n, plain, phraseto_tsquery('simple', plain) || phraseto_tsquery('english', split) AS query,
                    tsvector_to_array(to_tsvector('english', split)) AS stems FROM split
            ), common AS MATERIALIZED (
                SELECT most_common_elems::text::text[] AS lexemes, most_common_elem_freqs AS shares
                FROM pg_stats WHERE schemaname = current_schema AND tablename = 'events' AND attname = 'keywords'
            ), word AS MATERIALIZED (
                SELECT n, plain, query, tsvector_to_array(to_tsvector('simple', plain)) || stems AS words,
                    min(coalesce(shares[array_position(lexemes, stem)], 0)) AS share
                FROM stemmed CROSS JOIN unnest(stems) AS stem LEFT JOIN common ON true
                GROUP BY n, plain, query, stems
            ), unknown AS MATERIALIZED (
                SELECT n, share, typed
                FROM word, unnest(tsvector_to_array(to_tsvector('simple', plain))) AS typed
                WHERE is_word(typed) AND NOT EXISTS (SELECT FROM words WHERE words.word = typed)
                    AND NOT EXISTS (
                        SELECT FROM words
                        WHERE words.word = ANY (tsvector_to_array(to_tsvector('english', typed))))
            ), term AS MATERIALIZED (
                SELECT n, share, query, words, 1::float8 AS weight FROM word
                UNION ALL
                SELECT n, share, meant.query, meant.words, meant.weight
                FROM unknown, LATERAL (
                    SELECT string_agg(quote_literal(word), ' | ')::tsquery AS query, array_agg(word) AS words, max(similarity) AS weight
                    FROM (SELECT words.word, similarity(words.word, typed) AS similarity
                          FROM words WHERE words.word % typed ORDER BY similarity DESC, words.word LIMIT 3) AS similar_word
                    WHERE similarity >= 0.4
                ) AS meant
                WHERE meant.query IS NOT NULL
            ), chosen AS MATERIALIZED (
                SELECT n, query, words, place = 1 OR (share <= {CommonShare.ToString(CultureInfo.InvariantCulture)} AND events <= {KeywordCandidates}) AS is_telling
                FROM (SELECT n, query, words, share, row_number() OVER rarest AS place, sum(share) OVER rarest * size AS events
                      FROM term CROSS JOIN store WINDOW rarest AS (ORDER BY share, n)) AS counted
            ), telling AS MATERIALIZED (
                SELECT string_agg(query::text, ' | ')::tsquery AS query FROM chosen WHERE is_telling
            ), candidate AS MATERIALIZED (
                SELECT id, keywords FROM events WHERE {where} AND keywords @@ (SELECT query FROM telling) {allowed}
            ), found AS MATERIALIZED (
                SELECT id, n, weight, length(keywords) AS length FROM candidate JOIN term ON keywords @@ query
            ), information AS MATERIALIZED (
                SELECT n, df, rounded, (1e6 * ln(1 + size / greatest(rounded, share * size, 0.5)))::int AS idf
                FROM (SELECT DISTINCT n, share FROM term) AS asked
                LEFT JOIN (SELECT n, count(*) AS df, 2 ^ floor(ln(count(*)) / ln(2) + 1e-9) AS rounded FROM found GROUP BY n) AS counted USING (n)
                CROSS JOIN store
            ), matching AS MATERIALIZED (
                SELECT id, sum((weight * idf)::int)::float8 / (SELECT sum(idf) FROM information) AS score, min(length) AS length, count(*) AS words,
                    count(*) FILTER (WHERE weight = 1) = (SELECT count(*) FROM word) AS has_all
                FROM found JOIN information USING (n)
                GROUP BY id
            ), keyword AS MATERIALIZED (
                SELECT id, score, words, row_number() OVER (ORDER BY score DESC, length, id DESC) AS rank
                FROM matching
                {(keywords.HasOperators ? "" : "WHERE has_all OR NOT EXISTS (SELECT FROM matching WHERE has_all)")}
                ORDER BY score DESC, length, id DESC
                LIMIT {candidates}
            )
            """;
    }

    /// <summary>
    /// The two lists made one: 1 / (k + semantic rank) + w · max(0, (score − s) / (1 − s)) / (k + keyword rank). An event that matches no more
    /// than the part s of what the query says in words, or a single word that is less than half of it, gets nothing for them: such matches are
    /// mostly by chance.
    /// </summary>
    private static string Fused(SqlConditions where, string embedding) => string.Create(CultureInfo.InvariantCulture, $"""
        SELECT id, coalesce(distance, events.embedding <=> {embedding}) AS distance, semantic.rank AS semantic_rank,
            keyword.rank AS keyword_rank, score AS keyword_score,
            coalesce(1::float8 / ({FusionK} + semantic.rank), 0) + CASE WHEN words > 1 OR score >= {OneWordScore}
                    THEN {KeywordWeight} * greatest((score - {ChanceScore}) / (1 - {ChanceScore}), 0) / ({FusionK} + keyword.rank) ELSE 0 END AS fused_score
        FROM semantic FULL JOIN keyword USING (id) LEFT JOIN events USING (id)
        """);

    /// <summary>What the semantic list ends with, for <see cref="SearchLists"/>.</summary>
    private static string SemanticEnd(string candidates) =>
        $", 'Farthest', (SELECT max(distance) FROM semantic HAVING count(*) >= {candidates})";

    /// <summary>What the keyword list ends with, for <see cref="SearchLists"/>.</summary>
    private static string KeywordEnd(KeywordQuery keywords, string candidates) => $"""
        , 'Terms', (SELECT coalesce(json_agg(json_build_object(
                'Words', asked.words, 'Share', idf::float8 / (SELECT sum(idf) FROM information), 'IsTelling', is_telling,
                'Rise', coalesce(2 * rounded - 1 - df, 0))), '[]')
            FROM information JOIN (
                SELECT n, array_agg(DISTINCT word) AS words, bool_or(is_telling) AS is_telling FROM chosen, unnest(words) AS word GROUP BY n
            ) AS asked USING (n)),
        'Least', (SELECT min(score) FROM keyword HAVING count(*) >= {candidates}),
        'OfAll', {(keywords.HasOperators ? "false" : "EXISTS (SELECT FROM matching WHERE has_all)")},
        'HasUnknownWords', EXISTS (SELECT FROM unknown),
        'Fall', (SELECT coalesce(min(df - rounded), 0) FROM information WHERE df IS NOT NULL)
        """;

    private SqlConditions Conditions(SearchQuery query, NpgsqlParameterCollection parameters) =>
        new SqlConditions(parameters, partitions.Exist)
            .AddEventConditions(query.Request.Metadata, query.Filter, query.Request.TsStart, query.Request.TsEnd);

    private static NpgsqlParameter Vector(float[] embedding) =>
        new() { Value = embedding, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real };

    private static async Task<Found> ReadAsync(NpgsqlCommand command, bool explain, CancellationToken cancellationToken)
    {
        var events = new List<Event>();
        long total = 0;
        Snapshot? snapshot = null;
        SearchLists? lists = null;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            total = reader.GetInt64(0);
            snapshot ??= Snapshot.Parse(reader.GetString(SnapshotColumn));
            if (lists is null && reader.FieldCount > ListsColumn)
                lists = JsonSerializer.Deserialize(reader.GetFieldValue<byte[]>(ListsColumn), SearchListsJson.Default.SearchLists);
            if (!reader.IsDBNull(1))
                events.Add(ReadFound(reader, explain));
        }
        Guid[] page = [.. events.Select(@event => @event.Id)];
        return new(new SearchResult(events, total), (lists ?? new() { Listed = page }) with { Page = page }, snapshot!);
    }

    private static Event ReadFound(NpgsqlDataReader reader, bool explain)
    {
        var @event = EventRow.Read(reader, first: 1);
        if (reader.FieldCount <= DistanceColumn)
            return @event;
        double? distance = reader.IsDBNull(DistanceColumn) ? null : reader.GetDouble(DistanceColumn);
        @event = @event with { SimilarityScore = 1 - distance };
        return explain
            ? @event with
            {
                Distance = distance,
                SemanticRank = reader.IsDBNull(DistanceColumn + 1) ? null : (int)reader.GetInt64(DistanceColumn + 1),
                KeywordRank = reader.IsDBNull(DistanceColumn + 2) ? null : (int)reader.GetInt64(DistanceColumn + 2),
                KeywordScore = reader.IsDBNull(DistanceColumn + 3) ? null : reader.GetDouble(DistanceColumn + 3),
                FusedScore = reader.IsDBNull(DistanceColumn + 4) ? null : reader.GetDouble(DistanceColumn + 4),
            }
            : @event;
    }
}

/// <summary>What a search found, and what tells when that is no longer right.</summary>
internal sealed record Found(SearchResult Result, SearchLists Lists, Snapshot Snapshot);

[JsonSerializable(typeof(SearchLists))]
internal sealed partial class SearchListsJson : JsonSerializerContext;
