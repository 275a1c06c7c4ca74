using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MnemoLite.Web.Components.Events;

/// <summary>A value of metadata while it is edited: its type, and what is typed.</summary>
/// <param name="Type">One of <see cref="Types"/>.</param>
/// <param name="Text">As it is typed.</param>
internal sealed record MetadataValue(string Type, string Text)
{
    public static readonly IReadOnlyList<string> Types = ["Text", "Number", "Yes or no", "JSON"];

    private static readonly JsonSerializerOptions Readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static MetadataValue Of(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.String => new(Types[0], json.GetString()!),
        JsonValueKind.Number => new(Types[1], json.GetRawText()),
        JsonValueKind.True or JsonValueKind.False => new(Types[2], json.GetBoolean() ? "yes" : "no"),
        _ => new(Types[3], JsonSerializer.Serialize(json, Readable)),
    };

    /// <summary>The value as JSON, or what is wrong with it.</summary>
    public (JsonNode? Json, string? Error) Read()
    {
        if (Type == Types[0])
            return (Text, null);
        if (Type == Types[2])
        {
            return Text.Trim().ToLowerInvariant() switch
            {
                "yes" or "true" => (true, null),
                "no" or "false" => (false, null),
                _ => (null, "Write yes or no."),
            };
        }
        try
        {
            var json = JsonNode.Parse(Text);
            return (json?.GetValueKind(), Type) switch
            {
                (null, _) => (null, "null would take the key away: remove it instead."),
                (not JsonValueKind.Number, "Number") => (null, "Write a number, such as 3 or 0.25."),
                _ => (json, null),
            };
        }
        catch (JsonException failure)
        {
            return (null, Type == Types[1]
                ? "Write a number, such as 3 or 0.25."
                : $"This is not JSON yet: line {failure.LineNumber + 1}, place {failure.BytePositionInLine + 1}.");
        }
    }
}
