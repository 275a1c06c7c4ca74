using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Web.Components.Events;

/// <summary>An event in a line of a list.</summary>
/// <param name="Id">The event.</param>
/// <param name="Time">When it happened.</param>
/// <param name="Text">The beginning of its text, or of its content where it has none.</param>
/// <param name="Severity">What its metadata say.</param>
/// <param name="Project">What its metadata say.</param>
public sealed record EventLine(Guid Id, DateTimeOffset Time, string Text, string? Severity, string? Project)
{
    private const int Length = 180;

    public static EventLine From(Event @event)
    {
        var content = @event.Content.ToElement();
        var metadata = @event.Metadata.ToElement();
        var text = Find(content, "text") ?? content.GetRawText();
        return new(@event.Id, @event.Timestamp, Short(text), Find(metadata, "severity"), Find(metadata, "project"));
    }

    private static string? Find(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text ? Short(text) : null;

    private static string Short(string text) => text.Length <= Length ? text : text[..(Length - 1)] + "…";
}
