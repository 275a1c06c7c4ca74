using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MnemoLite.Client;

/// <summary>RFC 3339 times; one without an offset is taken as UTC, so that no answer depends on a machine's time zone.</summary>
internal sealed class TimestampConverter : JsonConverter<DateTimeOffset>
{
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.TokenType == JsonTokenType.String
        && DateTimeOffset.TryParse(reader.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw new JsonException("must be an RFC 3339 time, such as \"2026-01-31T12:00:00Z\"", new FormatException());

    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
