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
    public static SqlConditions AddEventConditions(
        this SqlConditions where, Space space, JsonText? metadata, Filter? filter, DateTimeOffset? from, DateTimeOffset? to)
    {
        where.Add("space =", space.Name);
        if (metadata is { } part)
            where.Add($"metadata @> {where.JsonParameter(part.Utf8.ToArray())}");
        if (filter is not null)
            where.Add(FilterSql.Write(filter, where));
        where.AddTimeWindow(from, to);
        return where;
    }
}
