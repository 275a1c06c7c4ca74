using System.Text;
using System.Text.Json;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Events;

/// <summary>The part of an event's content that has a meaning to search by.</summary>
internal static class EventText
{
    /// <summary>So many characters of a text are embedded; more would make it slower, not clearer.</summary>
    private const int MaxLength = 32_768;

    /// <summary>
    /// <c>content.text</c> where that is a string, else every string in the content, a line each; its first 32,768 characters; empty where
    /// there is none.
    /// </summary>
    /// <exception cref="InvalidRequestException">A string in it is not Unicode text.</exception>
    public static string Of(JsonText content)
    {
        try
        {
            var root = content.ToElement();
            if (root.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                return Start(text.GetString()!);
            var strings = new StringBuilder();
            Append(root, strings);
            return Start(strings.ToString());
        }
        catch (InvalidOperationException)
        {
            throw NotUnicode("content");
        }
    }

    /// <summary>The keys of a metadata patch whose value is null.</summary>
    /// <exception cref="InvalidRequestException">A key is not Unicode text.</exception>
    public static string[] NullKeys(JsonText metadata)
    {
        try
        {
            return [.. metadata.ToElement().EnumerateObject().Where(key => key.Value.ValueKind == JsonValueKind.Null).Select(key => key.Name)];
        }
        catch (InvalidOperationException)
        {
            throw NotUnicode("metadata");
        }
    }

    private static string Start(string text)
    {
        text = text.Trim();
        return text.Length <= MaxLength ? text
            : text[..(char.IsHighSurrogate(text[MaxLength - 1]) ? MaxLength - 1 : MaxLength)];
    }

    private static InvalidRequestException NotUnicode(string field) =>
        InvalidRequestException.Field(field, "must not have an unpaired surrogate (\\ud800 to \\udfff) in a string");

    private static void Append(JsonElement element, StringBuilder strings)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.String:
                strings.AppendLine(element.GetString());
                break;
            case JsonValueKind.Array:
                foreach (var item in element.EnumerateArray())
                    Append(item, strings);
                break;
            case JsonValueKind.Object:
                foreach (var property in element.EnumerateObject())
                    Append(property.Value, strings);
                break;
        }
    }
}
