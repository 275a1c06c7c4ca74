using System.Text.Json;
using System.Text.RegularExpressions;

namespace MnemoLite.Api.Errors;

/// <summary>What the serializer's messages say, as this API says it.</summary>
internal static partial class JsonReason
{
    /// <summary>The field that cannot be read, as the client spells it; null where it is the whole.</summary>
    public static string? Field(JsonException exception) =>
        (exception.Path ?? "$").TrimStart('$').TrimStart('.') is { Length: > 0 } field ? field : null;

    /// <summary>What is wrong with it: «must …», «misses …». The serializer adds the place to its messages; the field is named already.</summary>
    public static string Of(JsonException exception)
    {
        var message = exception.Message;
        if (message.StartsWith("The JSON value could not be converted", StringComparison.Ordinal))
            return "has a value of the wrong type";
        if (message.Contains("doesn't allow setting null values", StringComparison.Ordinal))
            return "must not be null";
        if (MissingProperties().Match(message) is { Success: true } missing)
            return $"misses {missing.Groups["names"].Value}";
        var end = message.IndexOf(" Path:", StringComparison.Ordinal);
        return end < 0 ? message : message[..end].TrimEnd('.', ' ', '|');
    }

    [GeneratedRegex("missing required properties including: (?<names>.+?)\\.?$")]
    private static partial Regex MissingProperties();
}
