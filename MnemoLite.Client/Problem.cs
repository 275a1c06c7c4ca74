using System.Net;
using System.Text.Json.Serialization;

namespace MnemoLite.Client;

/// <summary>A problem document (RFC 9457), the body of every error.</summary>
public sealed record Problem
{
    /// <summary>The kind of problem, as a URI.</summary>
    public string? Type { get; init; }

    /// <summary>The kind of problem, in words.</summary>
    public string? Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public int? Status { get; init; }

    /// <summary>What was wrong and what would be right.</summary>
    public string? Detail { get; init; }

    /// <summary>What is wrong with each field.</summary>
    public IReadOnlyDictionary<string, string[]>? Errors { get; init; }

    /// <summary>The JSON pointer (RFC 6901) to what is wrong in the body, where one place is.</summary>
    [JsonPropertyName("pointer")]
    public string? JsonPointer { get; init; }

    /// <summary>The W3C trace id under which the service's telemetry has this request.</summary>
    public string? TraceId { get; init; }
}

/// <summary>The service refused a request.</summary>
public sealed class MnemoLiteException : Exception
{
    internal MnemoLiteException(HttpStatusCode status, Problem? problem)
        : base(problem?.Detail ?? problem?.Title ?? $"The service answered {(int)status}.") => (StatusCode, Problem) = (status, problem);

    /// <summary>The HTTP status of the answer.</summary>
    public HttpStatusCode StatusCode { get; }

    /// <summary>The answer, where it was a problem document.</summary>
    public Problem? Problem { get; }
}
