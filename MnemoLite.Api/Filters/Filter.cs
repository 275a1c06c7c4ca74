using System.Globalization;
using System.Text.Json;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Filters;

/// <summary>
/// A condition on metadata, read from the filter language: <c>{field: value}</c>, <c>{field: {"$gt": 5}}</c>, <c>$and</c>, <c>$or</c>,
/// <c>$not</c>; a field is a path of keys joined by dots (<c>\.</c> is a dot within a key, a number goes into an array).
/// </summary>
/// <remarks>
/// Every condition is true or false of every event, and <c>$not</c> is exactly the opposite: a field that is missing equals nothing, is in no
/// list and contains nothing, so <c>$ne</c> and <c>$nin</c> hold for it. <c>$gt</c>, <c>$gte</c>, <c>$lt</c>, <c>$lte</c> compare numbers with
/// numbers and strings with strings (by code point, which is also the order of RFC 3339 times in one zone), and hold for nothing else.
/// </remarks>
internal abstract record Filter
{
    /// <summary>How deep a filter may nest.</summary>
    public const int MaxDepth = 16;

    /// <summary>How many conditions a filter may have; each value of a list counts.</summary>
    public const int MaxConditions = 500;

    private Filter()
    {
    }

    public sealed record All(IReadOnlyList<Filter> Filters) : Filter;

    public sealed record Any(IReadOnlyList<Filter> Filters) : Filter;

    public sealed record Not(Filter Inner) : Filter;

    /// <summary>The field has this value: numbers by value, objects whatever the order of their keys.</summary>
    public sealed record Equal(FieldPath Field, JsonElement Value) : Filter;

    /// <param name="Field">Where the value is.</param>
    /// <param name="Operator">One of <c>&gt; &gt;= &lt; &lt;=</c>.</param>
    /// <param name="Value">A number or a string.</param>
    public sealed record Compare(FieldPath Field, string Operator, JsonElement Value) : Filter;

    public sealed record Exists(FieldPath Field) : Filter;

    /// <summary>The field contains the value, as PostgreSQL's <c>@&gt;</c> says: an array its elements, an object its members.</summary>
    public sealed record Contains(FieldPath Field, JsonElement Value) : Filter;

    /// <param name="filter">The filter as the client sent it.</param>
    /// <param name="name">The field of the request that holds it, with which the pointers in messages start.</param>
    /// <exception cref="InvalidRequestException">Something in it has no meaning; the message has the JSON pointer to it.</exception>
    public static Filter Parse(JsonText filter, string name) => new Reader(name).ReadObject(filter.ToElement(), $"/{name}", 1);

    private sealed class Reader(string name)
    {
        private const string Operators = "$eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $contains, $not";
        private int _conditions;

        public All ReadObject(JsonElement element, string pointer, int depth)
        {
            if (element.ValueKind != JsonValueKind.Object)
                throw Wrong(pointer, "must be an object, such as {\"type\": \"decision\"}");
            if (depth > MaxDepth)
                throw Wrong(pointer, $"nests deeper than {MaxDepth}");
            return new All([.. element.EnumerateObject().Select(property => ReadProperty(property, Child(pointer, property.Name), depth))]);
        }

        private Filter ReadProperty(JsonProperty property, string pointer, int depth) => property.Name switch
        {
            "$and" => new All(ReadList(property.Value, pointer, depth)),
            "$or" => new Any(ReadList(property.Value, pointer, depth)),
            "$not" => new Not(ReadObject(property.Value, pointer, depth + 1)),
            ['$', ..] => throw Wrong(pointer, "is not an operator here: there are $and, $or and $not, and a field's own stand within it"),
            _ => ReadField(ReadPath(property.Name, pointer), property.Value, pointer, depth),
        };

        private List<Filter> ReadList(JsonElement value, string pointer, int depth)
        {
            if (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() == 0)
                throw Wrong(pointer, "must be a list of at least one filter");
            return [.. value.EnumerateArray().Select((filter, index) => ReadObject(filter, Child(pointer, index), depth + 1))];
        }

        private Filter ReadField(FieldPath field, JsonElement value, string pointer, int depth)
        {
            if (value.ValueKind != JsonValueKind.Object || !value.EnumerateObject().Any(property => property.Name.StartsWith('$')))
                return Counted(new Equal(field, value), pointer);
            if (depth > MaxDepth)
                throw Wrong(pointer, $"nests deeper than {MaxDepth}");
            return new All([.. value.EnumerateObject().Select(property =>
                ReadOperator(field, property.Name, property.Value, Child(pointer, property.Name), depth))]);
        }

        private Filter ReadOperator(FieldPath field, string name, JsonElement value, string pointer, int depth) => name switch
        {
            "$eq" => Counted(new Equal(field, value), pointer),
            "$ne" => new Not(Counted(new Equal(field, value), pointer)),
            "$gt" => ReadComparison(field, ">", value, pointer),
            "$gte" => ReadComparison(field, ">=", value, pointer),
            "$lt" => ReadComparison(field, "<", value, pointer),
            "$lte" => ReadComparison(field, "<=", value, pointer),
            "$in" => ReadIn(field, value, pointer),
            "$nin" => new Not(ReadIn(field, value, pointer)),
            "$exists" => value.ValueKind switch
            {
                JsonValueKind.True => Counted(new Exists(field), pointer),
                JsonValueKind.False => new Not(Counted(new Exists(field), pointer)),
                _ => throw Wrong(pointer, "must be true or false"),
            },
            "$contains" => Counted(new Contains(field, value), pointer),
            "$not" when value.ValueKind == JsonValueKind.Object => new Not(ReadField(field, value, pointer, depth + 1)),
            "$not" => throw Wrong(pointer, "must be an object of operators, such as {\"$gt\": 5}"),
            _ => throw Wrong(pointer, $"is not an operator: there are {Operators}"),
        };

        private Compare ReadComparison(FieldPath field, string sign, JsonElement value, string pointer) =>
            value.ValueKind is JsonValueKind.Number or JsonValueKind.String
                ? Counted(new Compare(field, sign, value), pointer)
                : throw Wrong(pointer, "must be a number or a string");

        private Any ReadIn(FieldPath field, JsonElement value, string pointer)
        {
            if (value.ValueKind != JsonValueKind.Array)
                throw Wrong(pointer, "must be a list of values");
            return new Any([.. value.EnumerateArray().Select((item, index) => Counted(new Equal(field, item), Child(pointer, index)))]);
        }

        private FieldPath ReadPath(string text, string pointer)
        {
            var keys = FieldPath.Split(text);
            return keys.Contains("") ? throw Wrong(pointer, "is a path with an empty key: write a.b, or a\\.b for a dot within a key") : new(keys);
        }

        private T Counted<T>(T filter, string pointer) => ++_conditions <= MaxConditions
            ? filter
            : throw Wrong(pointer, $"is one condition too many: a filter may have {MaxConditions}");

        private InvalidRequestException Wrong(string pointer, string message) =>
            new($"{pointer} {message}.", new Dictionary<string, string[]> { [name] = [$"{pointer} {message}"] }) { Pointer = pointer };

        private static string Child(string pointer, string key) =>
            $"{pointer}/{key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal)}";

        private static string Child(string pointer, int index) => string.Create(CultureInfo.InvariantCulture, $"{pointer}/{index}");
    }
}
