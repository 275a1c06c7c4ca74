using System.ComponentModel;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Events;
using MnemoLite.Api.Graph;
using MnemoLite.Api.Search;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using ModelContextProtocol.Server;

namespace MnemoLite.Api.Mcp;

/// <summary>What an agent can do with its memory.</summary>
[McpServerToolType]
internal sealed class MemoryTools(RequestSpace request, EventService events, SearchService search, GraphService graph, MemorySummaryStore summaries)
{
    private const int TitleLength = 120;
    private readonly Space _space = request.Space;

    [McpServerTool(Name = "remember", Title = "Remember", ReadOnly = false, Destructive = false, Idempotent = false, OpenWorld = false, UseStructuredContent = true)]
    [Description("Stores a memory and returns it with its id. One fact at a time, in words that stand on their own, so that it is found by its meaning later.")]
    public async Task<Event> RememberAsync(
        [Description("What to remember, in one or a few sentences.")] string text,
        [Description("What is known about it, to filter by later, such as {\"project\": \"website\", \"type\": \"preference\"}.")] JsonObject? metadata = null,
        [Description("When it happened (RFC 3339); now, if not given.")] DateTimeOffset? timestamp = null,
        CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw InvalidRequestException.Field("text", "must have a word at least");
        var stored = await events.CreateAsync(
            _space, new() { Content = Json(new() { ["text"] = text })!.Value, Metadata = Json(metadata) ?? default, Timestamp = timestamp },
            idempotencyKey: null, cancellationToken);
        return stored! with { Embedding = null };
    }

    [McpServerTool(Name = "recall", Title = "Recall", ReadOnly = true, OpenWorld = false, UseStructuredContent = true)]
    [Description("Finds memories by meaning and by words, best first; without a query the newest. Narrow it by metadata, filter and time.")]
    public async Task<SearchResult> RecallAsync(
        [Description("A question or a few words; \"quoted phrases\", OR and -word are understood. Left out: the newest memories.")] string? query = null,
        [Description("How many memories to return, 1 to 100.")] int limit = 10,
        [Description("By what to find: hybrid (meaning and words), semantic (meaning only) or keyword (words only).")] string mode = "hybrid",
        [Description("What the metadata must contain, such as {\"project\": \"website\"}.")] JsonObject? metadata = null,
        [Description("A richer condition on the metadata: {\"field\": {\"$gt\": 5}} with $eq, $ne, $gt, $gte, $lt, $lte, $in, $nin, $exists, $contains; $and, $or, $not; dotted paths.")] JsonObject? filter = null,
        [Description("Only memories of this time (RFC 3339) or later.")] DateTimeOffset? since = null,
        [Description("Only memories of this time (RFC 3339) or earlier.")] DateTimeOffset? until = null,
        CancellationToken cancellationToken = default)
    {
        if (limit is < 1 or > 100)
            throw InvalidRequestException.Field("limit", "must be between 1 and 100");
        var request = new SearchRequest
        {
            Query = query,
            Limit = limit,
            Mode = mode switch
            {
                "hybrid" => SearchMode.Hybrid,
                "semantic" => SearchMode.Semantic,
                "keyword" => SearchMode.Keyword,
                _ => throw InvalidRequestException.Field("mode", "must be hybrid, semantic or keyword"),
            },
            Metadata = Json(metadata),
            Filter = Json(filter),
            TsStart = since,
            TsEnd = until,
        };
        return await search.SearchAsync(_space, request, cancellationToken);
    }

    [McpServerTool(Name = "get", Title = "Get a memory", ReadOnly = true, OpenWorld = false, UseStructuredContent = true)]
    [Description("Returns one memory by its id.")]
    public async Task<Event> GetAsync([Description("The memory's id.")] Guid id, CancellationToken cancellationToken = default) =>
        await events.GetAsync(_space, id, includeEmbedding: false, cancellationToken) ?? throw NoSuchMemory(id);

    [McpServerTool(Name = "update", Title = "Update a memory", ReadOnly = false, Destructive = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true)]
    [Description("Changes a memory: the text is replaced, metadata is merged (a null value removes its key); what is not given stays.")]
    public async Task<Event> UpdateAsync(
        [Description("The memory's id.")] Guid id,
        [Description("What it should say from now on.")] string? text = null,
        [Description("Metadata to merge in; a null value removes its key.")] JsonObject? metadata = null,
        CancellationToken cancellationToken = default)
    {
        if (text is null && metadata is null)
            throw InvalidRequestException.Field("text", "or metadata must be given: there is nothing to change");
        var patch = new EventPatch { Metadata = Json(metadata) };
        if (text is not null)
        {
            var before = await events.GetAsync(_space, id, includeEmbedding: false, cancellationToken) ?? throw NoSuchMemory(id);
            var content = JsonNode.Parse(before.Content.Utf8.Span)!.AsObject();
            content["text"] = text;
            patch = patch with { Content = Json(content) };
        }
        var updated = await events.UpdateAsync(_space, id, patch, cancellationToken) ?? throw NoSuchMemory(id);
        return updated with { Embedding = null };
    }

    [McpServerTool(Name = "forget", Title = "Forget a memory", ReadOnly = false, Destructive = true, Idempotent = true, OpenWorld = false, UseStructuredContent = true)]
    [Description("Deletes a memory for good.")]
    public async Task<Forgotten> ForgetAsync([Description("The memory's id.")] Guid id, CancellationToken cancellationToken = default) =>
        new(id, await events.DeleteAsync(_space, id, cancellationToken));

    [McpServerTool(Name = "link", Title = "Link", ReadOnly = false, Destructive = false, Idempotent = true, OpenWorld = false, UseStructuredContent = true)]
    [Description("Relates two things in the graph, each a memory or a name: «Anna» works_on «website», a memory is_about «Anna». Doing it again changes nothing.")]
    public async Task<Link> LinkAsync(
        [Description("Where the relation starts: the id of a memory or node, or a name such as Anna.")] string from,
        [Description("Where it leads: the id of a memory or node, or a name.")] string to,
        [Description("What it says, such as works_on, is_about, contradicts, replaces.")] string relation,
        CancellationToken cancellationToken = default)
    {
        var source = await FindOrMakeNodeAsync(from, "from", cancellationToken);
        var target = await FindOrMakeNodeAsync(to, "to", cancellationToken);
        var edge = new NewGraphEdge { Id = IdOf("edge", source.ToString(), target.ToString(), relation), Source = source, Target = target, Type = relation };
        RangeValidation.Validate(edge);
        await graph.CreateEdgeAsync(_space, edge, cancellationToken);
        return new(source, target, relation);
    }

    [McpServerTool(Name = "explore", Title = "Explore the graph", ReadOnly = true, OpenWorld = false, UseStructuredContent = true)]
    [Description("Returns what is related to a memory or a name: nodes, nearest first, and the relations among them.")]
    public async Task<CytoscapeGraph> ExploreAsync(
        [Description("Where to start: the id of a memory or node, or a name such as Anna.")] string start,
        [Description("How many relations away, 1 to 3.")] int depth = 1,
        [Description("How many nodes at most, 1 to 1000.")] int limit = 50,
        CancellationToken cancellationToken = default)
    {
        if (string.IsNullOrWhiteSpace(start))
            throw InvalidRequestException.Field("start", "must be an id or a name");
        if (depth is < 1 or > 3)
            throw InvalidRequestException.Field("depth", "must be between 1 and 3");
        if (limit is < 1 or > 1000)
            throw InvalidRequestException.Field("limit", "must be between 1 and 1000");
        return await graph.ExpandAsync(_space, Guid.TryParse(start, out var id) ? id : IdOfName(start), depth, limit, cancellationToken)
            ?? throw InvalidRequestException.Field("start", "has no relations yet: link it first, or recall by its words");
    }

    [McpServerTool(Name = "summarize", Title = "Summarize what is stored", ReadOnly = true, OpenWorld = false, UseStructuredContent = true)]
    [Description("Tells what the memory holds: how much, from when to when, by which metadata, and the newest memories. Good at the start of a session.")]
    public async Task<MemorySummary> SummarizeAsync(CancellationToken cancellationToken = default)
    {
        var latest = await events.ListAsync(_space, 5, null, null, null, includeEmbedding: false, cancellationToken);
        return await summaries.ReadAsync(_space, cancellationToken) with { Latest = latest.Events };
    }

    /// <summary>The start of what a memory says.</summary>
    public static string Title(Event @event)
    {
        var text = EventText.Of(@event.Content);
        return text.Length == 0 ? @event.Id.ToString()
            : text.Length <= TitleLength ? text
            : $"{text.AsSpan(0, char.IsHighSurrogate(text[TitleLength - 1]) ? TitleLength - 1 : TitleLength)}…";
    }

    /// <summary>A memory's node has the memory's id; a name's, one that is made from the name: so each is found, or made, without a search.</summary>
    private async Task<Guid> FindOrMakeNodeAsync(string text, string parameter, CancellationToken cancellationToken)
    {
        if (string.IsNullOrWhiteSpace(text))
            throw InvalidRequestException.Field(parameter, "must be an id or a name");
        NewGraphNode node;
        if (Guid.TryParse(text, out var id))
        {
            if (await graph.ExpandAsync(_space, id, depth: 1, limit: 1, cancellationToken) is not null)
                return id;
            var memory = await events.GetAsync(_space, id, includeEmbedding: false, cancellationToken)
                ?? throw InvalidRequestException.Field(parameter, $"must be the id of a memory or node, or a name: there is no {id}");
            node = new() { Id = id, Type = "memory", Label = Title(memory), Properties = JsonText.From(new JsonObject { ["event_id"] = id.ToString() }) };
        }
        else
        {
            node = new() { Id = IdOfName(text), Type = "name", Label = text.Trim() };
        }
        RangeValidation.Validate(node);
        await graph.CreateNodeAsync(_space, node, cancellationToken);
        return node.Id!.Value;
    }

    private static Guid IdOfName(string name) => IdOf("name", name.Trim().ToUpperInvariant());

    /// <summary>A version 8 UUID (RFC 9562, 5.8) of a SHA-256 hash: the same parts, the same id.</summary>
    private static Guid IdOf(params string[] parts)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', parts)));
        hash[6] = (byte)(hash[6] & 0x0F | 0x80);
        hash[8] = (byte)(hash[8] & 0x3F | 0x80);
        return new Guid(hash.AsSpan(0, 16), bigEndian: true);
    }

    private static JsonText? Json(JsonObject? json) => json is null ? null : JsonText.Parse(json.ToJsonString());

    private static InvalidRequestException NoSuchMemory(Guid id) => InvalidRequestException.Field("id", $"must be a memory's: there is no {id}");
}

/// <summary>What became of a memory that was to be forgotten.</summary>
/// <param name="Id">The memory.</param>
/// <param name="WasThere">Whether there was such a memory.</param>
internal sealed record Forgotten(Guid Id, bool WasThere);

/// <summary>A relation in the graph.</summary>
/// <param name="Source">The node where it starts.</param>
/// <param name="Target">The node where it leads.</param>
/// <param name="Relation">What it says.</param>
internal sealed record Link(Guid Source, Guid Target, string Relation);
