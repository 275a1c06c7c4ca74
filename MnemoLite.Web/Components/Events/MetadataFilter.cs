using System.Text.Json;
using System.Text.Json.Nodes;

namespace MnemoLite.Web.Components.Events;

/// <summary>A value that the metadata of an event must have; of a list, one of its elements.</summary>
/// <param name="Key">A key of the metadata.</param>
/// <param name="Value">The value as JSON.</param>
public sealed record MetadataFilter(string Key, string Value)
{
    /// <summary>The value as it is shown.</summary>
    public string Text => Show(JsonElement.Parse(Value));

    /// <summary>A value as it is shown.</summary>
    public static string Show(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    /// <summary>A filter for that value; null where it cannot be filtered by.</summary>
    public static MetadataFilter? For(string key, JsonElement value) =>
        key is [not '$', ..] && value.ValueKind is JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False
            ? new(key, value.ValueKind == JsonValueKind.String ? JsonSerializer.Serialize(value.GetString()) : value.GetRawText())
            : null;

    /// <summary>Reads <c>key:value</c>, the value as <see cref="For(string, string)"/> does.</summary>
    public static MetadataFilter? Parse(string text)
    {
        var end = 0;
        while (end < text.Length && text[end] != ':')
            end += text[end] == '\\' ? 2 : 1;
        if (end >= text.Length)
            return null;
        var key = text[..end].Replace("\\:", ":", StringComparison.Ordinal).Replace(@"\\", @"\", StringComparison.Ordinal);
        return For(key, text[(end + 1)..]);
    }

    /// <summary>A filter for a value as it is typed: JSON if it is a string, a number, true or false, and any other text a string.</summary>
    public static MetadataFilter? For(string key, string text) => For(
        key, Json(text) is { ValueKind: not (JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null) } json
            ? json
            : JsonSerializer.SerializeToElement(text));

    /// <summary>The filters as the API takes them: one of the values of each key.</summary>
    public static JsonObject ToFilter(IEnumerable<MetadataFilter> filters) => new()
    {
        ["$and"] = new JsonArray([.. filters.GroupBy(filter => filter.Key).Select(key => (JsonNode)new JsonObject
        {
            ["$or"] = new JsonArray([.. key.Select(filter => (JsonNode)new JsonObject
            {
                [filter.Key.Replace(@"\", @"\\", StringComparison.Ordinal).Replace(".", "\\.", StringComparison.Ordinal)] =
                    new JsonObject { ["$contains"] = JsonNode.Parse(filter.Value) },
            })]),
        })]),
    };

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    public override string ToString()
    {
        var key = Key.Replace(@"\", @"\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);
        return $"{key}:{(Value[0] == '"' && Json(Text) is null ? Text : Value)}";
    }

    private static JsonElement? Json(string text)
    {
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
