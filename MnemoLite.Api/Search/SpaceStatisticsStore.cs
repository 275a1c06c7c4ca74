using System.Collections.Concurrent;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Security;
using Npgsql;

namespace MnemoLite.Api.Search;

/// <summary>What a space is to the store, and which words are common in it.</summary>
/// <param name="IsAll">Whether nothing is stored in any other: then PostgreSQL's own statistics are of this one.</param>
/// <param name="Events">How many events it has; about so many, where it is all.</param>
/// <param name="Share">About which part of all events they are, 0..1.</param>
/// <param name="CommonWords">The lexemes that many of its events have, and in which part of them, 0..1; none where it has few events.</param>
/// <param name="HasIndex">Whether the store has an index of its short forms.</param>
/// <param name="FewSince">From which time on it had few events, when that was asked: <see cref="NearestStore.ComparedOneByOneInIndex"/> of them.</param>
internal sealed record SpaceStatistics(bool IsAll, long Events, double Share, IReadOnlyDictionary<string, float> CommonWords, bool HasIndex, DateTimeOffset FewSince)
{
    /// <summary>Of the only space there is, of which nothing else is known.</summary>
    public static readonly SpaceStatistics All = new(IsAll: true, 0, 1, new Dictionary<string, float>(), HasIndex: false, DateTimeOffset.MaxValue);
}

/// <summary>The SQL of what searches go by in a space among others. PostgreSQL's statistics are of all spaces, and of no use there: what is common
/// in the store may be rare in the space, and would tell of what is in the others.</summary>
internal sealed class SpaceStatisticsStore(Reads reads, TimeProvider clock)
{
    private const int MostKept = 10_000, Sampled = 2000, LeastCommon = Sampled / 200;
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    private ConcurrentDictionary<string, (SpaceStatistics Statistics, long ReadAt)> _known = new();

    /// <summary>What is known of a space, or was so a moment ago.</summary>
    public async ValueTask<SpaceStatistics> GetAsync(Space space, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(space.Name, out var known) && clock.GetElapsedTime(known.ReadAt) < Fresh)
            return known.Statistics;
        if (_known.Count >= MostKept)
            _known = new();
        var statistics = await ReadOfAllAsync(space, cancellationToken) ?? await ReadAsync(space, cancellationToken);
        statistics = await AddIndexesAsync(space, statistics, cancellationToken);
        _known[space.Name] = (statistics, clock.GetTimestamp());
        return statistics;
    }

    /// <summary>What PostgreSQL knows of all events; null if another space has some, which a connection that is kept in the space could not see.</summary>
    private async Task<SpaceStatistics?> ReadOfAllAsync(Space space, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            SELECT reltuples::bigint, coalesce(most_common_elems::text::text[], '{}'), coalesce(most_common_elem_freqs, '{}')
            FROM pg_class
            LEFT JOIN pg_stats ON schemaname = current_schema AND tablename = 'events' AND attname = 'keywords'
            WHERE oid = 'events'::regclass
                AND NOT EXISTS (SELECT FROM events WHERE space < $1) AND NOT EXISTS (SELECT FROM events WHERE space > $1)
            """);
        command.Parameters.Add(new() { Value = space.Name });
        return await reads.RunAsync(
            space with { IsBound = false }, command,
            async () =>
            {
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                return await reader.ReadAsync(cancellationToken)
                    ? SpaceStatistics.All with { Events = reader.GetInt64(0), CommonWords = CommonWords(reader, 1) }
                    : null;
            },
            cancellationToken);
    }

    /// <summary>Adds what tells how the nearest of a time are found best.</summary>
    private async Task<SpaceStatistics> AddIndexesAsync(Space space, SpaceStatistics statistics, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT (SELECT timestamp FROM events WHERE space = $1 ORDER BY timestamp DESC OFFSET {NearestStore.ComparedOneByOneInIndex} LIMIT 1),
                {ShortForms.HasIndex}
            """);
        command.Parameters.Add(new() { Value = space.Name });
        return await reads.RunAsync(
            space, command,
            async () =>
            {
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                await reader.ReadAsync(cancellationToken);
                return statistics with
                {
                    FewSince = reader.IsDBNull(0) ? DateTimeOffset.MinValue : reader.GetFieldValue<DateTimeOffset>(0),
                    HasIndex = reader.GetBoolean(1),
                };
            },
            cancellationToken);
    }

    private async Task<SpaceStatistics> ReadAsync(Space space, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            WITH counted AS MATERIALIZED (
                SELECT count(*) AS events FROM events WHERE space = $1
            ), sampled AS MATERIALIZED (
                SELECT keywords FROM events
                WHERE space = $1 AND (SELECT events FROM counted) > {NearestStore.ComparedOneByOne}
                ORDER BY timestamp DESC, id DESC LIMIT {Sampled}
            ), common AS (
                SELECT lexeme, count(*)::real / {Sampled} AS share
                FROM sampled, unnest(tsvector_to_array(keywords)) AS lexeme
                GROUP BY lexeme HAVING count(*) >= {LeastCommon}
            )
            SELECT events, events / greatest((SELECT reltuples::float8 FROM pg_class WHERE oid = 'events'::regclass), events, 1),
                ARRAY(SELECT lexeme FROM common ORDER BY lexeme), ARRAY(SELECT share FROM common ORDER BY lexeme) FROM counted
            """);
        command.Parameters.Add(new() { Value = space.Name });
        return await reads.RunAsync(
            space, command,
            async () =>
            {
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                await reader.ReadAsync(cancellationToken);
                return SpaceStatistics.All with
                {
                    IsAll = false,
                    Events = reader.GetInt64(0),
                    Share = reader.GetDouble(1),
                    CommonWords = CommonWords(reader, 2),
                };
            },
            cancellationToken);
    }

    /// <summary>A column of lexemes and one of their shares; statistics have some more of these, at the end.</summary>
    private static Dictionary<string, float> CommonWords(NpgsqlDataReader reader, int column) =>
        reader.GetFieldValue<string[]>(column).Zip(reader.GetFieldValue<float[]>(column + 1)).ToDictionary(word => word.First, word => word.Second);
}
