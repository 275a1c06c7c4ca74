using System.Text.RegularExpressions;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Graph;

/// <summary>The SQL of nodes, edges, and walks along them.</summary>
internal sealed partial class GraphStore(NpgsqlDataSource dataSource, Reads reads, RecentWrites writes)
{
    private const string NodeColumns = "id, type, label, properties, created_at";
    private const string EdgeColumns = "id, source, target, type, properties, created_at";
    private const string MergedProperties = "(properties || coalesce($3, '{}')) - ARRAY(SELECT key FROM jsonb_each($3) WHERE value = 'null'::jsonb)";

    /// <summary>
    /// A row a level, nearest first: the nodes new on it, newest first, and all seen so far, one more than $4 where some had to be left out.
    /// No more of a node's neighbours are read than could be kept. $1 space, $2 start, $3 depth, $5 edge types, $6 out, $7 in, $8 where to stop.
    /// </summary>
    private const string Walk = """
        WITH RECURSIVE walk (depth, level, seen) AS (
            SELECT 0, ARRAY[id], ARRAY[id] FROM nodes WHERE space = $1 AND id = $2
            UNION ALL
            SELECT walk.depth + 1, next.level, walk.seen || next.level
            FROM walk
            CROSS JOIN LATERAL (
                SELECT array_agg(id) AS level
                FROM (
                    SELECT id
                    FROM (
                        SELECT neighbour.id
                        FROM unnest(walk.level) AS here (id)
                        CROSS JOIN LATERAL (
                            (SELECT DISTINCT target AS id FROM edges
                             WHERE $6 AND space = $1 AND source = here.id AND ($5 IS NULL OR type = ANY ($5))
                             ORDER BY target DESC LIMIT $4 + 1)
                            UNION ALL
                            (SELECT DISTINCT source FROM edges
                             WHERE $7 AND space = $1 AND target = here.id AND ($5 IS NULL OR type = ANY ($5))
                             ORDER BY source DESC LIMIT $4 + 1)
                        ) AS neighbour
                        EXCEPT SELECT unnest(walk.seen)
                    ) AS unseen
                    ORDER BY id DESC
                    LIMIT $4 + 1 - cardinality(walk.seen)
                ) AS kept
            ) AS next
            WHERE walk.depth < $3 AND next.level IS NOT NULL AND ($8 IS NULL OR $8 <> ALL (walk.level))
        )
        """;

    private const string Reached = """
        , reached AS MATERIALIZED (
            SELECT id, depth FROM walk CROSS JOIN unnest(level) WITH ORDINALITY AS at (id, place) ORDER BY depth, place LIMIT $4
        ), cut AS (
            SELECT max(depth) - 1 AS complete_depth FROM walk HAVING max(cardinality(seen)) > $4
        )
        """;

    /// <summary>The nodes of <c>reached</c>, as <c>ReadPartAsync</c> reads them.</summary>
    private const string ReachedNodes = """
        SELECT node.id, node.type, node.label, node.properties, node.created_at, reached.depth, (SELECT complete_depth FROM cut),
               NULL::uuid AS source, NULL::uuid AS target
        FROM reached JOIN nodes AS node ON node.space = $1 AND node.id = reached.id
        """;

    /// <summary>
    /// The edges of which both ends are <c>reached</c>. Of a node with more than 1,000 edges not all are read: what it has to each of the others
    /// is looked up instead, so that a hub costs no more than the nodes around it.
    /// </summary>
    private const string Among = """
        , leaving AS MATERIALIZED (
            SELECT a.id AS source, a.depth, edge.target, edge.id, edge.type, edge.created_at
            FROM reached AS a
            CROSS JOIN LATERAL (
                SELECT target, id, type, created_at FROM edges WHERE space = $1 AND source = a.id ORDER BY target DESC LIMIT 1001
            ) AS edge
        ), hubs AS MATERIALIZED (
            SELECT source, depth FROM leaving GROUP BY source, depth HAVING count(*) > 1000
        ), among AS (
            SELECT leaving.id, leaving.type, leaving.created_at, greatest(leaving.depth, b.depth) AS depth, leaving.source, leaving.target
            FROM leaving JOIN reached AS b ON b.id = leaving.target
            WHERE leaving.source <> ALL (ARRAY(SELECT source FROM hubs))
            UNION ALL
            SELECT edge.id, edge.type, edge.created_at, greatest(hubs.depth, b.depth), hubs.source, b.id
            FROM hubs
            CROSS JOIN reached AS b
            CROSS JOIN LATERAL (SELECT id, type, created_at FROM edges WHERE space = $1 AND source = hubs.source AND target = b.id LIMIT 1000) AS edge
        )
        """;

    private const string EdgesAmong = """
        SELECT id, type, NULL, NULL::jsonb, created_at, depth, NULL::integer, source, target FROM among ORDER BY depth, id
        """;

    /// <returns>Null where there is one of that id.</returns>
    public async Task<GraphNode?> InsertNodeAsync(Space space, GraphNode node, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand($"""
            INSERT INTO nodes (space, {NodeColumns}) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING
            RETURNING {NodeColumns}, pg_current_xact_id()
            """, connection);
        AddValues(space, command, node);
        return await WriteNodeAsync(space, command, cancellationToken);
    }

    /// <summary>The node of that id, if it is the same in all; also in time, if that matters.</summary>
    public async Task<GraphNode?> FindSameNodeAsync(Space space, GraphNode node, bool sameTime, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand($"""
            SELECT {NodeColumns} FROM nodes
            WHERE space = $1 AND id = $2 AND type = $3 AND label = $4 AND properties = $5 AND (created_at = $6 OR NOT $7)
            """, connection);
        AddValues(space, command, node);
        command.Parameters.Add(new() { Value = sameTime });
        return await ReadOneAsync(command, ReadNode, cancellationToken);
    }

    public async Task<GraphNode?> FindNodeAsync(Space space, Guid id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {NodeColumns} FROM nodes WHERE space = $1 AND id = $2");
        AddKey(space, command, id);
        return await reads.RunAsync(space, command, () => ReadOneAsync(command, ReadNode, cancellationToken), cancellationToken);
    }

    public async Task<GraphNode?> UpdateNodeAsync(Space space, Guid id, GraphNodePatch patch, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand($"""
            UPDATE nodes
            SET properties = {MergedProperties}, type = coalesce($4, type), label = coalesce($5, label)
            WHERE space = $1 AND id = $2
            RETURNING {NodeColumns}, pg_current_xact_id()
            """, connection);
        AddKey(space, command, id);
        command.Parameters.Add(Json(patch.Properties));
        command.Parameters.Add(Text(patch.Type));
        command.Parameters.Add(Text(patch.Label));
        return await WriteNodeAsync(space, command, cancellationToken);
    }

    public Task<bool> DeleteNodeAsync(Space space, Guid id, CancellationToken cancellationToken) =>
        DeleteAsync(space, "DELETE FROM nodes WHERE space = $1 AND id = $2 RETURNING pg_current_xact_id(), id, id", ChangeKind.Node, id, cancellationToken);

    /// <returns>Null where there is one of that id.</returns>
    /// <exception cref="InvalidRequestException">The source or the target is not there.</exception>
    public async Task<GraphEdge?> InsertEdgeAsync(Space space, GraphEdge edge, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand($"""
            INSERT INTO edges (space, {EdgeColumns}) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING
            RETURNING {EdgeColumns}, pg_current_xact_id()
            """, connection);
        AddValues(space, command, edge);
        try
        {
            return await WriteEdgeAsync(space, command, cancellationToken);
        }
        catch (PostgresException missing) when (missing.SqlState == PostgresErrorCodes.ForeignKeyViolation)
        {
            throw missing.ConstraintName == "edges_source"
                ? InvalidRequestException.Field("source", $"must be the id of a node; there is no node {edge.Source}")
                : InvalidRequestException.Field("target", $"must be the id of a node; there is no node {edge.Target}");
        }
    }

    /// <summary>The edge of that id, if it is the same in all; also in time, if that matters.</summary>
    public async Task<GraphEdge?> FindSameEdgeAsync(Space space, GraphEdge edge, bool sameTime, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand($"""
            SELECT {EdgeColumns} FROM edges
            WHERE space = $1 AND id = $2 AND source = $3 AND target = $4 AND type = $5 AND properties = $6 AND (created_at = $7 OR NOT $8)
            """, connection);
        AddValues(space, command, edge);
        command.Parameters.Add(new() { Value = sameTime });
        return await ReadOneAsync(command, ReadEdge, cancellationToken);
    }

    public async Task<GraphEdge?> FindEdgeAsync(Space space, Guid id, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {EdgeColumns} FROM edges WHERE space = $1 AND id = $2");
        AddKey(space, command, id);
        return await reads.RunAsync(space, command, () => ReadOneAsync(command, ReadEdge, cancellationToken), cancellationToken);
    }

    public async Task<GraphEdge?> UpdateEdgeAsync(Space space, Guid id, GraphEdgePatch patch, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand($"""
            UPDATE edges
            SET properties = {MergedProperties}, type = coalesce($4, type)
            WHERE space = $1 AND id = $2
            RETURNING {EdgeColumns}, pg_current_xact_id()
            """, connection);
        AddKey(space, command, id);
        command.Parameters.Add(Json(patch.Properties));
        command.Parameters.Add(Text(patch.Type));
        return await WriteEdgeAsync(space, command, cancellationToken);
    }

    public Task<bool> DeleteEdgeAsync(Space space, Guid id, CancellationToken cancellationToken) =>
        DeleteAsync(space, "DELETE FROM edges WHERE space = $1 AND id = $2 RETURNING pg_current_xact_id(), source, target", ChangeKind.Edge, id, cancellationToken);

    /// <summary>Nodes after the cursor, newest first, and the edges among them; a complete depth where there are more.</summary>
    public async Task<GraphPart> ListAsync(
        Space space, string? type, Guid? eventId, IEnumerable<string> words, int limit, EventCursor? after, int maxEdges, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand();
        var where = new SqlConditions(command.Parameters);
        where.Add("space =", space.Name);
        if (type is not null)
            where.Add("type =", type);
        if (eventId is { } id)
            where.Add("properties ? 'event_id' AND lower(properties ->> 'event_id') =", id.ToString());
        foreach (var word in words)
            where.Add("label ILIKE", $"%{LikeSign().Replace(word, @"\$0")}%");
        if (after is { } cursor)
            where.Add("(created_at, id) <", cursor.Timestamp.UtcDateTime, cursor.Id);
        var most = where.Parameter(limit);
        command.CommandText = $"""
            WITH page AS MATERIALIZED (
                SELECT id, row_number() OVER (ORDER BY created_at DESC, id DESC) AS place
                FROM nodes WHERE {where} ORDER BY created_at DESC, id DESC LIMIT {most} + 1
            ), reached AS MATERIALIZED (
                SELECT id, 0 AS depth, place FROM page WHERE place <= {most}
            ), cut AS (
                SELECT 0 AS complete_depth FROM page HAVING count(*) > {most}
            )
            {Among}
            ({ReachedNodes} ORDER BY place)
            UNION ALL
            ({EdgesAmong} LIMIT {where.Parameter(maxEdges)} + 1)
            """;
        var part = await ReadPartAsync(space, command, maxEdges, cancellationToken);
        return part with { Nodes = part.Nodes.ConvertAll(node => node with { Depth = null }) };
    }

    /// <summary>The edges of which both ends are among these nodes.</summary>
    public async Task<GraphPart> EdgesAmongAsync(Space space, IReadOnlyCollection<Guid> nodes, int maxEdges, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            WITH reached AS MATERIALIZED (SELECT DISTINCT id, 0 AS depth FROM unnest($2) AS id)
            {Among}
            {EdgesAmong} LIMIT $3 + 1
            """);
        command.Parameters.Add(new() { Value = space.Name });
        command.Parameters.Add(new() { Value = nodes.ToArray() });
        command.Parameters.Add(new() { Value = maxEdges });
        return await ReadPartAsync(space, command, maxEdges, cancellationToken);
    }

    /// <summary>How many nodes, of which types, and edges there are.</summary>
    public async Task<(GraphSummary Summary, Snapshot Snapshot)> SummariseAsync(Space space, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("""
            SELECT NULL, count(*) FROM edges WHERE space = $1
            UNION ALL
            (SELECT type, count(*) FROM nodes WHERE space = $1 GROUP BY type ORDER BY count(*) DESC, type)
            """);
        command.Parameters.Add(new() { Value = space.Name });
        return await ReadAsync(
            space, command,
            async snapshot =>
            {
                var types = new List<NodeTypeCount>();
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                var edges = 0L;
                while (await reader.ReadAsync(cancellationToken))
                {
                    if (reader.IsDBNull(0))
                        edges = reader.GetInt64(1);
                    else
                        types.Add(new(reader.GetString(0), reader.GetInt64(1)));
                }
                return (new GraphSummary(types.Sum(type => type.Count), edges, types), snapshot);
            },
            cancellationToken);
    }

    /// <summary>The nodes of a walk and the edges among them, the nearest first; nothing where there is no start.</summary>
    public async Task<GraphPart> ExpandAsync(Space space, GraphWalk walk, int maxEdges, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            {Walk}{Reached}{Among}
            ({ReachedNodes} ORDER BY reached.depth, node.id DESC)
            UNION ALL
            ({EdgesAmong} LIMIT $9 + 1)
            """);
        AddWalk(space, command, walk, stop: null);
        command.Parameters.Add(new() { Value = maxEdges });
        return await ReadPartAsync(space, command, maxEdges, cancellationToken);
    }

    /// <summary>The nodes of a walk, the nearest first; nothing where there is no start.</summary>
    public async Task<GraphPart> TraverseAsync(Space space, GraphWalk walk, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"{Walk}{Reached} {ReachedNodes} ORDER BY reached.depth, node.id DESC");
        AddWalk(space, command, walk, stop: null);
        return await ReadPartAsync(space, command, maxEdges: 0, cancellationToken);
    }

    /// <summary>A shortest path: the walk ends with the level of the target, and the way back leads through a node of each level before.</summary>
    public async Task<(GraphPath? Path, Snapshot Snapshot)> FindPathAsync(Space space, GraphWalk walk, Guid target, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"""
            {Walk}, path (depth, id, edge) AS (
                SELECT depth, $8, NULL::uuid FROM walk WHERE $8 = ANY (level)
                UNION ALL
                SELECT walk.depth, step.id, step.edge
                FROM path
                JOIN walk ON walk.depth = path.depth - 1
                CROSS JOIN LATERAL (
                    SELECT here.id, edge.id AS edge
                    FROM unnest(walk.level) AS here (id)
                    JOIN (
                        SELECT id, source AS near FROM edges WHERE $6 AND space = $1 AND target = path.id AND ($5 IS NULL OR type = ANY ($5))
                        UNION ALL
                        SELECT id, target FROM edges WHERE $7 AND space = $1 AND source = path.id AND ($5 IS NULL OR type = ANY ($5))
                    ) AS edge ON edge.near = here.id
                    ORDER BY edge.id DESC
                    LIMIT 1
                ) AS step
            )
            SELECT node.id, node.type, node.label, node.properties, node.created_at,
                   edge.id, edge.source, edge.target, edge.type, edge.properties, edge.created_at
            FROM path
            JOIN nodes AS node ON node.space = $1 AND node.id = path.id
            LEFT JOIN edges AS edge ON edge.space = $1 AND edge.id = path.edge
            ORDER BY path.depth
            """);
        AddWalk(space, command, walk, target);
        return await ReadAsync(
            space, command,
            async snapshot =>
            {
                var nodes = new List<GraphNode>();
                var edges = new List<GraphEdge>();
                await using var reader = await command.ExecuteReaderAsync(cancellationToken);
                while (await reader.ReadAsync(cancellationToken))
                {
                    nodes.Add(ReadNode(reader));
                    if (!reader.IsDBNull(5))
                        edges.Add(ReadEdge(reader, first: 5));
                }
                return (nodes.Count == 0 ? null : new GraphPath(nodes, edges, edges.Count), snapshot);
            },
            cancellationToken);
    }

    private async Task<bool> DeleteAsync(Space space, string sql, ChangeKind kind, Guid id, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(space, cancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        AddKey(space, command, id);
        var write = await writes.DoAsync(() => ReadOneAsync(
            command, (reader, _) => new Write(space.Name, reader.GetFieldValue<ulong>(0), kind, [reader.GetGuid(1), reader.GetGuid(2)]), cancellationToken));
        if (write is not null)
            writes.Add(write);
        return write is not null;
    }

    private async Task<GraphNode?> WriteNodeAsync(Space space, NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var written = await writes.DoAsync(() => ReadOneAsync(
            command, (reader, _) => (Node: ReadNode(reader), Xid: reader.GetFieldValue<ulong>(5)), cancellationToken));
        if (written.Node is { } node)
            writes.Add(new(space.Name, written.Xid, ChangeKind.Node, [node.Id]));
        return written.Node;
    }

    private async Task<GraphEdge?> WriteEdgeAsync(Space space, NpgsqlCommand command, CancellationToken cancellationToken)
    {
        var written = await writes.DoAsync(() => ReadOneAsync(
            command, (reader, _) => (Edge: ReadEdge(reader), Xid: reader.GetFieldValue<ulong>(6)), cancellationToken));
        if (written.Edge is { } edge)
            writes.Add(new(space.Name, written.Xid, ChangeKind.Edge, [edge.Source, edge.Target]));
        return written.Edge;
    }

    private static async Task<T?> ReadOneAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, int, T> read, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? read(reader, 0) : default;
    }

    /// <summary>Reads by one connection, before which it is told what the database has.</summary>
    private Task<T> ReadAsync<T>(Space space, NpgsqlCommand command, Func<Snapshot, Task<T>> read, CancellationToken cancellationToken) => reads.RunAsync(
        space,
        async connection =>
        {
            command.Connection = connection;
            return await read(await Snapshot.TakeAsync(connection, cancellationToken));
        },
        cancellationToken);

    private Task<GraphPart> ReadPartAsync(Space space, NpgsqlCommand command, int maxEdges, CancellationToken cancellationToken) =>
        ReadAsync(space, command, snapshot => ReadPartAsync(command, maxEdges, snapshot, cancellationToken), cancellationToken);

    private static async Task<GraphPart> ReadPartAsync(
        NpgsqlCommand command, int maxEdges, Snapshot snapshot, CancellationToken cancellationToken)
    {
        var nodes = new List<GraphNode>();
        var edges = new List<CytoscapeEdge>();
        int? completeDepth = null;
        var edgesCut = false;
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.IsDBNull(7))
            {
                nodes.Add(ReadNode(reader) with { Depth = reader.GetInt32(5) });
                completeDepth = reader.IsDBNull(6) ? null : reader.GetInt32(6);
            }
            else if (edges.Count < maxEdges)
            {
                edges.Add(new(
                    reader.GetGuid(0), reader.GetGuid(7), reader.GetGuid(8), reader.GetString(1), reader.GetFieldValue<DateTimeOffset>(4)));
            }
            else
            {
                edgesCut = true;
            }
        }
        return new GraphPart(nodes, edges, completeDepth, edgesCut, snapshot);
    }

    [GeneratedRegex(@"[\\%_]")]
    private static partial Regex LikeSign();

    private static GraphNode ReadNode(NpgsqlDataReader reader, int first = 0) => new()
    {
        Id = reader.GetGuid(first),
        Type = reader.GetString(first + 1),
        Label = reader.GetString(first + 2),
        Properties = JsonText.FromTrusted(reader.GetFieldValue<byte[]>(first + 3)),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(first + 4),
    };

    private static GraphEdge ReadEdge(NpgsqlDataReader reader, int first = 0) => new()
    {
        Id = reader.GetGuid(first),
        Source = reader.GetGuid(first + 1),
        Target = reader.GetGuid(first + 2),
        Type = reader.GetString(first + 3),
        Properties = JsonText.FromTrusted(reader.GetFieldValue<byte[]>(first + 4)),
        CreatedAt = reader.GetFieldValue<DateTimeOffset>(first + 5),
    };

    private static void AddKey(Space space, NpgsqlCommand command, Guid id)
    {
        command.Parameters.Add(new() { Value = space.Name });
        command.Parameters.Add(new() { Value = id });
    }

    private static void AddValues(Space space, NpgsqlCommand command, GraphNode node)
    {
        AddKey(space, command, node.Id);
        command.Parameters.Add(Text(node.Type));
        command.Parameters.Add(Text(node.Label));
        command.Parameters.Add(Json(node.Properties));
        command.Parameters.Add(new() { Value = node.CreatedAt.UtcDateTime });
    }

    private static void AddValues(Space space, NpgsqlCommand command, GraphEdge edge)
    {
        AddKey(space, command, edge.Id);
        command.Parameters.Add(new() { Value = edge.Source });
        command.Parameters.Add(new() { Value = edge.Target });
        command.Parameters.Add(Text(edge.Type));
        command.Parameters.Add(Json(edge.Properties));
        command.Parameters.Add(new() { Value = edge.CreatedAt.UtcDateTime });
    }

    private static void AddWalk(Space space, NpgsqlCommand command, GraphWalk walk, Guid? stop)
    {
        AddKey(space, command, walk.Start);
        command.Parameters.Add(new() { Value = walk.MaxDepth });
        command.Parameters.Add(new() { Value = walk.MaxNodes });
        command.Parameters.Add(new()
        {
            Value = (object?)walk.EdgeTypes?.ToArray() ?? DBNull.Value,
            NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Text,
        });
        command.Parameters.Add(new() { Value = walk.Direction is "out" or "both" });
        command.Parameters.Add(new() { Value = walk.Direction is "in" or "both" });
        command.Parameters.Add(new() { Value = (object?)stop ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Uuid });
    }

    private static NpgsqlParameter Text(string? text) => new() { Value = (object?)text ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    private static NpgsqlParameter Json(JsonText? json) =>
        new() { Value = json is { } text ? text.Utf8.ToArray() : DBNull.Value, NpgsqlDbType = NpgsqlDbType.Jsonb };
}
