using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Security;
using Npgsql;

namespace MnemoLite.Api.Errors;

/// <summary>Turns every exception into a problem document that says what to do and gives nothing of the inside away.</summary>
internal sealed partial class ProblemExceptionHandler(IProblemDetailsService problems, ILogger<ProblemExceptionHandler> log) : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
        {
            httpContext.Response.StatusCode = StatusCodes.Status499ClientClosedRequest;
            return true;
        }
        var problem = exception switch
        {
            InvalidRequestException invalid => Unprocessable(invalid.Message, invalid.Errors, invalid.Pointer),
            BadHttpRequestException bad => FromBadRequest(bad),
            InvalidOperationException { InnerException: ArgumentException } unknown when unknown.Message.Contains("charset", StringComparison.Ordinal) =>
                New(StatusCodes.Status415UnsupportedMediaType, "The charset of the body is not known: send JSON in UTF-8."),
            PostgresException refused when IsOfClientsMaking(refused) => Unprocessable(
                "A value cannot be stored: PostgreSQL takes no U+0000, no unpaired surrogate, and no number beyond its range.", null),
            PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => New(
                StatusCodes.Status503ServiceUnavailable,
                "The database took too long over this and was stopped; nothing was changed. Try again, or ask for less: a narrower filter or time window."),
            PostgresException { SqlState: PostgresErrorCodes.DiskFull } => New(
                StatusCodes.Status503ServiceUnavailable,
                "The database's disk is full; nothing was changed. What is stored can be read; its owner has to make room before more can be stored."),
            EmbeddingsAwayException => New(
                StatusCodes.Status503ServiceUnavailable,
                "The embedding endpoint does not answer, so nothing can be found by meaning now. Try again soon, or search in mode keyword."),
            OtherSpaceException other => New(StatusCodes.Status403Forbidden, other.Message),
            TooManySearchesException many => New(StatusCodes.Status503ServiceUnavailable, many.Message),
            OtherModelException other => OfOtherModel(other),
            BatchInterruptedException interrupted => OfInterrupted(interrupted),
            NpgsqlException away => Away(away),
            _ => Unexpected(exception),
        };
        httpContext.Response.StatusCode = problem.Status!.Value;
        if (problem.Status == StatusCodes.Status503ServiceUnavailable)
            httpContext.Response.Headers.RetryAfter = "1";
        return await problems.TryWriteAsync(new() { HttpContext = httpContext, ProblemDetails = problem });
    }

    private static ProblemDetails FromBadRequest(BadHttpRequestException bad)
    {
        if (bad.InnerException is JsonException json)
        {
            var field = JsonReason.Field(json) ?? "";
            var unreadable = json.InnerException is JsonException || field is "timestamp" or "ts_start" or "ts_end";
            var reason = JsonReason.Of(json);
            if (unreadable)
                return New(StatusCodes.Status400BadRequest, field.Length == 0 ? $"The body is not valid JSON: {reason}." : $"{field} {reason}.");
            return Unprocessable($"{(field.Length == 0 ? "The body" : field)} {reason}.", Errors(field.Length == 0 ? "body" : field, reason));
        }
        if (UnboundParameter().Match(bad.Message) is { Success: true } match)
        {
            var (type, name, value) = (match.Groups["type"].Value, SnakeCase(match.Groups["name"].Value), match.Groups["value"].Value);
            var expected = type switch
            {
                _ when type.Contains("DateTimeOffset", StringComparison.Ordinal) =>
                    "must be an RFC 3339 time, such as 2026-01-31T12:00:00Z (a + in a URL is written %2B)",
                _ when type.Contains("Guid", StringComparison.Ordinal) => "must be a UUID",
                _ when type.Contains("int", StringComparison.Ordinal) => "must be a whole number",
                _ when type.Contains("bool", StringComparison.Ordinal) => "must be true or false",
                _ => "cannot be read",
            };
            return type.Contains("DateTimeOffset", StringComparison.Ordinal)
                ? New(StatusCodes.Status400BadRequest, $"{name} {expected}, not \"{value}\".")
                : Unprocessable($"{name} {expected}, not \"{value}\".", Errors(name, expected));
        }
        return bad.StatusCode is StatusCodes.Status413PayloadTooLarge or StatusCodes.Status415UnsupportedMediaType
            ? new() { Status = bad.StatusCode } // ErrorServices says what is wrong
            : New(bad.StatusCode, bad.Message);
    }

    private ProblemDetails Away(NpgsqlException exception)
    {
        if (exception is PostgresException { SqlState: not null } refused && !IsPassing(refused))
            return Unexpected(exception);
        Log.DatabaseAway(log, exception.Message);
        return New(StatusCodes.Status503ServiceUnavailable, exception.InnerException is IOException or TimeoutException
            ? "The database went away while it was at this: whether something was changed is not known. Look, or send it again with the same "
                + "Idempotency-Key if it had one."
            : "The database is away; nothing was changed. Try again in a moment.");
    }

    private ProblemDetails OfInterrupted(BatchInterruptedException exception)
    {
        Log.DatabaseAway(log, exception.Message);
        return New(
            StatusCodes.Status503ServiceUnavailable,
            $"The database went away, or took too long, when {exception.Created} of the events were stored. Where they carry ids and timestamps of "
                + "their own, send all again: those that are there are passed over.");
    }

    private ProblemDetails OfOtherModel(OtherModelException exception)
    {
        Log.OtherModelNow(log, exception.Model, exception.Dimension);
        return New(
            StatusCodes.Status503ServiceUnavailable,
            "The store has gone over to another embedding model, which this instance is not configured with: its owner has to configure it.");
    }

    private ProblemDetails Unexpected(Exception exception)
    {
        Log.RequestFailed(log, exception);
        return New(StatusCodes.Status500InternalServerError, "Something went wrong here; the log has it under this trace_id.");
    }

    /// <summary>Data exceptions and exceeded limits: class 22 and 54 of PostgreSQL's error codes.</summary>
    private static bool IsOfClientsMaking(PostgresException exception) =>
        exception.SqlState.StartsWith("22", StringComparison.Ordinal) || exception.SqlState.StartsWith("54", StringComparison.Ordinal);

    /// <summary>Connection failures, shutdowns and missing resources; a schema that is not there yet, and a primary that is none any more.</summary>
    private static bool IsPassing(PostgresException exception) =>
        exception.SqlState[..2] is "08" or "53" or "57"
            || exception.SqlState is PostgresErrorCodes.UndefinedTable or PostgresErrorCodes.ReadOnlySqlTransaction;

    private static ProblemDetails Unprocessable(string detail, IReadOnlyDictionary<string, string[]>? errors, string? pointer = null)
    {
        var problem = New(StatusCodes.Status422UnprocessableEntity, detail);
        if (errors is not null)
            problem.Extensions["errors"] = errors;
        if (pointer is not null)
            problem.Extensions["pointer"] = pointer;
        return problem;
    }

    private static ProblemDetails New(int status, string detail) => new() { Status = status, Detail = detail };

    private static Dictionary<string, string[]> Errors(string field, string message) => new() { [field] = [message] };

    private static string SnakeCase(string name) => JsonNamingPolicy.SnakeCaseLower.ConvertName(name);

    [GeneratedRegex("""^Failed to bind parameter "(?<type>.+) (?<name>\w+)" from "(?<value>.*)"\.$""", RegexOptions.Singleline)]
    private static partial Regex UnboundParameter();
}
