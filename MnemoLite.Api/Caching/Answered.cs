using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.Net.Http.Headers;

namespace MnemoLite.Api.Caching;

/// <summary>200 with a body that is JSON already, of the type <typeparamref name="T"/>; <c>Cache-Status</c> tells how it was come by.</summary>
internal sealed class Answered<T>(ReadOnlyMemory<byte> json, CacheOutcome outcome, TimeSpan age) : IResult, IEndpointMetadataProvider
{
    private const string ContentType = "application/json; charset=utf-8";

    public static void PopulateMetadata(MethodInfo method, EndpointBuilder builder) =>
        builder.Metadata.Add(new ProducesResponseTypeMetadata(StatusCodes.Status200OK, typeof(T), ["application/json"]));

    private long Age => Math.Max(1, (long)age.TotalSeconds);

    public async Task ExecuteAsync(HttpContext httpContext)
    {
        var response = httpContext.Response;
        response.ContentType = ContentType;
        response.ContentLength = json.Length;
        response.Headers["Cache-Status"] = outcome switch
        {
            CacheOutcome.Hit => "mnemolite; hit",
            CacheOutcome.Miss => "mnemolite; fwd=miss",
            CacheOutcome.Stale => "mnemolite; fwd=stale",
            CacheOutcome.Continued => "mnemolite; fwd=stale; detail=page",
            CacheOutcome.Away => string.Create(CultureInfo.InvariantCulture, $"mnemolite; hit; ttl=-{Age}; detail=\"the database is away\""),
            _ => "mnemolite; fwd=request",
        };
        if (outcome == CacheOutcome.Away)
            response.Headers.Age = Age.ToString(CultureInfo.InvariantCulture);
        await response.Body.WriteAsync(json, httpContext.RequestAborted);
    }
}

internal static class CacheBypass
{
    /// <summary>Whether the client wants an answer that is made now (<c>Cache-Control: no-cache</c>).</summary>
    public static bool AsksToBypass(this HttpRequest request) =>
        request.Headers.CacheControl.Count > 0 && CacheControlHeaderValue.TryParse(request.Headers.CacheControl.ToString(), out var control)
        && (control.NoCache || control.NoStore);
}
