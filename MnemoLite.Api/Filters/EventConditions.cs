using MnemoLite.Api.Database;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Filters;

/// <summary>What an event must be to be read by a search or an export.</summary>
internal static class EventConditions
{
    /// <summary>Adds the conditions that are given, and the space.</summary>
    /// <param name="where">Where to add them.</param>
    /// <param name="space">Where it must be.</param>
    /// <param name="metadata">What its metadata must contain.</param>
    /// <param name="filter">What it must pass.</param>
    /// <param name="from">The earliest time, inclusive.</param>
    /// <param name="to">The latest time, inclusive.</param>
    /// <param name="byIds">Whether what is kept in the space by PostgreSQL is to be looked up by an index all the same (0012_spaces.sql).</param>
    public static SqlConditions AddEventConditions(
        this SqlConditions where, Space space, JsonText? metadata, Filter? filter, DateTimeOffset? from, DateTimeOffset? to, bool byIds = false)
    {
        where.Add("space =", space.Name);
        if (metadata is { } part)
        {
            var json = where.JsonParameter(part.Utf8.ToArray());
            where.Add(byIds ? $"id = ANY (ARRAY(SELECT ids_with_metadata({json})))" : $"metadata @> {json}");
        }
        if (filter is not null)
            where.Add(FilterSql.Write(filter, where));
        where.AddTimeWindow(from, to);
        return where;
    }
}
