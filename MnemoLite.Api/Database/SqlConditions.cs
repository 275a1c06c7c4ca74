using MnemoLite.Api.Embeddings;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Database;

/// <summary>Conditions joined by AND, every value of theirs a parameter.</summary>
/// <param name="parameters">Of the command the conditions are for.</param>
/// <param name="isPartitioned">Whether events are partitioned.</param>
internal sealed class SqlConditions(NpgsqlParameterCollection parameters, bool isPartitioned = false)
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

    /// <summary>Adds a parameter for an embedding and returns the vector that it is, in text. In a subquery it is cast once, not for each event.</summary>
    public string VectorParameter(float[]? embedding) =>
        $"{Parameter(new NpgsqlParameter { Value = (object?)embedding ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real })}::real[]::vector";

    /// <summary>What is true as long as the store has embeddings of that model, in text; it fails otherwise.</summary>
    public string OfModel(EmbeddingModel model) => $"check_model({Parameter(model.Id)}, {Parameter(model.Dimension)})";

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

    /// <summary>
    /// Adds the bounds of the event's time that are given, both inclusive. Where events are partitioned, the bounds of their ids too, so that
    /// only the partitions in question are read: ids begin with their time, and those that do not (strays) widen the bounds.
    /// </summary>
    public void AddTimeWindow(DateTimeOffset? from, DateTimeOffset? to)
    {
        var conditions = new List<string>();
        var first = from is { } start ? Parameter(start.UtcDateTime) : null;
        var last = to is { } end ? Parameter(end.UtcDateTime) : null;
        if (first is not null)
            conditions.Add($"timestamp >= {first}");
        if (last is not null)
            conditions.Add($"timestamp <= {last}");
        var window = string.Join(" AND ", conditions);
        if (isPartitioned && first is not null)
            conditions.Add($"id >= (SELECT least(first_id({first}), (SELECT id FROM events WHERE is_stray(id, timestamp) AND {window} ORDER BY id LIMIT 1)))");
        if (isPartitioned && last is not null)
            conditions.Add($"id <= (SELECT greatest(last_id({last}), (SELECT id FROM events WHERE is_stray(id, timestamp) AND {window} ORDER BY id DESC LIMIT 1)))");
        _conditions.AddRange(conditions);
    }

    public override string ToString() => string.Join(" AND ", _conditions);
}
