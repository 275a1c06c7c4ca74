using System.Text;
using System.Text.Json;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Filters;

/// <summary>
/// Filters as SQL over the column <c>metadata</c>. Every value is a parameter; no condition is ever NULL, so NOT is exact; equality and
/// containment along object keys are written as containment of the whole column, which the GIN index serves.
/// </summary>
internal static class FilterSql
{
    public static string Write(Filter filter, SqlConditions where) => filter switch
    {
        Filter.All all => Join(all.Filters, " AND ", "true", where),
        Filter.Any any => Join(any.Filters, " OR ", "false", where),
        Filter.Not not => $"NOT {Write(not.Inner, where)}",
        Filter.Equal equal => WriteEqual(equal, where),
        Filter.Compare compare => WriteCompare(compare, where),
        Filter.Exists exists => $"({Value(exists.Field, where)} IS NOT NULL)",
        Filter.Contains contains => WriteContains(contains, where),
        _ => throw new NotSupportedException(filter.GetType().Name),
    };

    private static string Join(IReadOnlyList<Filter> filters, string conjunction, string ofNone, SqlConditions where) =>
        filters.Count == 0 ? ofNone : $"({string.Join(conjunction, filters.Select(filter => Write(filter, where)))})";

    private static string WriteEqual(Filter.Equal filter, SqlConditions where)
    {
        var equal = $"coalesce({Value(filter.Field, where)} = {where.JsonParameter(Utf8(filter.Value))}, false)";
        if (filter.Field.MayEnterArray)
            return equal;
        var contained = Contained(filter.Field, filter.Value, where);
        return filter.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? $"({contained} AND {equal})" : contained;
    }

    private static string WriteCompare(Filter.Compare filter, SqlConditions where)
    {
        var value = Value(filter.Field, where);
        return filter.Value.ValueKind == JsonValueKind.Number
            ? $"coalesce(jsonb_typeof({value}) = 'number' AND {value} {filter.Operator} {where.JsonParameter(Utf8(filter.Value))}, false)"
            : $"coalesce(jsonb_typeof({value}) = 'string' AND ({value} #>> '{{}}') COLLATE \"C\" "
                + $"{filter.Operator} {where.Parameter(filter.Value.GetString()!)}, false)";
    }

    private static string WriteContains(Filter.Contains filter, SqlConditions where)
    {
        if (filter.Field.MayEnterArray)
            return $"coalesce({Value(filter.Field, where)} @> {where.JsonParameter(Utf8(filter.Value))}, false)";
        var contained = Contained(filter.Field, filter.Value, where);
        return filter.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array
            ? contained
            : $"({contained} OR {Contained(filter.Field, JsonSerializer.SerializeToElement(new[] { filter.Value }), where)})";
    }

    /// <summary>The metadata contains the value at the end of that path of objects.</summary>
    private static string Contained(FieldPath field, JsonElement value, SqlConditions where)
    {
        using var json = new MemoryStream();
        using (var writer = new Utf8JsonWriter(json))
        {
            foreach (var key in field.Keys)
            {
                writer.WriteStartObject();
                writer.WritePropertyName(key);
            }
            value.WriteTo(writer);
            for (var i = 0; i < field.Keys.Count; i++)
                writer.WriteEndObject();
        }
        return $"(metadata @> {where.JsonParameter(json.ToArray())})";
    }

    private static string Value(FieldPath field, SqlConditions where) => $"(metadata #> {where.Parameter(field.Keys.ToArray())})";

    private static byte[] Utf8(JsonElement value) => Encoding.UTF8.GetBytes(value.GetRawText());
}
