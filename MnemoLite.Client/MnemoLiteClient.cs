using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace MnemoLite.Client;

/// <summary>The memory service over HTTP.</summary>
/// <param name="http">A client whose base address is the service's.</param>
/// <remarks>Every method throws <see cref="MnemoLiteException"/> when the service refuses, and <see cref="HttpRequestException"/>
/// when it cannot be reached.</remarks>
public sealed partial class MnemoLiteClient(HttpClient http)
{
    private const string NdJson = "application/x-ndjson";

    private static MnemoLiteJson Json => MnemoLiteJson.Default;

    /// <summary>Stores an event and returns it with its id.</summary>
    public async Task<Event> CreateAsync(NewEvent @event, CancellationToken cancellationToken = default) =>
        (await SendAsync(HttpMethod.Post, "v1/events/", @event, Json.NewEvent, Json.Event, cancellationToken))!;

    /// <summary>The event of that id, or null.</summary>
    public Task<Event?> GetAsync(Guid id, CancellationToken cancellationToken = default) =>
        SendAsync<object, Event>(HttpMethod.Get, $"v1/events/{id}", null, null, Json.Event, cancellationToken, nullIfNotFound: true);

    /// <summary>Changes an event and returns it, or null where there is none of that id.</summary>
    public Task<Event?> PatchAsync(Guid id, EventPatch patch, CancellationToken cancellationToken = default) =>
        SendAsync(HttpMethod.Patch, $"v1/events/{id}", patch, Json.EventPatch, Json.Event, cancellationToken, nullIfNotFound: true);

    /// <summary>Forgets an event; false where there was none of that id.</summary>
    public async Task<bool> DeleteAsync(Guid id, CancellationToken cancellationToken = default)
    {
        using var response = await http.DeleteAsync(new Uri($"v1/events/{id}", UriKind.Relative), cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return false;
        await ThrowIfRefusedAsync(response, cancellationToken);
        return true;
    }

    /// <summary>The newest events, a page at a time.</summary>
    /// <param name="limit">How many, 1..1000.</param>
    /// <param name="cursor">The former page's <see cref="EventPage.NextCursor"/>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<EventPage> ListAsync(int limit = 50, string? cursor = null, CancellationToken cancellationToken = default) =>
        ListAsync(null, null, limit, cursor, cancellationToken);

    /// <summary>The newest events of a time, a page at a time.</summary>
    /// <param name="from">The earliest time, inclusive.</param>
    /// <param name="to">The latest time, inclusive.</param>
    /// <param name="limit">How many, 1..1000.</param>
    /// <param name="cursor">The former page's <see cref="EventPage.NextCursor"/>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<EventPage> ListAsync(
        DateTimeOffset? from, DateTimeOffset? to, int limit = 50, string? cursor = null, CancellationToken cancellationToken = default)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"v1/events/?limit={limit}{Window(from, to)}");
        if (cursor is not null)
            path += $"&cursor={Uri.EscapeDataString(cursor)}";
        return (await SendAsync<object, EventPage>(HttpMethod.Get, path, null, null, Json.EventPage, cancellationToken))!;
    }

    /// <summary>The events just before and just after one, or null where there is none of that id.</summary>
    /// <param name="id">The event.</param>
    /// <param name="limit">How many on each side, 1..100.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<EventNeighbours?> GetNeighboursAsync(Guid id, int limit = 1, CancellationToken cancellationToken = default) =>
        SendAsync<object, EventNeighbours>(
            HttpMethod.Get, string.Create(CultureInfo.InvariantCulture, $"v1/events/{id}/neighbours?limit={limit}"), null, null,
            Json.EventNeighbours, cancellationToken, nullIfNotFound: true);

    /// <summary>Stores many events, as they are taken from the sequence; ids and times that are given are kept.</summary>
    public Task<BatchResult> StoreAsync(IAsyncEnumerable<BatchEvent> events, CancellationToken cancellationToken = default) =>
        StoreAsync(new EventLines(events, cancellationToken), cancellationToken);

    /// <summary>Stores many events that are text already: a JSON array, or an event a line (NDJSON).</summary>
    /// <param name="lines">UTF-8, read to its end.</param>
    /// <param name="cancellationToken">Ends the request; what is stored by then stays.</param>
    public Task<BatchResult> StoreAsync(Stream lines, CancellationToken cancellationToken = default) =>
        StoreAsync(new StreamContent(lines) { Headers = { ContentType = new MediaTypeHeaderValue(NdJson) } }, cancellationToken);

    /// <summary>Copies the events that pass to a stream, oldest first, an event a line (NDJSON), each with its embedding, as all were at one
    /// moment.</summary>
    /// <param name="destination">Written to as they come.</param>
    /// <param name="filter">Only events whose metadata passes; as <see cref="SearchRequest.Filter"/>.</param>
    /// <param name="from">Only events at this time or later.</param>
    /// <param name="to">Only events at this time or earlier.</param>
    /// <param name="cancellationToken">Ends the copying.</param>
    public async Task ExportToAsync(
        Stream destination, JsonText? filter = null, DateTimeOffset? from = null, DateTimeOffset? to = null,
        CancellationToken cancellationToken = default)
    {
        var passing = filter is { } given ? $"&filter={Uri.EscapeDataString(given.ToString())}" : "";
        using var response = await http.GetAsync(
            new Uri($"v1/events/export?{(passing + Window(from, to)).TrimStart('&')}", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        await response.Content.CopyToAsync(destination, cancellationToken);
    }

    /// <summary>Every event, oldest first, with its embedding, as all were at one moment; read as they are taken.</summary>
    public async IAsyncEnumerable<Event> ExportAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var response = await http.GetAsync(
            new Uri("v1/events/export", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        await using var lines = await response.Content.ReadAsStreamAsync(cancellationToken);
        await foreach (var @event in JsonSerializer.DeserializeAsyncEnumerable(lines, Json.Event, topLevelValues: true, cancellationToken))
            yield return @event!;
    }

    /// <summary>The events as they are created, changed and deleted from now on, in whichever instance; its end is the connection's.</summary>
    /// <returns>Named <c>ready</c> once it listens, <c>created</c>, <c>updated</c>, <c>deleted</c>, <c>heartbeat</c> in silence, and <c>reset</c>
    /// where changes were missed.</returns>
    public async IAsyncEnumerable<SseItem<EventChange>> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var response = await http.GetAsync(
            new Uri("v1/events/stream", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        var parser = SseParser.Create(stream, (_, data) => JsonSerializer.Deserialize(data, Json.EventChange)!);
        await foreach (var change in parser.EnumerateAsync(cancellationToken))
            yield return change;
    }

    /// <summary>Finds events by meaning, metadata and time.</summary>
    public async Task<SearchResult> SearchAsync(SearchRequest request, CancellationToken cancellationToken = default) =>
        (await SendAsync(HttpMethod.Post, "v1/search/", request, Json.SearchRequest, Json.SearchResult, cancellationToken))!;

    /// <summary>Finds the events nearest to a vector.</summary>
    public async Task<SearchPage> SearchSimilarAsync(SimilaritySearch request, CancellationToken cancellationToken = default) =>
        (await SendAsync(HttpMethod.Post, "v1/search/similarity", request, Json.SimilaritySearch, Json.SearchPage, cancellationToken))!;

    /// <summary>Which values the metadata of the newest events has, to filter by.</summary>
    /// <param name="from">The earliest time, inclusive.</param>
    /// <param name="to">The latest time, inclusive.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<MetadataFacets> CountFacetsAsync(
        DateTimeOffset? from = null, DateTimeOffset? to = null, CancellationToken cancellationToken = default) =>
        (await SendAsync<object, MetadataFacets>(
            HttpMethod.Get, $"v1/search/facets?{Window(from, to).TrimStart('&')}", null, null, Json.MetadataFacets, cancellationToken))!;

    /// <summary>How the service is; also when it is degraded.</summary>
    public async Task<Health> HealthAsync(CancellationToken cancellationToken = default)
    {
        using var response = await http.GetAsync(new Uri("health", UriKind.Relative), cancellationToken);
        return (await response.Content.ReadFromJsonAsync(Json.Health, cancellationToken))!;
    }

    /// <summary>What the store holds, and what is being done to it.</summary>
    public async Task<StoreState> GetStoreAsync(CancellationToken cancellationToken = default) =>
        (await SendAsync<object, StoreState>(HttpMethod.Get, "v1/store", null, null, Json.StoreState, cancellationToken))!;

    /// <summary>
    /// Partitions the events by month; nothing is lost, and a store that is partitioned stays as it is. Until it is done nobody else reads or
    /// writes events.
    /// </summary>
    public async Task<StoreState> PartitionAsync(CancellationToken cancellationToken = default) =>
        (await SendAsync<object, StoreState>(HttpMethod.Post, "v1/store/partition", null, null, Json.StoreState, cancellationToken))!;

    private async Task<BatchResult> StoreAsync(HttpContent events, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri("v1/events/batch", UriKind.Relative));
        request.Content = events;
        using var response = await http.SendAsync(request, cancellationToken);
        await ThrowIfRefusedAsync(response, cancellationToken);
        return (await response.Content.ReadFromJsonAsync(Json.BatchResult, cancellationToken))!;
    }

    private static string Window(DateTimeOffset? from, DateTimeOffset? to) =>
        (from is { } start ? $"&ts_start={start.UtcDateTime:O}" : "") + (to is { } end ? $"&ts_end={end.UtcDateTime:O}" : "");

    private async Task<TAnswer?> SendAsync<TBody, TAnswer>(
        HttpMethod method, string path, TBody? body, JsonTypeInfo<TBody>? bodyType, JsonTypeInfo<TAnswer> answerType,
        CancellationToken cancellationToken, bool nullIfNotFound = false)
        where TAnswer : class
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (bodyType is not null)
            request.Content = JsonContent.Create(body!, bodyType);
        using var response = await http.SendAsync(request, cancellationToken);
        if (response.StatusCode == HttpStatusCode.NotFound && nullIfNotFound)
            return null;
        await ThrowIfRefusedAsync(response, cancellationToken);
        return await response.Content.ReadFromJsonAsync(answerType, cancellationToken);
    }

    private static async Task ThrowIfRefusedAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
            return;
        Problem? problem = null;
        try
        {
            problem = await response.Content.ReadFromJsonAsync(Json.Problem, cancellationToken);
        }
        catch (JsonException)
        {
            // not one of our answers (a proxy's page, say): the status has to do
        }
        throw new MnemoLiteException(response.StatusCode, problem);
    }

    /// <summary>An event a line (NDJSON).</summary>
    private sealed class EventLines : HttpContent
    {
        private readonly IAsyncEnumerable<BatchEvent> _events;
        private readonly CancellationToken _cancellationToken;

        public EventLines(IAsyncEnumerable<BatchEvent> events, CancellationToken cancellationToken)
        {
            (_events, _cancellationToken) = (events, cancellationToken);
            Headers.ContentType = new MediaTypeHeaderValue(NdJson);
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await foreach (var @event in _events.WithCancellation(_cancellationToken))
            {
                await JsonSerializer.SerializeAsync(stream, @event, Json.BatchEvent, _cancellationToken);
                await stream.WriteAsync("\n"u8.ToArray(), _cancellationToken);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
