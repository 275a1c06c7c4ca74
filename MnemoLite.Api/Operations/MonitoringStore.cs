using System.Text.Json;
using MnemoLite.Api.Database;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Api.Operations;

/// <summary>The SQL of monitoring: what events of a time say by their metadata, and how the database is.</summary>
internal sealed class MonitoringStore(NpgsqlDataSource dataSource, EventPartitions partitions)
{
    private const int MostLabels = 50, LongestLabel = 100;

    public async Task<SeveritySummary> CountSeveritiesAsync(Space space, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = connection.CreateCommand();
        var conditions = Window(space, command, from, to);
        command.CommandText = $"""
            SELECT count(*) FILTER (WHERE severity = 'critical'), count(*) FILTER (WHERE severity = 'warning'),
                count(*) FILTER (WHERE severity = 'info')
            FROM (SELECT metadata ->> 'severity' AS severity FROM events WHERE {conditions}) AS recent
            """;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2));
    }

    /// <summary>The critical events of a time, newest first.</summary>
    public async Task<List<Event>> ListCriticalAsync(Space space, DateTimeOffset from, DateTimeOffset to, int limit, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = connection.CreateCommand();
        var conditions = Window(space, command, from, to);
        AddSeverity(conditions, "critical");
        command.CommandText = $"""
            SELECT {EventRow.Columns} FROM events WHERE {conditions}
            ORDER BY timestamp DESC, id DESC LIMIT {conditions.Parameter(limit)}
            """;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var events = new List<Event>();
        while (await reader.ReadAsync(cancellationToken))
            events.Add(EventRow.Read(reader));
        return events;
    }

    /// <summary>How many events there are in each bucket of a time, the first of which begins it; those without any are left out.</summary>
    public async Task<Dictionary<DateTimeOffset, long>> CountByTimeAsync(
        Space space, DateTimeOffset from, DateTimeOffset to, TimeSpan bucket, string? severity, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = connection.CreateCommand();
        var conditions = Window(space, command, from, to);
        if (severity is not null)
            AddSeverity(conditions, severity);
        command.CommandText = $"""
            SELECT date_bin({conditions.Parameter(bucket)}, timestamp, {conditions.Parameter(from.UtcDateTime)}) AS time, count(*)
            FROM events WHERE {conditions} GROUP BY time
            """;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var counts = new Dictionary<DateTimeOffset, long>();
        while (await reader.ReadAsync(cancellationToken))
            counts.Add(reader.GetFieldValue<DateTimeOffset>(0), reader.GetInt64(1));
        return counts;
    }

    public async Task<EventDistribution> ReadDistributionAsync(Space space, DateTimeOffset from, DateTimeOffset to, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = connection.CreateCommand();
        var conditions = Window(space, command, from, to);
        command.CommandText = $"""
            SELECT key, label, count
            FROM (SELECT CASE 0 WHEN grouping(severity) THEN 'severity' WHEN grouping(project) THEN 'project' ELSE 'category' END AS key,
                      coalesce(severity, project, category) AS label, count(*) AS count,
                      row_number() OVER (PARTITION BY grouping(severity, project, category)
                          ORDER BY count(*) DESC, coalesce(severity, project, category)) AS place
                  FROM (SELECT left(metadata ->> 'severity', {LongestLabel}) AS severity, left(metadata ->> 'project', {LongestLabel}) AS project,
                            left(metadata ->> 'category', {LongestLabel}) AS category
                        FROM events WHERE {conditions}) AS recent
                  GROUP BY GROUPING SETS ((severity), (project), (category))
                  HAVING coalesce(severity, project, category) IS NOT NULL) AS counted
            WHERE place <= {MostLabels}
            ORDER BY place
            """;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var counts = new List<(string Key, LabelCount Count)>();
        while (await reader.ReadAsync(cancellationToken))
            counts.Add((reader.GetString(0), new(reader.GetString(1), reader.GetInt64(2))));
        return new(Of("severity"), Of("project"), Of("category"));

        List<LabelCount> Of(string key) => [.. counts.Where(count => count.Key == key).Select(count => count.Count)];
    }

    public async Task<MonitoringMetrics> ReadMetricsAsync(Space space, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand("""
            SELECT (SELECT count(*) FROM events WHERE space = $1), pg_database_size(current_database()),
                coalesce(blks_hit::float8 / nullif(blks_hit + blks_read, 0), 1),
                (SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND state = 'active')
            FROM pg_stat_database WHERE datname = current_database()
            """, connection);
        command.Parameters.Add(new() { Value = space.Name });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(reader.GetInt64(0), Math.Round(reader.GetInt64(1) / (1024.0 * 1024), 2), Math.Round(reader.GetDouble(2), 4), reader.GetInt32(3));
    }

    private SqlConditions Window(Space space, NpgsqlCommand command, DateTimeOffset from, DateTimeOffset to)
    {
        var conditions = new SqlConditions(command.Parameters, partitions.Exist);
        conditions.Add("space =", space.Name);
        conditions.AddTimeWindow(from, to);
        return conditions;
    }

    private static void AddSeverity(SqlConditions conditions, string severity)
    {
        var metadata = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, string> { ["severity"] = severity });
        conditions.Add($"metadata @> {conditions.JsonParameter(metadata)}");
    }
}
