using System.Globalization;
using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Web.Components.Events;

/// <summary>A memory while it is being written.</summary>
internal sealed class MemoryDraft
{
    public static readonly IReadOnlyDictionary<string, string[]> NoErrors = new Dictionary<string, string[]>();

    /// <summary>The <c>data-keep</c> of the dialog's fields.</summary>
    public static readonly string[] Kept = ["text", "metadata", "key", "value", "time"];

    private static readonly string[] Fields = ["content", "metadata", "timestamp"];

    public string Text { get; set; } = "";

    public Dictionary<string, string> Metadata { get; private init; } = [];

    /// <summary>The key of the metadata that is not added yet.</summary>
    public string Key { get; set; } = "";

    /// <summary>The value of the metadata that is not added yet.</summary>
    public string Value { get; set; } = "";

    /// <summary>As <c>datetime-local</c> gives it: local, without an offset.</summary>
    public string? Time { get; set; }

    public bool HasPair => !string.IsNullOrWhiteSpace(Key) && !string.IsNullOrWhiteSpace(Value);

    /// <summary>The field at which an error of the API is shown: <c>content.text</c> and <c>/content/text</c> belong to
    /// <c>content</c>.</summary>
    public static string FieldOf(string error) => error.TrimStart('$', '/', '.').Split('.', '/')[0];

    public static bool IsField(string error) => Fields.Contains(FieldOf(error));

    /// <summary>What the fields of an open dialog held, by their <c>data-keep</c>; null where none was open.</summary>
    public static MemoryDraft? From(IReadOnlyDictionary<string, string> fields) => !fields.TryGetValue("text", out var text) ? null : new()
    {
        Text = text,
        Metadata = JsonSerializer.Deserialize<Dictionary<string, string>>(fields["metadata"])!,
        Key = fields["key"],
        Value = fields["value"],
        Time = fields["time"],
    };

    public void KeepPair()
    {
        if (!HasPair)
            return;
        Metadata[Key.Trim()] = Value.Trim();
        Key = Value = "";
    }

    /// <summary>What need not be sent to be known as wrong.</summary>
    public IReadOnlyDictionary<string, string[]> Check()
    {
        var errors = new Dictionary<string, string[]>();
        if (string.IsNullOrWhiteSpace(Text))
            errors["content"] = ["Write what should be remembered."];
        if (!string.IsNullOrWhiteSpace(Key) || !string.IsNullOrWhiteSpace(Value))
            errors["metadata"] = ["Metadata needs both a key and a value."];
        return errors;
    }

    public NewEvent ToEvent(TimeZoneInfo zone) => new()
    {
        Content = JsonText.From(new { text = Text.Trim() }),
        Metadata = JsonText.From(Metadata),
        Timestamp = DateTime.TryParse(Time, CultureInfo.InvariantCulture, out var local)
            ? new DateTimeOffset(local, zone.GetUtcOffset(local))
            : null,
    };
}
