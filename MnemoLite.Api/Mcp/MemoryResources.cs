using System.ComponentModel;
using System.Text.Json;
using MnemoLite.Api.Events;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MnemoLite.Api.Mcp;

/// <summary>Each memory as a resource; the list has them newest first.</summary>
[McpServerResourceType]
internal sealed class MemoryResources(RequestSpace request, EventService events)
{
    private const int PageSize = 50;

    [McpServerResource(UriTemplate = "mnemolite://events/{id}", Name = "event", Title = "A memory", MimeType = "application/json")]
    [Description("A memory: its content, metadata and time.")]
    public async Task<ResourceContents> ReadAsync(string id, CancellationToken cancellationToken)
    {
        var @event = Guid.TryParse(id, out var parsed) ? await events.GetAsync(request.Space, parsed, includeEmbedding: false, cancellationToken) : null;
        return @event is null
            ? throw new McpProtocolException($"There is no memory {id}.", McpErrorCode.ResourceNotFound)
            : new TextResourceContents
            {
                Uri = Uri(@event.Id),
                MimeType = "application/json",
                Text = JsonSerializer.Serialize(@event, MnemoLiteJson.Default.Event),
            };
    }

    public static async ValueTask<ListResourcesResult> ListAsync(
        RequestContext<ListResourcesRequestParams> request, CancellationToken cancellationToken)
    {
        EventCursor? cursor = null;
        if (request.Params?.Cursor is { Length: > 0 } text)
        {
            cursor = EventCursor.TryParse(text, out var parsed)
                ? parsed
                : throw new McpProtocolException("The cursor must be the nextCursor of a former page.", McpErrorCode.InvalidParams);
        }
        var page = await request.Services!.GetRequiredService<EventService>()
            .ListAsync(request.Services!.GetRequiredService<RequestSpace>().Space, PageSize, cursor, null, null, includeEmbedding: false, cancellationToken);
        return new()
        {
            Resources = [.. page.Events.Select(@event => new Resource
            {
                Uri = Uri(@event.Id),
                Name = @event.Id.ToString(),
                Title = MemoryTools.Title(@event),
                MimeType = "application/json",
            })],
            NextCursor = page.NextCursor,
        };
    }

    private static string Uri(Guid id) => $"mnemolite://events/{id}";
}
