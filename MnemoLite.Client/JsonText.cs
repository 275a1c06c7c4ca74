using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Unicode;

namespace MnemoLite.Client;

/// <summary>
/// A JSON object as UTF-8 text, carried from the database to the wire and back without being taken apart.
/// </summary>
/// <remarks>The default value is the empty object, <c>{}</c>.</remarks>
[JsonConverter(typeof(JsonTextConverter))]
public readonly struct JsonText
{
    private readonly ReadOnlyMemory<byte> _utf8;

    private JsonText(ReadOnlyMemory<byte> utf8) => _utf8 = utf8;

    /// <summary>The text, UTF-8.</summary>
    public ReadOnlyMemory<byte> Utf8 => _utf8.IsEmpty ? "{}"u8.ToArray() : _utf8;

    /// <summary>Takes text that is known to be a JSON object, as PostgreSQL's <c>jsonb</c> gives it; it is not checked.</summary>
    public static JsonText FromTrusted(ReadOnlyMemory<byte> utf8) => new(utf8);

    /// <summary>Takes any value that serialises to a JSON object: a dictionary, an anonymous object, a <c>JsonObject</c>.</summary>
    /// <exception cref="ArgumentException">The value serialises to something else.</exception>
    public static JsonText From<T>(T value)
    {
        var utf8 = JsonSerializer.SerializeToUtf8Bytes(value);
        return utf8[0] == (byte)'{' ? new(utf8) : throw new ArgumentException("The value must serialise to a JSON object.", nameof(value));
    }

    /// <summary>Takes JSON text.</summary>
    /// <exception cref="JsonException">The text is not a JSON object.</exception>
    public static JsonText Parse(string json) => JsonSerializer.Deserialize<JsonText>(json);

    /// <summary>The object, parsed.</summary>
    public JsonElement ToElement() => JsonElement.Parse(Utf8.Span);

    /// <summary>The JSON text.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Utf8.Span);
}

internal sealed class JsonTextConverter : JsonConverter<JsonText>
{
    public override JsonText Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("must be a JSON object, such as {\"text\": \"…\"}");
        CheckStrings(reader);
        return JsonText.FromTrusted(Encoding.UTF8.GetBytes(JsonElement.ParseValue(ref reader).GetRawText()));
    }

    /// <summary>No JSON store can keep what is not Unicode text, and PostgreSQL's not U+0000 either.</summary>
    private static void CheckStrings(Utf8JsonReader reader)
    {
        var depth = reader.CurrentDepth;
        while (reader.Read() && reader.CurrentDepth > depth)
        {
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.PropertyName))
                continue;
            if (!reader.HasValueSequence && !reader.ValueIsEscaped)
            {
                if (!Utf8.IsValid(reader.ValueSpan))
                    throw new JsonException("must be UTF-8 text");
            }
            else if (!IsStorable(ref reader))
            {
                throw new JsonException("must not have U+0000 or an unpaired surrogate (\\ud800 to \\udfff) in a string");
            }
        }
    }

    private static bool IsStorable(ref Utf8JsonReader reader)
    {
        try
        {
            return !reader.GetString()!.Contains('\0', StringComparison.Ordinal);
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    public override void Write(Utf8JsonWriter writer, JsonText value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
}
