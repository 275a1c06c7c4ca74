using System.Collections.Concurrent;
using MnemoLite.Api.Database;
using MnemoLite.Api.Security;
using Npgsql;

namespace MnemoLite.Api.Search;

/// <summary>What a space is to the store, and which words are common in it.</summary>
/// <param name="IsAll">Whether nothing is stored in any other: then PostgreSQL's own statistics are of this one, and nothing else is told here.</param>
/// <param name="Events">How many events it has.</param>
/// <param name="Share">About which part of all events they are, 0..1.</param>
/// <param name="CommonWords">The lexemes that many of its newest events have; none where it has few events.</param>
/// <param name="Shares">In which part of them each is, 0..1.</param>
/// <param name="FewSince">From which time on it had few events, when that was asked: <see cref="SearchStore.ComparedOneByOneInIndex"/> of them.</param>
internal sealed record SpaceStatistics(bool IsAll, long Events, double Share, string[] CommonWords, float[] Shares, DateTimeOffset FewSince)
{
    /// <summary>Of the only space there is, of whose times nothing is known.</summary>
    public static readonly SpaceStatistics All = new(IsAll: true, 0, 1, [], [], DateTimeOffset.MaxValue);
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
        var fewSince = await FindFewSinceAsync(space, cancellationToken);
        var statistics = await IsAllAsync(space, cancellationToken)
            ? SpaceStatistics.All with { FewSince = fewSince }
            : await ReadAsync(space, fewSince, cancellationToken);
        _known[space.Name] = (statistics, clock.GetTimestamp());
        return statistics;
    }

    /// <summary>Whether no other space has events, which a connection that is kept in the space could not see.</summary>
    private async Task<bool> IsAllAsync(Space space, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "SELECT NOT EXISTS (SELECT FROM events WHERE space < $1) AND NOT EXISTS (SELECT FROM events WHERE space > $1)");
        command.Parameters.Add(new() { Value = space.Name });
        return await reads.RunAsync(
            space with { IsBound = false }, command, async () => (bool)(await command.ExecuteScalarAsync(cancellationToken))!, cancellationToken);
    }

    private async Task<DateTimeOffset> FindFewSinceAsync(Space space, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            SELECT timestamp FROM events WHERE space = $1 ORDER BY timestamp DESC OFFSET {SearchStore.ComparedOneByOneInIndex} LIMIT 1
            """);
        command.Parameters.Add(new() { Value = space.Name });
        return await reads.RunAsync(
            space, command,
            async () => await command.ExecuteScalarAsync(cancellationToken) is DateTime time ? time : DateTimeOffset.MinValue, cancellationToken);
    }

    private async Task<SpaceStatistics> ReadAsync(Space space, DateTimeOffset fewSince, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            WITH counted AS MATERIALIZED (
                SELECT count(*) AS events FROM events WHERE space = $1
            ), sampled AS MATERIALIZED (
                SELECT keywords FROM events
                WHERE space = $1 AND (SELECT events FROM counted) > {SearchStore.ComparedOneByOne}
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
                return new SpaceStatistics(
                    IsAll: false, reader.GetInt64(0), reader.GetDouble(1), reader.GetFieldValue<string[]>(2), reader.GetFieldValue<float[]>(3), fewSince);
            },
            cancellationToken);
    }
}
