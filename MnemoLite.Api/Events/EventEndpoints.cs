using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Mvc;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Events;

internal static class EventEndpoints
{
    public static IHostApplicationBuilder AddEvents(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<EventStore>();
        builder.Services.AddSingleton<EventService>();
        return builder;
    }

    public static void MapEvents(this IEndpointRouteBuilder app)
    {
        var events = app.MapGroup("/v1/events").WithTags("Events").ValidateArguments()
            .ProducesProblem(StatusCodes.Status400BadRequest)
            .ProducesProblem(StatusCodes.Status422UnprocessableEntity)
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

        events.MapPost("/", CreateAsync).WithName("CreateEvent").WithSummary("Remember an event")
            .WithDescription("Without an embedding one is made from the content's text: content.text, else every string in it.");
        events.MapGet("/", ListAsync).WithName("ListEvents").WithSummary("List events, newest first")
            .WithDescription("Pass next_cursor as cursor to get the page after this one.");
        events.MapGet("/{id}", GetAsync).WithName("GetEvent").WithSummary("Get an event")
            .WithDescription("The event with its embedding, unless include_embedding=false.").ProducesProblem(StatusCodes.Status404NotFound);
        events.MapPatch("/{id}", PatchAsync).WithName("UpdateEvent").WithSummary("Change an event")
            .WithDescription("Metadata is merged, a null value removes its key; a changed content is embedded again.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        events.MapPatch("/{id}/metadata", PatchMetadataAsync).WithName("UpdateEventMetadata").WithSummary("Change an event's metadata")
            .WithDescription("The object is merged into the metadata, a null value removes its key.")
            .ProducesProblem(StatusCodes.Status404NotFound);
        events.MapDelete("/{id}", DeleteAsync).WithName("DeleteEvent").WithSummary("Forget an event")
            .WithDescription("204 when it is gone, 404 when there was none.").ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<Created<Event>> CreateAsync(NewEvent body, EventService events, CancellationToken cancellationToken)
    {
        var created = await events.CreateAsync(body, cancellationToken);
        return TypedResults.Created($"/v1/events/{created.Id}", created);
    }

    private static async Task<Ok<EventPage>> ListAsync([AsParameters] ListQuery query, EventService events, CancellationToken cancellationToken)
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
            await events.ListAsync(query.Limit, cursor, query.From, query.To, query.IncludeEmbedding, cancellationToken));
    }

    private static async Task<Results<Ok<Event>, ProblemHttpResult>> GetAsync(
        Guid id, EventService events, CancellationToken cancellationToken, [FromQuery(Name = "include_embedding")] bool includeEmbedding = true) =>
        Answer(id, await events.GetAsync(id, includeEmbedding, cancellationToken));

    private static async Task<Results<Ok<Event>, ProblemHttpResult>> PatchAsync(
        Guid id, EventPatch body, EventService events, CancellationToken cancellationToken) =>
        Answer(id, await events.UpdateAsync(id, body, cancellationToken));

    private static async Task<Results<Ok<Event>, ProblemHttpResult>> PatchMetadataAsync(
        Guid id, [FromBody] JsonText body, EventService events, CancellationToken cancellationToken) =>
        Answer(id, await events.UpdateAsync(id, new EventPatch { Metadata = body }, cancellationToken));

    private static async Task<Results<NoContent, ProblemHttpResult>> DeleteAsync(
        Guid id, EventService events, CancellationToken cancellationToken) =>
        await events.DeleteAsync(id, cancellationToken) ? TypedResults.NoContent() : NoSuchEvent(id);

    private static Results<Ok<Event>, ProblemHttpResult> Answer(Guid id, Event? @event) =>
        @event is null ? NoSuchEvent(id) : TypedResults.Ok(@event);

    private static ProblemHttpResult NoSuchEvent(Guid id) =>
        TypedResults.Problem($"There is no event {id}.", statusCode: StatusCodes.Status404NotFound);

    internal sealed record ListQuery(
        [property: Range(1, 1000, ErrorMessage = "must be between 1 and 1000")][FromQuery(Name = "limit")] int Limit = 50,
        [FromQuery(Name = "cursor")] string? Cursor = null,
        [FromQuery(Name = "ts_start")] DateTimeOffset? From = null,
        [FromQuery(Name = "ts_end")] DateTimeOffset? To = null,
        [FromQuery(Name = "include_embedding")] bool IncludeEmbedding = false);
}
