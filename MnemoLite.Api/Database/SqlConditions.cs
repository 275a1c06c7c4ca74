using Npgsql;
using NpgsqlTypes;

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

    /// <summary>Adds a JSON parameter and returns its place in the text.</summary>
    public string JsonParameter(byte[] utf8) => Parameter(new NpgsqlParameter { Value = utf8, NpgsqlDbType = NpgsqlDbType.Jsonb });

    /// <summary>Adds a condition whose values are parameters already, or a comparison with one value, or with a row of several.</summary>
    public void Add(string condition, params object[] values)
    {
        var places = string.Join(", ", values.Select(Parameter));
        _conditions.Add(values.Length switch
        {
            0 => condition,
            1 => $"{condition} {places}",
            _ => $"{condition} ({places})",
        });
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
