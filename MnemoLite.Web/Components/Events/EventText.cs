using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Web.Components.Events;

/// <summary>What an event says, for a reader.</summary>
internal static class EventText
{
    private const int TitleLength = 90;

    /// <summary>The content's <c>text</c>, if it has one.</summary>
    public static string? Of(JsonElement content) =>
        content.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    /// <summary>The first line of it, or of its JSON.</summary>
    public static string Title(JsonText content)
    {
        var text = (Of(content.ToElement()) ?? content.ToString()).TrimStart(' ', '\n', '\r', '\t', '#', '>', '*', '-');
        var line = text.Split('\n', 2)[0].TrimEnd();
        return line.Length <= TitleLength ? line : line[..(TitleLength - 1)].TrimEnd() + "…";
    }
}
