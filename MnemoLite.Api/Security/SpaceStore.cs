using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Api.Security;

/// <summary>The SQL of which spaces there are.</summary>
internal sealed class SpaceStore(NpgsqlDataSource dataSource)
{
    /// <summary>The spaces that have events or nodes, and the default one. From each the index leads to the next, past all that it has.</summary>
    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            WITH RECURSIVE filled (space) AS (
                (SELECT least((SELECT min(space) FROM events), (SELECT min(space) FROM nodes)))
                UNION ALL
                SELECT least((SELECT min(space) FROM events WHERE events.space > filled.space), (SELECT min(space) FROM nodes WHERE nodes.space > filled.space))
                FROM filled WHERE filled.space IS NOT NULL
            )
            SELECT space FROM filled WHERE space IS NOT NULL UNION SELECT $1
            """);
        command.Parameters.Add(new() { Value = Spaces.Default });
        var spaces = new List<string>();
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            spaces.Add(reader.GetString(0));
        return spaces;
    }
}
