using System.Collections.Concurrent;
using MnemoLite.Api.Database;
using MnemoLite.Api.Security;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Search;

/// <summary>A word of a query, as PostgreSQL's text search reads it.</summary>
/// <param name="Stems">Its English lexemes; none where it says nothing (<c>the</c>).</param>
/// <param name="Terms">What finds it: first itself, then what stands for it where no event ever had it.</param>
/// <param name="IsKnown">Whether an event ever had it.</param>
internal sealed record QueryWord(string[] Stems, QueryTerm[] Terms, bool IsKnown);

/// <summary>What finds events by a word.</summary>
/// <param name="Query">A <c>tsquery</c>.</param>
/// <param name="Lexemes">Those it has.</param>
/// <param name="Weight">What it counts: 1 for the word itself, otherwise how similar it is.</param>
internal sealed record QueryTerm(string Query, string[] Lexemes, double Weight)
{
    /// <summary>Whether its lexemes have to follow each other.</summary>
    public bool IsPhrase { get; } = Query.IndexOf('<') is >= 0 and var first && Query.IndexOf('>', first) >= 0;
}

/// <summary>The words of a query.</summary>
/// <param name="Words">In their order.</param>
/// <param name="Snapshot">What was read, where one of them may be known by now.</param>
internal sealed record QueryWords(QueryWord[] Words, Snapshot? Snapshot);

/// <summary>The SQL of words: what text search makes of them, and which are similar. What a space has once it has for good, and is kept here.</summary>
internal sealed class WordStore
{
    private const int MostKept = 10_000;
    private const int LongestKept = 64;

    private ConcurrentDictionary<(string Space, string Word), QueryWord> _known = new();

    /// <summary>What text search makes of the words of a query.</summary>
    public async ValueTask<QueryWords> ReadAsync(NpgsqlConnection connection, Space space, string[] words, CancellationToken cancellationToken)
    {
        var read = Array.ConvertAll(words, word => _known.GetValueOrDefault((space.Name, word)));
        var unread = Enumerable.Range(0, words.Length).Where(place => read[place] is null).ToArray();
        var snapshot = unread.Length == 0 ? null : await ReadAsync(connection, space, words, unread, read, cancellationToken);
        return new(read!, Array.TrueForAll(read, word => word!.IsKnown) ? null : snapshot);
    }

    private async Task<Snapshot> ReadAsync(
        NpgsqlConnection connection, Space space, string[] words, int[] unread, QueryWord?[] read, CancellationToken cancellationToken)
    {
        // Each word is looked up, never all words compared with it (OFFSET 0).
        await using var command = new NpgsqlCommand($"""
            WITH given AS MATERIALIZED (
                SELECT n, plain_text(text) AS plain FROM unnest((SELECT $1)) WITH ORDINALITY AS given (text, n)
            ), split AS MATERIALIZED (
                SELECT n, plain, split_names(plain) AS split FROM given
            ), word AS MATERIALIZED (
                SELECT n, phraseto_tsquery('simple', plain) AS written, phraseto_tsquery('english', split) AS stemmed,
                    tsvector_to_array(to_tsvector('simple', plain)) AS lexemes, tsvector_to_array(to_tsvector('english', split)) AS stems
                FROM split
            ), unknown AS MATERIALIZED (
                SELECT n, typed
                FROM word, unnest(lexemes) AS typed
                WHERE stems <> '{"{}"}' AND is_word(typed) AND NOT EXISTS (SELECT FROM words WHERE words.space = $2 AND words.word = typed OFFSET 0)
                    AND NOT EXISTS (
                        SELECT FROM words
                        WHERE words.space = $2 AND words.word = ANY (tsvector_to_array(to_tsvector('english', typed)))
                        OFFSET 0)
            )
            SELECT n, CASE WHEN written = stemmed THEN written ELSE written || stemmed END::text, lexemes || stems, 1::float8 AS weight,
                stems, NOT EXISTS (SELECT FROM unknown WHERE unknown.n = word.n), {Snapshot.Column}
            FROM word
            UNION ALL
            SELECT n, meant.query, meant.lexemes, meant.weight, NULL, false, NULL
            FROM unknown, LATERAL (
                SELECT string_agg(quote_literal(word), ' | ')::tsquery::text AS query, array_agg(word) AS lexemes, max(similarity) AS weight
                FROM (SELECT words.word, similarity(words.word, typed) AS similarity
                      FROM words WHERE words.space = $2 AND words.word % typed ORDER BY similarity DESC, words.word LIMIT 3) AS similar_word
                WHERE similarity >= 0.4
            ) AS meant
            WHERE meant.query IS NOT NULL
            """, connection);
        command.Parameters.Add(new() { Value = Array.ConvertAll(unread, place => words[place]), NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text });
        command.Parameters.Add(new() { Value = space.Name });
        await command.PrepareAsync(cancellationToken);
        Snapshot? snapshot = null;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var place = unread[reader.GetInt64(0) - 1];
            var term = new QueryTerm(reader.GetString(1), reader.GetFieldValue<string[]>(2), reader.GetDouble(3));
            if (read[place] is { } word)
            {
                read[place] = word with { Terms = [.. word.Terms, term] };
                continue;
            }
            var stems = reader.GetFieldValue<string[]>(4);
            read[place] = new(stems, stems.Length == 0 ? [] : [term], reader.GetBoolean(5));
            snapshot ??= Snapshot.Parse(reader.GetString(6));
        }
        Keep(space, words, unread, read);
        return snapshot!;
    }

    private void Keep(Space space, string[] words, int[] places, QueryWord?[] read)
    {
        if (_known.Count >= MostKept)
            _known = new();
        foreach (var place in places.Where(place => read[place]!.IsKnown && words[place].Length <= LongestKept))
            _known[(space.Name, words[place])] = read[place]!;
    }
}
