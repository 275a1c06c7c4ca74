using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace MnemoLite.Api.Filters;

/// <summary>Filters in memory, on metadata as PostgreSQL gives it. Null where that cannot be told: a number beyond what is compared here.</summary>
internal static class FilterMatch
{
    /// <summary>Whether the metadata passes.</summary>
    public static bool? Passes(this Filter filter, JsonElement metadata) => filter switch
    {
        Filter.All all => Every(all.Filters.Select(inner => inner.Passes(metadata))),
        Filter.Any any => !Every(any.Filters.Select(inner => !inner.Passes(metadata))),
        Filter.Not not => !not.Inner.Passes(metadata),
        Filter.Equal equal => Find(metadata, equal.Field) is { } value ? Same(value, equal.Value) : false,
        Filter.Compare compare => Find(metadata, compare.Field) is { } value ? Compares(value, compare.Operator, compare.Value) : false,
        Filter.Exists exists => Find(metadata, exists.Field) is not null,
        Filter.Contains contains => Find(metadata, contains.Field) is { } value ? Contains(value, contains.Value, top: true) : false,
        _ => null,
    };

    /// <summary>Whether the one contains the other, as <c>@&gt;</c> says (PostgreSQL's manual, 8.14.3).</summary>
    public static bool? Contains(JsonElement whole, JsonElement part) => Contains(whole, part, top: true);

    private static bool? Every(IEnumerable<bool?> answers)
    {
        bool? every = true;
        foreach (var answer in answers)
        {
            if (answer == false)
                return false;
            every &= answer;
        }
        return every;
    }

    private static JsonElement? Find(JsonElement element, FieldPath path)
    {
        foreach (var key in path.Keys)
        {
            if (element.ValueKind == JsonValueKind.Object && element.TryGetProperty(key, out var member))
                element = member;
            else if (element.ValueKind == JsonValueKind.Array && int.TryParse(key, FieldPath.IndexStyle, CultureInfo.InvariantCulture, out var index)
                && index < element.GetArrayLength() && index >= -element.GetArrayLength())
                element = element[index < 0 ? element.GetArrayLength() + index : index];
            else
                return null;
        }
        return element;
    }

    private static bool? Contains(JsonElement whole, JsonElement part, bool top)
    {
        if (part.ValueKind == JsonValueKind.Object && whole.ValueKind == JsonValueKind.Object)
        {
            return Every(part.EnumerateObject().Select(property =>
                whole.TryGetProperty(property.Name, out var value) ? Contains(value, Last(part, property), top: false) : false));
        }
        if (part.ValueKind == JsonValueKind.Array && whole.ValueKind == JsonValueKind.Array)
        {
            return Every(part.EnumerateArray().Select(item =>
                !Every(whole.EnumerateArray().Select(other => !Contains(other, item, top: false)))));
        }
        if (top && whole.ValueKind == JsonValueKind.Array && part.ValueKind is not (JsonValueKind.Object or JsonValueKind.Array))
            return !Every(whole.EnumerateArray().Select(item => !Same(item, part)));
        return Same(whole, part);
    }

    private static bool? Same(JsonElement a, JsonElement b)
    {
        if (a.ValueKind != b.ValueKind)
            return false;
        switch (a.ValueKind)
        {
            case JsonValueKind.Object:
                var names = b.EnumerateObject().Select(property => property.Name).ToHashSet();
                return a.EnumerateObject().Count() == names.Count
                    ? Every(names.Select(name => a.TryGetProperty(name, out var value) ? Same(value, b.GetProperty(name)) : false))
                    : false;
            case JsonValueKind.Array:
                return a.GetArrayLength() == b.GetArrayLength() ? Every(a.EnumerateArray().Zip(b.EnumerateArray(), Same)) : false;
            case JsonValueKind.Number:
                return Order(a, b) is { } order ? order == 0 : null;
            case JsonValueKind.String:
                return a.GetString() == b.GetString();
            default:
                return true;
        }
    }

    private static bool? Compares(JsonElement value, string sign, JsonElement operand)
    {
        if (value.ValueKind != operand.ValueKind)
            return false;
        var order = value.ValueKind == JsonValueKind.Number
            ? Order(value, operand)
            : Encoding.UTF8.GetBytes(value.GetString()!).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(operand.GetString()!));
        return order is null ? null : sign switch
        {
            ">" => order > 0,
            ">=" => order >= 0,
            "<" => order < 0,
            "<=" => order <= 0,
            _ => null,
        };
    }

    /// <summary>Compares two numbers exactly; null where one has an exponent or more digits than decimals hold.</summary>
    private static int? Order(JsonElement a, JsonElement b)
    {
        if (BigInteger.TryParse(a.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var x)
            && BigInteger.TryParse(b.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var y))
        {
            return x.CompareTo(y);
        }
        return IsExact(a) && IsExact(b) && a.TryGetDecimal(out var left) && b.TryGetDecimal(out var right) ? left.CompareTo(right) : null;

        static bool IsExact(JsonElement number) => number.GetRawText() is { Length: <= 28 } text && !text.Contains('e', StringComparison.OrdinalIgnoreCase);
    }

    private static JsonElement Last(JsonElement whole, JsonProperty property) => whole.GetProperty(property.Name); // of a name that stands twice
}
