using System.Globalization;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>
/// Which transactions a read saw, as PostgreSQL's <c>pg_current_snapshot()</c> tells: all below <paramref name="Xmin"/>, none from
/// <paramref name="Xmax"/> on, and of those between all but the ones in progress.
/// </summary>
internal sealed record Snapshot(ulong Xmin, ulong Xmax, ulong[] InProgress)
{
    /// <summary>The column a read selects to tell its snapshot. A standby does not list what is in progress: there only what is below its xmin counts.</summary>
    public const string Column = """
        CASE WHEN pg_is_in_recovery() THEN concat(pg_snapshot_xmin(pg_current_snapshot()), ':', pg_snapshot_xmin(pg_current_snapshot()), ':')
             ELSE pg_current_snapshot()::text END
        """;

    public bool Sees(ulong xid) => xid < Xmin || (xid < Xmax && Array.IndexOf(InProgress, xid) < 0);

    /// <summary>What both saw.</summary>
    public Snapshot And(Snapshot other) => new(
        Math.Min(Xmin, other.Xmin), Math.Min(Xmax, other.Xmax), InProgress.AsSpan().SequenceEqual(other.InProgress) ? InProgress : [.. InProgress.Union(other.InProgress)]);

    /// <summary>Reads <c>xmin:xmax:xip,xip,…</c>.</summary>
    public static Snapshot Parse(string text)
    {
        var parts = text.Split(':');
        return new(Number(parts[0]), Number(parts[1]), [.. parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(Number)]);

        static ulong Number(string digits) => ulong.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
    }

    /// <summary>The snapshot of this moment.</summary>
    public static async Task<Snapshot> TakeAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT {Column}", connection);
        return Parse((string)(await command.ExecuteScalarAsync(cancellationToken))!);
    }
}
