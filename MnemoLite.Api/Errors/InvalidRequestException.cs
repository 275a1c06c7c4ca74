namespace MnemoLite.Api.Errors;

/// <summary>A request that can be read but not fulfilled, because values of it are not allowed: 422.</summary>
internal sealed class InvalidRequestException(string message, IReadOnlyDictionary<string, string[]> errors) : Exception(message)
{
    /// <summary>What is wrong with each field.</summary>
    public IReadOnlyDictionary<string, string[]> Errors { get; } = errors;

    /// <summary>The JSON pointer (RFC 6901) to what is wrong in the body, where one place is.</summary>
    public string? Pointer { get; init; }

    /// <param name="name">The field, as the client spells it.</param>
    /// <param name="message">What would be right: «must …».</param>
    public static InvalidRequestException Field(string name, string message) =>
        new($"{name} {message}.", new Dictionary<string, string[]> { [name] = [message] });
}
