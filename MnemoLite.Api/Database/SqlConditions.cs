using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>Conditions joined by AND, every value of theirs a parameter.</summary>
internal sealed class SqlConditions(NpgsqlParameterCollection parameters)
{
    private readonly List<string> _conditions = [];

    /// <summary>Adds a parameter and returns its place in the text, <c>$1</c>.</summary>
    public string Parameter(object value)
    {
        parameters.Add(value as NpgsqlParameter ?? new NpgsqlParameter { Value = value });
        return $"${parameters.Count}";
    }

    /// <summary>Adds a comparison with one value, or with a row of several.</summary>
    public void Add(string comparison, params object[] values)
    {
        var places = string.Join(", ", values.Select(Parameter));
        _conditions.Add(values.Length == 1 ? $"{comparison} {places}" : $"{comparison} ({places})");
    }

    /// <summary>Adds the bounds of the event's time that are given, both inclusive.</summary>
    public void AddTimeWindow(DateTimeOffset? from, DateTimeOffset? to)
    {
        if (from is { } start)
            Add("timestamp >=", start.UtcDateTime);
        if (to is { } end)
            Add("timestamp <=", end.UtcDateTime);
    }

    public override string ToString() => string.Join(" AND ", _conditions);
}
