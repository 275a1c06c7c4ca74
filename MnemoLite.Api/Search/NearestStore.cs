using System.Collections.Concurrent;
using System.Globalization;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using Npgsql;

namespace MnemoLite.Api.Search;

/// <summary>The SQL of searches by meaning.</summary>
internal sealed class NearestStore(EventPartitions partitions, LiveFlatIndex flat)
{
    /// <summary>
    /// Up to as many events as this that pass the filters, each is compared with the query. Beyond, an index gives its nearest first
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
    public const int ComparedInFull = SearchQuery.FewestCandidates + SearchLists.Reserve + Spare;

    /// <summary>
    /// Where metadata is filtered, the index in memory gives so many times what would do if just more than <see cref="ComparedOneByOne"/> events passed, and those were anywhere.
    /// </summary>
    private const double MoreThanShouldDo = 1.5;

    /// <summary>A page that reaches further down is not looked up in the index in memory.</summary>
    private const int DeepestInMemory = 1000;

    /// <summary>So many filters are remembered.</summary>
    private const int MostRemembered = 1000;

    /// <summary>Hashes of filters of metadata that more events than <see cref="ComparedOneByOne"/> passed, when it was tried. They only say what is tried first.</summary>
    private readonly ConcurrentDictionary<int, bool> _passedByMany = new();

    /// <summary>
    /// Finds the events nearest to the query that pass the filters. What <paramref name="shortForms"/> says of the store may be over: then the same is found, only later.
    /// </summary>
    public async Task<NearestList> FindAsync(
        NpgsqlConnection connection, SearchQuery query, EmbeddingModel model, ShortForms? shortForms, CancellationToken cancellationToken)
    {
        var filter = HashCode.Combine(query.Space.Name, query.Request.Metadata?.ToString(), query.Request.Filter?.ToString());
        var isFirstInMemory = shortForms is not null && (!query.FiltersMetadata || _passedByMany.ContainsKey(filter));
        if (isFirstInMemory && await FindInMemoryAsync(connection, query, model, shortForms!, cancellationToken) is { } nearestInMemory)
            return nearestInMemory;
        if (shortForms is not null && query.IsOfFew
            && await ReadAsync(connection, query, where => NearestInOrder(query, model, shortForms, where), hasOnePlan: true, cancellationToken) is { } nearestOfFew)
        {
            return nearestOfFew;
        }
        var hasOnePlan = !query.IsFiltered || query.HasOnePlanFiltered;
        var hasNoIndex = shortForms is not null && !query.Statistics.HasIndex;
        var few = hasNoIndex && isFirstInMemory ? FlatIndex.MostEvents // there is nothing else that could answer
            : query.FiltersMetadata ? ComparedOneByOne
            : shortForms is not null ? ComparedOneByOneInIndex : ComparedOneByOneInOrder;
        if ((query.IsFiltered || query.HasAtMost(few)) && !query.IsOfMany)
        {
            if (await ReadAsync(connection, query, where => NearestOfFew(query, model, shortForms, where, few), hasOnePlan, cancellationToken) is { } nearest)
                return nearest;
            if (query.FiltersMetadata)
                Remember(filter);
        }
        if (shortForms is not null && !isFirstInMemory && await FindInMemoryAsync(connection, query, model, shortForms, cancellationToken) is { } nearestOfMany)
            return nearestOfMany;
        if (hasNoIndex
            && await ReadAsync(connection, query, where => NearestOfFew(query, model, shortForms, where, FlatIndex.MostEvents), hasOnePlan, cancellationToken) is { } nearestOfAll)
        {
            return nearestOfAll;
        }
        return (await ReadAsync(connection, query, where => NearestByIndexes(query, model, shortForms, where), hasOnePlan, cancellationToken))!;
    }

    private void Remember(int filter)
    {
        if (_passedByMany.Count >= MostRemembered)
            _passedByMany.Clear();
        _passedByMany[filter] = true;
    }

    /// <summary>
    /// Compares in full what the index in memory gives, and what it has not heard of yet, all in one snapshot: as right as what PostgreSQL's own indexes give. Where metadata is
    /// filtered, more than <see cref="ComparedOneByOne"/> events are to pass: it gives as many as should have enough of them.
    /// </summary>
    /// <returns>Null where that index is not there, has not heard of too much, or gives too few that pass.</returns>
    private async Task<NearestList?> FindInMemoryAsync(
        NpgsqlConnection connection, SearchQuery query, EmbeddingModel model, ShortForms shortForms, CancellationToken cancellationToken)
    {
        if (query.Depth > DeepestInMemory || flat.Current is not { } index || index.Model != model.Id)
            return null;
        var (listed, compared) = (query.Listed, query.Listed + Spare);
        if (query.FiltersMetadata)
            compared += FlatIndex.MostWithoutForm;
        var given = query.FiltersMetadata ? (int)(compared * Math.Max(MoreThanShouldDo * index.CountIn(query.Space.Name) / ComparedOneByOne, 1)) : compared;
        var candidates = index.Find(query.Space.Name, shortForms.Along(query.Embedding), given, query.Request.TsStart, query.Request.TsEnd);
        await using var command = connection.CreateCommand();
        var where = query.AddTo(new SqlConditions(command.Parameters, partitions.Exist), byIds: false);
        var vector = where.VectorParameter(query.Embedding);
        var snapshot = $"{where.Parameter(candidates.Snapshot)}::text::pg_snapshot";
        var ids = where.Parameter(candidates.Ids);
        var others = candidates.HaveOthers ? $" || ARRAY(SELECT id FROM ({NearestByWholeIndex(query, model, vector, where.ToString())}) AS whole)" : "";
        var nearest = $"""
            SELECT id, embedding <=> (SELECT {vector}) AS distance
            FROM (
                SELECT * FROM events
                WHERE id = ANY ({(query.FiltersMetadata ? "ARRAY(SELECT id FROM filtered)" : ids)} || ARRAY(SELECT id FROM unheard){others})
                OFFSET 0
            ) AS events
            WHERE {where} AND embedding IS NOT NULL AND {where.OfModel(model)}
            ORDER BY distance, id DESC
            """;
        // One after the other, and no more than are compared: as they come from the nearest to the farthest.
        var filtered = !query.FiltersMetadata ? "" : $"""
            , filtered AS MATERIALIZED (
                SELECT found.id
                FROM unnest({ids}) AS candidate
                CROSS JOIN LATERAL (SELECT id FROM events WHERE id = candidate AND {where} OFFSET 0) AS found
                LIMIT {compared}
            )
            """;
        command.CommandText = $"""
            WITH unheard AS MATERIALIZED (
                SELECT id FROM embedding_changes
                WHERE space = {where.Parameter(query.Space.Name)} AND xid >= (SELECT pg_snapshot_xmin({snapshot})) AND NOT pg_visible_in_snapshot(xid, (SELECT {snapshot}))
                LIMIT {MostUnheard + 1}
            ){filtered}
            {ListOf(nearest, query, $"""
                (SELECT count(*) FROM unheard), (SELECT embedding_changes_since <= pg_snapshot_xmin({snapshot}) FROM store),
                {(query.FiltersMetadata ? $"(SELECT count(*) = {compared} FROM filtered)" : $"count(*) = {listed}")}
                """)}
            """;
        await using var reader = await command.ExecuteReaderAsync(isPrepared: query.IsOfFirstPages && query.Filter is null, cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var unheard = reader.GetInt64(3);
        var isComplete = candidates.AreAll || reader.GetBoolean(5);
        var someWentUnheard = !isComplete && !query.FiltersMetadata; // of those that are filtered there may be too few
        if (unheard > MostUnheard / 10 || someWentUnheard)
            flat.Ask(isIncomplete: someWentUnheard);
        return !isComplete || unheard > MostUnheard || !reader.GetBoolean(4) ? null : NearestList.Of(
            reader.GetFieldValue<Guid[]>(0), reader.GetFieldValue<double[]>(1), query.Candidates, Snapshot.Parse(reader.GetString(2)));
    }

    /// <param name="connection">In the space.</param>
    /// <param name="query">The query.</param>
    /// <param name="nearest">The statement, with its conditions: the ids, their distances, what was read, and whether that is all there was to compare.</param>
    /// <param name="hasOnePlan">Whether one plan is good for all values.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>Null if there was more.</returns>
    private async Task<NearestList?> ReadAsync(
        NpgsqlConnection connection, SearchQuery query, Func<SqlConditions, string> nearest, bool hasOnePlan, CancellationToken cancellationToken)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = nearest(query.AddTo(new SqlConditions(command.Parameters, partitions.Exist)));
        await using var reader = await command.ExecuteReaderAsync(isPrepared: hasOnePlan && query.IsOfFirstPages, cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return !reader.GetBoolean(3) ? null : NearestList.Of(
            reader.GetFieldValue<Guid[]>(0), reader.GetFieldValue<double[]>(1), query.Candidates, Snapshot.Parse(reader.GetString(2)));
    }

    /// <summary>
    /// Compares all that pass the filters, unless they are too many: first by short form, which may be in the index that tells which they are, the nearest
    /// then in full. It looks at one more than that, to know.
    /// </summary>
    private static string NearestOfFew(SearchQuery query, EmbeddingModel model, ShortForms? shortForms, SqlConditions where, int few)
    {
        var vector = where.VectorParameter(query.Embedding);
        var (distance, nearest) = shortForms is not null
            ? (ShortDistance(query, shortForms, where), NearestInFull(query, vector, "distance IS NULL"))
            : ($"embedding <=> (SELECT {vector})", "SELECT id, distance FROM passing WHERE distance IS NOT NULL");
        return $"""
            WITH passing AS MATERIALIZED (
                SELECT id, {distance} AS distance FROM events WHERE {where} AND {where.OfModel(model)} LIMIT {few + 1}
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
        var vector = where.VectorParameter(query.Embedding);
        return $"""
            WITH passing AS MATERIALIZED (
                SELECT id, coalesce({ShortDistance(query, shortForms, where)}, -1) AS distance
                FROM events
                WHERE {where} AND {where.OfModel(model)}
                ORDER BY distance
                LIMIT {query.Listed + Spare + MostWithoutShortForm}
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
            (SELECT id FROM passing WHERE NOT ({hasNone}) ORDER BY distance LIMIT {query.Listed + Spare})
        ))
        """;

    /// <summary>What the index of short forms gives, and that of the embeddings that have none.</summary>
    private static string NearestByIndexes(SearchQuery query, EmbeddingModel model, ShortForms? shortForms, SqlConditions where)
    {
        var (vector, listed) = (where.VectorParameter(query.Embedding), query.Listed);
        var kept = query.Statistics.IsAll || query.IsFiltered || shortForms is { TellSpace: true } ? "" : $" FROM {KeepAtLeast(query.Candidates / Math.Max(query.Statistics.Share, LeastShare), where)}";
        var most = query.IsFiltered || shortForms is not { TellSpace: true } ? MostGiven : 10 * listed; // of what is of a space first, most is of it
        var passes = query.IsFiltered ? where.ToString() : $"space = (SELECT {where.Parameter(query.Space.Name)})"; // how many are in it is not to make another plan
        var nearest = shortForms is not null
            ? $"""
                {NearestByIndex("true", ShortDistance(query, shortForms, where, kept), vector, $"{passes} AND embedding_short IS NOT NULL", listed, most)}
                UNION ALL
                {NearestByWholeIndex(query, model, vector, passes)}
                """
            : NearestByIndex("embedding IS NOT NULL", WholeDistance(model, vector, kept), vector, passes, listed, MostGiven);
        return ListOf($"SELECT id, distance FROM ({nearest}) AS of_both WHERE {where.OfModel(model)} ORDER BY distance, id DESC", query, "true");
    }

    /// <summary>What the index gives of the embeddings that have no short form.</summary>
    private static string NearestByWholeIndex(SearchQuery query, EmbeddingModel model, string vector, string passes) =>
        NearestByIndex("embedding IS NOT NULL AND embedding_short IS NULL", WholeDistance(model, vector), vector, passes, query.Listed, MostGiven);

    private static string WholeDistance(EmbeddingModel model, string vector, string from = "")
    {
        var half = string.Create(CultureInfo.InvariantCulture, $"halfvec({model.Dimension})");
        return $"embedding::{half} <=> (SELECT {vector}::{half}{from})";
    }

    private static string ShortDistance(SearchQuery query, ShortForms shortForms, SqlConditions where, string from = "") =>
        $"embedding_short <=> (SELECT in_space({where.VectorParameter(shortForms.Along(query.Embedding))}, {where.Parameter(query.Space.Name)}){from})";

    /// <summary>
    /// Has the index keep as many candidates, and a fifth more, until the statement ends: of a space that has half of the events, half of what the index
    /// gives. To read it on for more takes longer.
    /// </summary>
    private static string KeepAtLeast(double candidates, SqlConditions where) =>
        $"set_config('hnsw.ef_search', greatest(current_setting('hnsw.ef_search')::int, {where.Parameter((int)Math.Min(1.2 * candidates, MostKept))})::text, true)";

    private static string ListOf(string nearest, SearchQuery query, string isRight) => $"""
        SELECT coalesce(array_agg(id), '{"{}"}') AS ids, coalesce(array_agg(distance), '{"{}"}'), {Snapshot.Column}, {isRight}
        FROM ({nearest} LIMIT {query.Listed}) AS nearest
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
}
