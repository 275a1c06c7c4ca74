using System.Buffers;
using System.ComponentModel.DataAnnotations;
using System.IO.Pipelines;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Filters;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Events;

internal static class EventEndpoints
{
    private const int ExportBuffer = 64 << 10;

    public static IHostApplicationBuilder AddEvents(this IHostApplicationBuilder builder)
    {
        builder.AddAnswerCache<EventBasis>(options => new("event", TimeSpan.FromSeconds(options.EventSeconds), options.EventItems));
        builder.Services.AddSingleton<EventStore>();
        builder.Services.AddSingleton<IdempotencyStore>();
        builder.Services.AddSingleton<EventService>();
        builder.Services.AddSingleton<EventBatchStore>();
        builder.Services.AddSingleton<EventBatchService>();
        builder.Services.AddSingleton<EventStream>();
        builder.Services.AddSingleton<EmbeddingQueueStore>();
        builder.Services.AddSingleton<EmbeddingWorker>();
        builder.Services.AddHostedService(services => services.GetRequiredService<EmbeddingWorker>());
        return builder;
    }

    public static void MapEvents(this IEndpointRouteBuilder app)
    {
        var events = app.MapGroup("/v1/events").WithTags("Events").ValidateArguments()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        events.MapPost("/", CreateAsync).WithName("CreateEvent").WithSummary("Remember an event")
            .WithDescription("Without an embedding one is made from the content's text: content.text, else every string in it. "
                + "With an Idempotency-Key the request may be sent again within 24 hours: the answer is that of the first.")
            .ProducesProblem(StatusCodes.Status409Conflict);
        events.MapPost("/batch", StoreBatchAsync).WithName("StoreEvents").WithSummary("Remember many events")
            .WithDescription("A JSON array, or an event a line (NDJSON), of up to 1 GiB. Ids and times that are given are kept, so that an export "
                + "can be restored; an event that is there already, the same, is passed over. A bad one is reported and spoils none of the others.")
            .Accepts<BatchEvent[]>("application/json", "application/x-ndjson").WithMetadata(new RequestSizeLimitAttribute(1L << 30));
        events.MapGet("/export", ExportAsync).WithName("ExportEvents").WithSummary("Read every event, oldest first")
            .WithDescription("An event a line (NDJSON) with its embedding, as all were at one moment; of those only that pass metadata "
                + "(a JSON object theirs contains), filter, ts_start and ts_end, if given.")
            .Produces<Event>(StatusCodes.Status200OK, "application/x-ndjson");
        events.MapGet("/stream", StreamAsync).WithName("StreamEvents").WithSummary("Watch events change")
            .WithDescription("Server-sent events: ready once it listens; created, updated and deleted as they commit, in any instance; heartbeat "
                + "every 15 seconds without a change; reset where changes were missed, so that what was read before must be read again.")
            .DisableHttpMetrics(); // a connection of hours is no slow request
        events.MapGet("/", ListAsync).WithName("ListEvents").WithSummary("List events, newest first")
            .WithDescription("Pass next_cursor as cursor to get the page after this one.");
        events.MapGet("/{id}", GetAsync).WithName("GetEvent").WithSummary("Get an event")
            .WithDescription("The event with its embedding, unless include_embedding=false.").ProducesProblem(StatusCodes.Status404NotFound);
        events.MapGet("/{id}/neighbours", ListNeighboursAsync).WithName("ListEventNeighbours").WithSummary("List the events just before and after one")
            .WithDescription("By their time, the nearest first; limit is how many on each side, 1 to 100.").ProducesProblem(StatusCodes.Status404NotFound);
        events.MapPatch("/{id}", PatchAsync).WithName("UpdateEvent").WithSummary("Change an event")
            .WithDescription("Metadata is merged, a null value removes its key; a changed content is embedded again.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        events.MapPatch("/{id}/metadata", PatchMetadataAsync).WithName("UpdateEventMetadata").WithSummary("Change an event's metadata")
            .WithDescription("The object is merged into the metadata, a null value removes its key.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        events.MapDelete("/{id}", DeleteAsync).WithName("DeleteEvent").WithSummary("Forget an event")
            .WithDescription("204 when it is gone, 404 when there was none.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Results<Created<Event>, ProblemHttpResult>> CreateAsync(
        NewEvent body, Space space, EventService events, CancellationToken cancellationToken,
        [FromHeader(Name = "Idempotency-Key")] string? idempotencyKey = null) =>
        await events.CreateAsync(space, body, idempotencyKey, cancellationToken) is { } created
            ? TypedResults.Created($"/v1/events/{created.Id}", created)
            : TypedResults.Problem(
                "This Idempotency-Key came with another event before: use a new key for a new event.", statusCode: StatusCodes.Status409Conflict);

    private static async Task<Ok<BatchResult>> StoreBatchAsync(Space space, HttpRequest request, EventBatchService batch, CancellationToken cancellationToken) =>
        TypedResults.Ok(await batch.StoreAsync(space, request.BodyReader, cancellationToken));

    private static PushStreamHttpResult ExportAsync([AsParameters] ExportQuery query, Space space, EventBatchStore store, CancellationToken cancellationToken)
    {
        TimeWindow.Check(query.From, query.To);
        var metadata = string.IsNullOrWhiteSpace(query.Metadata) ? (JsonText?)null : ReadObject("metadata", query.Metadata);
        var filter = string.IsNullOrWhiteSpace(query.Filter) ? null : Filter.Parse(ReadObject("filter", query.Filter), "filter");
        return TypedResults.Stream(
            async stream =>
            {
                var output = PipeWriter.Create(stream, new StreamPipeWriterOptions(leaveOpen: true));
                await using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
                await foreach (var @event in store.ReadAllAsync(space, metadata, filter, query.From, query.To, cancellationToken))
                {
                    JsonSerializer.Serialize(json, @event, MnemoLiteJson.Default.Event);
                    json.Reset();
                    output.Write("\n"u8);
                    if (output.UnflushedBytes > ExportBuffer)
                        await output.FlushAsync(cancellationToken);
                }
                await output.CompleteAsync();
            },
            "application/x-ndjson");
    }

    private static ServerSentEventsResult<EventChange> StreamAsync(
        Space space, EventStream stream, ClaimsPrincipal user, CancellationToken cancellationToken, [FromServices] KeyRing? keys = null)
    {
        var changes = stream.ReadAsync(space, cancellationToken);
        return TypedResults.ServerSentEvents(user.Identity is KeyIdentity { Key: var key } ? keys!.WhileGoodAsync(key, changes, cancellationToken) : changes);
    }

    private static JsonText ReadObject(string name, string text)
    {
        try
        {
            return JsonText.Parse(text);
        }
        catch (JsonException)
        {
            throw new BadHttpRequestException($"{name} must be a JSON object, such as {{\"project\": \"website\"}}.");
        }
    }

    private static async Task<Ok<EventPage>> ListAsync([AsParameters] ListQuery query, Space space, EventService events, CancellationToken cancellationToken)
    {
        EventCursor? cursor = null;
        if (query.Cursor is { Length: > 0 } text)
        {
            cursor = EventCursor.TryParse(text, out var parsed)
                ? parsed
                : throw InvalidRequestException.Field("cursor", "must be the next_cursor of a former page");
        }
        TimeWindow.Check(query.From, query.To);
        return TypedResults.Ok(
            await events.ListAsync(space, query.Limit, cursor, query.From, query.To, query.IncludeEmbedding, cancellationToken));
    }

    private static async Task<Results<Answered<Event>, ProblemHttpResult>> GetAsync(
        Guid id, Space space, EventService events, HttpRequest http, CancellationToken cancellationToken,
        [FromQuery(Name = "include_embedding")] bool includeEmbedding = true) =>
        await events.AnswerAsync(space, id, includeEmbedding, http.AsksToBypass(), cancellationToken) is { } answer ? answer : NoSuchEvent(id);

    private static async Task<Results<Ok<EventNeighbours>, ProblemHttpResult>> ListNeighboursAsync(
        Guid id, Space space, EventService events, CancellationToken cancellationToken, [FromQuery(Name = "limit")] int limit = 1)
    {
        if (limit is < 1 or > 100)
            throw InvalidRequestException.Field("limit", "must be between 1 and 100");
        return await events.ListNeighboursAsync(space, id, limit, cancellationToken) is { } neighbours ? TypedResults.Ok(neighbours) : NoSuchEvent(id);
    }

    private static async Task<Results<Ok<Event>, ProblemHttpResult>> PatchAsync(
        Guid id, EventPatch body, Space space, EventService events, CancellationToken cancellationToken) =>
        Answer(id, await events.UpdateAsync(space, id, body, cancellationToken));

    private static async Task<Results<Ok<Event>, ProblemHttpResult>> PatchMetadataAsync(
        Guid id, [FromBody] JsonText body, Space space, EventService events, CancellationToken cancellationToken) =>
        Answer(id, await events.UpdateAsync(space, id, new EventPatch { Metadata = body }, cancellationToken));

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, Space space, EventService events, CancellationToken cancellationToken) =>
        await events.DeleteAsync(space, id, cancellationToken) ? TypedResults.NoContent() : NoSuchEvent(id);

    private static Results<Ok<Event>, ProblemHttpResult> Answer(Guid id, Event? @event) =>
        @event is null ? NoSuchEvent(id) : TypedResults.Ok(@event);

    private static ProblemHttpResult NoSuchEvent(Guid id) =>
        TypedResults.Problem($"There is no event {id}.", statusCode: StatusCodes.Status404NotFound);

    internal sealed record ExportQuery(
        [FromQuery(Name = "metadata")] string? Metadata = null,
        [FromQuery(Name = "filter")] string? Filter = null,
        [FromQuery(Name = "ts_start")] DateTimeOffset? From = null,
        [FromQuery(Name = "ts_end")] DateTimeOffset? To = null);

    internal sealed record ListQuery(
        [property: Range(1, 1000, ErrorMessage = "must be between 1 and 1000")][FromQuery(Name = "limit")] int Limit = 50,
        [FromQuery(Name = "cursor")] string? Cursor = null,
        [FromQuery(Name = "ts_start")] DateTimeOffset? From = null,
        [FromQuery(Name = "ts_end")] DateTimeOffset? To = null,
        [FromQuery(Name = "include_embedding")] bool IncludeEmbedding = false);
}
