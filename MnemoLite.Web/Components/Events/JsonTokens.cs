using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace MnemoLite.Web.Components.Events;

/// <summary>JSON laid out for reading, cut where the colour changes.</summary>
internal static class JsonTokens
{
    private static readonly JsonWriterOptions Readable = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The pieces in order, each with its CSS class: <c>key</c>, <c>string</c>, <c>literal</c>, or none between them.</summary>
    public static IReadOnlyList<(string? Kind, string Text)> Of(JsonElement json)
    {
        var text = Format(json);
        var pieces = new List<(string?, string)>();
        var reader = new Utf8JsonReader(text);
        var done = 0;
        while (reader.Read())
        {
            var kind = reader.TokenType switch
            {
                JsonTokenType.PropertyName => "key",
                JsonTokenType.String => "string",
                JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null => "literal",
                _ => null,
            };
            if (kind is null)
                continue;
            var start = (int)reader.TokenStartIndex;
            var end = start + reader.ValueSpan.Length + (kind == "literal" ? 0 : 2);
            pieces.Add((null, Encoding.UTF8.GetString(text[done..start])));
            pieces.Add((kind, Encoding.UTF8.GetString(text[start..end])));
            done = end;
        }
        pieces.Add((null, Encoding.UTF8.GetString(text[done..])));
        return pieces;
    }

    private static ReadOnlySpan<byte> Format(JsonElement json)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, Readable))
            json.WriteTo(writer);
        return buffer.ToArray();
    }
}
