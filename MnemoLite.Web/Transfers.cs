using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Client;
using MnemoLite.Web.Components;
using MnemoLite.Web.Components.Events;

namespace MnemoLite.Web;

/// <summary>What goes between a file and the service, past the circuit of the page: it would be slow there, and lost with it.</summary>
internal static class Transfers
{
    /// <summary>How many events of a ranked search are exported.</summary>
    public const int MaxFound = 1000;

    private const string Lines = "application/x-ndjson";

    public static void MapTransfers(this IEndpointRouteBuilder app)
    {
        var transfers = app.MapGroup("").AddEndpointFilter(RefuseWrongNameAsync);
        transfers.MapGet("/export", ExportAsync);
        transfers.MapPost("/import/lines", ImportAsync).WithMetadata(new RequestSizeLimitAttribute(2 * MemoryService.MaxBodyBytes));
    }

    /// <summary>The events that the search page finds at the same address, to be saved and imported again: ids and times are kept.</summary>
    private static async Task<IResult> ExportAsync(
        HttpContext http, [AsParameters] Sender sender, TimeProvider clock, CancellationToken cancellationToken,
        string? q = null, string? mode = null, string[]? f = null, string? range = null, string? from = null, string? to = null)
    {
        var zone = BrowserPreferences.Zone(BrowserPreferences.From(http.Request.Cookies).TimeZone);
        var now = clock.GetUtcNow();
        var request = SearchAsk.Parse(q, mode, f, range, from, to, page: null).ToRequest(MaxFound, now, zone);
        request = request with { Explain = false };
        var client = sender.Client;
        try
        {
            var found = request.Query is null ? null : await client.SearchAsync(request, cancellationToken);
            http.Response.ContentType = Lines;
            var day = TimeZoneInfo.ConvertTime(now, zone).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            http.Response.Headers.ContentDisposition = $"attachment; filename=\"memories-{day}.ndjson\"";
            if (found is null)
                await client.ExportToAsync(http.Response.Body, request.Filter, request.TsStart, request.TsEnd, cancellationToken);
            foreach (var @event in found?.Events ?? [])
            {
                var line = new BatchEvent { Id = @event.Id, Timestamp = @event.Timestamp, Content = @event.Content, Metadata = @event.Metadata };
                await JsonSerializer.SerializeAsync(http.Response.Body, line, MnemoLiteJson.Default.BatchEvent, cancellationToken);
                await http.Response.Body.WriteAsync("\n"u8.ToArray(), cancellationToken);
            }
            return Results.Empty;
        }
        catch (Exception failure) when (!http.Response.HasStarted && Refusal(failure) is { } refusal)
        {
            http.Response.Clear();
            return refusal;
        }
    }

    /// <summary>Stores a few hundred lines of a file; the page sends one piece after the other.</summary>
    private static async Task<Results<JsonHttpResult<BatchResult>, ProblemHttpResult>> ImportAsync(
        HttpContext http, [AsParameters] Sender sender, IAntiforgery antiforgery, CancellationToken cancellationToken)
    {
        if (!await antiforgery.IsRequestValidAsync(http))
            return TypedResults.Problem("The page is too old: load it again.", statusCode: StatusCodes.Status400BadRequest);
        try
        {
            var result = await sender.Client.StoreAsync(http.Request.Body, cancellationToken);
            return TypedResults.Json(result with { Ids = [] }, MnemoLiteJson.Default.BatchResult);
        }
        catch (Exception failure) when (Refusal(failure) is { } refusal)
        {
            return refusal;
        }
    }

    private static async ValueTask<object?> RefuseWrongNameAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next) =>
        context.Arguments.OfType<Sender>().Single() is { Space: { } space } && !Spaces.IsName(space)
            ? TypedResults.Problem($"A space is named by {Spaces.NameRule}.", statusCode: StatusCodes.Status422UnprocessableEntity)
            : await next(context);

    private static ProblemHttpResult? Refusal(Exception failure) => failure switch
    {
        _ when MemoryService.IsAway(failure) => TypedResults.Problem(
            "The memory service is not answering.", statusCode: StatusCodes.Status503ServiceUnavailable),
        MnemoLiteException refused => TypedResults.Problem(refused.Message, statusCode: (int)refused.StatusCode),
        _ => null,
    };

    /// <summary>Who sends or takes.</summary>
    /// <param name="Clients">The way to the API.</param>
    /// <param name="SignedIn">Whose request it is.</param>
    /// <param name="Space">The space of the page; the browser may have gone on to another in a second window.</param>
    private sealed record Sender(MemoryClients Clients, SignedIn SignedIn, string? Space = null)
    {
        public MnemoLiteClient Client => Clients.Create(SignedIn.Key, Space ?? SignedIn.Space);
    }
}
