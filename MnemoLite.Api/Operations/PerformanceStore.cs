using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Api.Operations;

/// <summary>The SQL of performance: what PostgreSQL's own statistics say.</summary>
internal sealed class PerformanceStore(NpgsqlDataSource dataSource, ILogger<PerformanceStore> log)
{
    private const int MostIndexes = 500, MostTables = 10;

    /// <summary>The statements of this database that took most time in all; utility statements are left out, as their texts hold values.</summary>
    public async Task<SlowQueries> ReadSlowQueriesAsync(int limit, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        if (await FindWhyUncountedAsync(connection, cancellationToken) is { } reason)
            return new(false, []) { Detail = reason };
        await using var command = new NpgsqlCommand("""
            SELECT min(query), sum(calls)::bigint, sum(total_exec_time), sum(total_exec_time) / sum(calls), max(max_exec_time), sum(rows)::bigint,
                coalesce(sum(shared_blks_hit)::float8 / nullif(sum(shared_blks_hit + shared_blks_read)::float8, 0), 1),
                (SELECT stats_reset FROM pg_stat_statements_info)
            FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND queryid IS NOT NULL AND calls > 0
                AND query ~* '^\s*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH|VALUES)\M'
            GROUP BY queryid
            ORDER BY sum(total_exec_time) DESC
            LIMIT $1
            """, connection);
        command.Parameters.Add(new() { Value = limit });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var queries = new List<SlowQuery>();
        DateTimeOffset? since = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            queries.Add(new(
                StatementText.WithoutValues(reader.GetString(0)), reader.GetInt64(1), Math.Round(reader.GetDouble(2), 2),
                Math.Round(reader.GetDouble(3), 3), Math.Round(reader.GetDouble(4), 2), reader.GetInt64(5), Math.Round(reader.GetDouble(6), 4)));
            since = reader.GetFieldValue<DateTimeOffset>(7);
        }
        return new(true, queries) { Since = since };
    }

    public async Task<IndexUse> ReadIndexesAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            SELECT whole.relname::text, tables.relname::text, pg_get_indexdef(whole.oid), sum(pg_relation_size(used.indexrelid))::bigint,
                sum(used.idx_scan)::bigint, sum(used.idx_tup_read)::bigint, definition.indisunique OR definition.indisexclusion,
                (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database())
            FROM pg_stat_user_indexes AS used
                JOIN pg_class AS whole ON whole.oid = coalesce(pg_partition_root(used.indexrelid), used.indexrelid)
                JOIN pg_index AS definition ON definition.indexrelid = whole.oid
                JOIN pg_class AS tables ON tables.oid = definition.indrelid
            GROUP BY whole.oid, whole.relname, tables.relname, definition.indisunique, definition.indisexclusion
            ORDER BY 4 DESC, 1
            LIMIT $1
            """);
        command.Parameters.Add(new() { Value = MostIndexes });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var indexes = new List<IndexStatistics>();
        DateTimeOffset? since = null;
        while (await reader.ReadAsync(cancellationToken))
        {
            var (scans, constraint) = (reader.GetInt64(4), reader.GetBoolean(6));
            indexes.Add(new(
                reader.GetString(0), reader.GetString(1), reader.GetString(2), reader.GetInt64(3), scans, reader.GetInt64(5), constraint,
                scans == 0 && !constraint));
            since = reader.IsDBNull(7) ? null : reader.GetFieldValue<DateTimeOffset>(7);
        }
        return new(indexes, indexes.Where(index => index.Unused).Sum(index => index.SizeBytes)) { Since = since };
    }

    public async Task<DatabaseFigures> ReadFiguresAsync(CancellationToken cancellationToken)
    {
        await using var batch = dataSource.CreateBatch();
        batch.BatchCommands.Add(new("""
            SELECT coalesce(blks_hit::float8 / nullif(blks_hit + blks_read, 0), 1), blks_read, (SELECT sum(numbackends)::int FROM pg_stat_database),
                current_setting('max_connections')::int, pg_size_bytes(current_setting('shared_buffers')),
                (SELECT relkind = 'p' FROM pg_class WHERE oid = 'events'::regclass),
                (SELECT sum(n_live_tup)::bigint FROM pg_stat_user_tables
                 WHERE relid IN (SELECT relid FROM pg_partition_tree('events') UNION SELECT 'events'::regclass))
            FROM pg_stat_database WHERE datname = current_database()
            """));
        batch.BatchCommands.Add(new($"""
            SELECT relname::text, n_live_tup, n_dead_tup FROM pg_stat_user_tables
            WHERE n_dead_tup > 10000 AND n_dead_tup > 0.2 * n_live_tup
            ORDER BY n_dead_tup DESC LIMIT {MostTables}
            """));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var figures = new DatabaseFigures(
            reader.GetDouble(0), reader.GetInt64(1), reader.GetInt32(2), reader.GetInt32(3), reader.GetInt64(4), reader.GetBoolean(5),
            reader.GetInt64(6), []);
        await reader.NextResultAsync(cancellationToken);
        var tables = new List<DeadRows>();
        while (await reader.ReadAsync(cancellationToken))
            tables.Add(new(reader.GetString(0), reader.GetInt64(1), reader.GetInt64(2)));
        return figures with { Tables = tables };
    }

    /// <summary>What the store takes, where, and how far its standbys are; without the rights of pg_monitor less of it is told.</summary>
    public async Task<StoreFigures> ReadStoreAsync(CancellationToken cancellationToken)
    {
        await using var batch = dataSource.CreateBatch();
        batch.BatchCommands.Add(new("""
            SELECT pg_database_size(current_database()),
                (SELECT coalesce(sum(n_live_tup), 0)::bigint FROM pg_stat_user_tables
                 WHERE relid IN (SELECT relid FROM pg_partition_tree(to_regclass('events')) UNION SELECT to_regclass('events'))),
                (SELECT setting FROM pg_settings
                 WHERE name = 'data_directory' AND coalesce(inet_server_addr(), '127.0.0.1') <<= ANY (ARRAY['127.0.0.0/8'::inet, '::1']))
            """));
        batch.BatchCommands.Add(new("""
            SELECT application_name, coalesce(host(client_addr), 'local'), max(pg_wal_lsn_diff(now_lsn, replay_lsn))::float8,
                max(CASE WHEN replay_lsn < now_lsn THEN coalesce(extract(epoch FROM replay_lag), 0) ELSE 0 END)::float8
            FROM pg_stat_replication CROSS JOIN (SELECT pg_current_wal_lsn() AS now_lsn) AS here
            WHERE replay_lsn IS NOT NULL
            GROUP BY 1, 2
            """));
        // `mnemolite backup` leaves the time with the database.
        batch.BatchCommands.Add(new("""
            SELECT CASE WHEN current_setting('archive_mode') <> 'off' THEN (SELECT failed_count FROM pg_stat_archiver) END,
                (SELECT extract(epoch FROM now() - split_part(setting, '=', 2)::timestamptz)
                 FROM pg_db_role_setting JOIN pg_database ON pg_database.oid = setdatabase CROSS JOIN unnest(setconfig) AS setting
                 WHERE datname = current_database() AND setrole = 0 AND setting LIKE 'mnemolite.last\_backup=%')::float8
            """));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (size, events, folder) = (reader.GetInt64(0), reader.GetInt64(1), reader.IsDBNull(2) ? null : reader.GetString(2));
        await reader.NextResultAsync(cancellationToken);
        var standbys = new List<StandbyFigures>();
        while (await reader.ReadAsync(cancellationToken))
            standbys.Add(new(reader.GetString(0), reader.GetString(1), Math.Max(0, reader.GetDouble(2)), reader.GetDouble(3)));
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new(size, events, folder, standbys, reader.IsDBNull(0) ? null : reader.GetInt64(0), reader.IsDBNull(1) ? null : reader.GetDouble(1));
    }

    /// <summary>Makes the extension where PostgreSQL has it loaded; if statements cannot be counted, says why and what to do.</summary>
    private async Task<string?> FindWhyUncountedAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var find = new NpgsqlCommand("""
            SELECT EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.track'), to_regclass('pg_stat_statements') IS NOT NULL
            """, connection);
        bool loaded, made;
        await using (var reader = await find.ExecuteReaderAsync(cancellationToken))
        {
            await reader.ReadAsync(cancellationToken);
            (loaded, made) = (reader.GetBoolean(0), reader.GetBoolean(1));
        }
        if (!loaded)
        {
            return "PostgreSQL does not load pg_stat_statements: set shared_preload_libraries = 'pg_stat_statements' in its configuration "
                + "and restart it.";
        }
        if (made)
            return null;
        try
        {
            await using var make = new NpgsqlCommand("CREATE EXTENSION IF NOT EXISTS pg_stat_statements", connection);
            await make.ExecuteNonQueryAsync(cancellationToken);
            return null;
        }
        catch (PostgresException refused) when (refused.SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateObject)
        {
            return null; // another request was faster
        }
        catch (PostgresException refused)
        {
            Log.StatementsNotCounted(log, refused.MessageText);
            return "The extension pg_stat_statements is not in this database and this service may not make it: have a superuser run "
                + "CREATE EXTENSION pg_stat_statements there.";
        }
    }
}

/// <summary>What advice on the database is drawn from.</summary>
/// <param name="CacheHitRatio">The share of blocks found in shared buffers.</param>
/// <param name="BlocksRead">The blocks that were not.</param>
/// <param name="Connections">How many connections the server has.</param>
/// <param name="MaxConnections">How many it takes.</param>
/// <param name="SharedBuffersBytes">Its shared buffers.</param>
/// <param name="Partitioned">Whether events are partitioned by month.</param>
/// <param name="Events">How many events there are, about.</param>
/// <param name="Tables">The tables that have many rows that are dead.</param>
internal sealed record DatabaseFigures(
    double CacheHitRatio, long BlocksRead, int Connections, int MaxConnections, long SharedBuffersBytes, bool Partitioned, long Events,
    IReadOnlyList<DeadRows> Tables);

/// <summary>A table's rows, and those that no longer count but still take space.</summary>
internal sealed record DeadRows(string Table, long Live, long Dead);

/// <summary>What the store takes, how far its standbys are, and how it is kept.</summary>
/// <param name="SizeBytes">The database.</param>
/// <param name="Events">How many events there are, about.</param>
/// <param name="Folder">Where the server keeps its data, if it runs on this machine and tells.</param>
/// <param name="Standbys">Those that are connected.</param>
/// <param name="ArchiveFailures">How often archiving the WAL failed; null where it is not archived.</param>
/// <param name="BackupAge">Seconds since the last backup; null where there is none.</param>
internal sealed record StoreFigures(
    long SizeBytes, long Events, string? Folder, IReadOnlyList<StandbyFigures> Standbys, long? ArchiveFailures, double? BackupAge);

/// <summary>What a standby has not replayed yet, and since when.</summary>
internal sealed record StandbyFigures(string Name, string Address, double Bytes, double Seconds);
