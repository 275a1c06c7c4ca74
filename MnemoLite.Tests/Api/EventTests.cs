using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using MnemoLite.Tests.Security;

namespace MnemoLite.Tests.Api;

public sealed class EventTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_event_is_created_read_changed_and_forgotten()
    {
        var created = await app.Client.CreateAsync(
            new()
            {
                Content = JsonText.Parse("""{"text": "Anna prefers tabs"}"""),
                Metadata = JsonText.Parse("""{"project": "website", "draft": true}"""),
                Timestamp = DateTimeOffset.Parse("2026-01-31T12:00:00.123456+02:00", null),
            },
            Cancelled);
        Assert.Equal(7, created.Id.Version);
        Assert.Equal(DateTimeOffset.Parse("2026-01-31T10:00:00.123456Z", null), created.Timestamp);
        Assert.Equal(512, created.Embedding!.Length);

        var read = await app.Client.GetAsync(created.Id, Cancelled);
        Assert.Equal("Anna prefers tabs", read!.Content.ToElement().GetProperty("text").GetString());
        Assert.Equal(created.Embedding, read.Embedding);

        var patched = await app.Client.PatchAsync(
            created.Id, new() { Metadata = JsonText.Parse("""{"draft": null, "type": "preference"}""") }, Cancelled);
        Assert.Equal("""{"type":"preference","project":"website"}""", Compact(patched!.Metadata));
        Assert.Equal(created.Embedding, patched.Embedding);

        var rewritten = await app.Client.PatchAsync(
            created.Id, new() { Content = JsonText.Parse("""{"text": "The invoice is due on Friday"}""") }, Cancelled);
        Assert.NotEqual(created.Embedding, rewritten!.Embedding);
        Assert.Equal(patched.Metadata.ToString(), rewritten.Metadata.ToString());

        Assert.True(await app.Client.DeleteAsync(created.Id, Cancelled));
        Assert.False(await app.Client.DeleteAsync(created.Id, Cancelled));
        Assert.Null(await app.Client.GetAsync(created.Id, Cancelled));
    }

    [Fact]
    public async Task Metadata_alone_is_patched_on_its_own_path()
    {
        var created = await CreateAsync("a note", """{"a": 1}""");
        using var response = await app.Http.PatchAsJsonAsync($"/v1/events/{created.Id}/metadata", new { b = 2 }, Cancelled);
        Assert.Equal("""{"a":1,"b":2}""", Compact((await response.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Event, Cancelled))!.Metadata));
    }

    [Fact]
    public async Task The_neighbours_of_an_event_are_the_nearest_before_and_after_it()
    {
        var time = new DateTimeOffset(1987, 6, 5, 4, 3, 2, TimeSpan.Zero);
        var events = new List<Event>();
        foreach (var minute in new[] { 0, 1, 1, 2, 3 }) // two of the same time, which stand by their ids
        {
            events.Add(await app.Client.CreateAsync(
                new() { Content = JsonText.From(new { n = minute }), Timestamp = time.AddMinutes(minute) }, Cancelled));
        }
        events = [.. events.OrderBy(e => e.Timestamp).ThenBy(e => e.Id)];

        var neighbours = await app.Client.GetNeighboursAsync(events[2].Id, 2, Cancelled);

        Assert.Equal([events[1].Id, events[0].Id], neighbours!.Older.Select(e => e.Id));
        Assert.Equal([events[3].Id, events[4].Id], neighbours.Newer.Select(e => e.Id));
        Assert.Null(await app.Client.GetNeighboursAsync(Guid.NewGuid(), 1, Cancelled));
        var refused = await Assert.ThrowsAsync<MnemoLiteException>(() => app.Client.GetNeighboursAsync(events[2].Id, 0, Cancelled));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
    }

    [Fact]
    public async Task An_event_without_any_text_has_no_embedding()
    {
        var created = await app.Client.CreateAsync(new() { Content = JsonText.Parse("""{"temperature": 21.50}""") }, Cancelled);
        Assert.Null(created.Embedding);
        Assert.Equal("""{"temperature":21.50}""", Compact(created.Content));
    }

    [Fact]
    public async Task A_given_embedding_is_kept_as_it_is()
    {
        var embedding = Enumerable.Range(1, 512).Select(i => 1f / i).ToArray();
        var created = await app.Client.CreateAsync(new() { Content = JsonText.Parse("{}"), Embedding = embedding }, Cancelled);
        Assert.Equal(embedding, (await app.Client.GetAsync(created.Id, Cancelled))!.Embedding);
    }

    [Fact]
    public async Task A_list_is_paged_newest_first_without_gap_or_repeat()
    {
        var moment = new DateTimeOffset(2031, 5, 1, 0, 0, 0, TimeSpan.Zero);
        var ids = new List<Guid>();
        for (var i = 0; i < 7; i++) // two of every three share their time
            ids.Add((await CreateAsync($"page entry {i}", "{}", moment.AddSeconds(i / 3))).Id);

        var seen = new List<Event>();
        string? cursor = null;
        do
        {
            var page = await app.Http.GetFromJsonAsync(
                $"/v1/events/?limit=2&ts_start=2031-05-01T00:00:00Z&ts_end=2031-05-01T00:01:00Z&cursor={cursor}",
                MnemoLiteJson.Default.EventPage, Cancelled);
            seen.AddRange(page!.Events);
            cursor = page.NextCursor;
        }
        while (cursor is not null);

        Assert.Equal(ids.Order(), seen.Select(e => e.Id).Order());
        Assert.Equal(seen.OrderByDescending(e => e.Timestamp).Select(e => e.Timestamp), seen.Select(e => e.Timestamp));
        Assert.All(seen, e => Assert.Null(e.Embedding));
    }

    [Theory]
    [InlineData("/v1/events", "POST", "{", HttpStatusCode.BadRequest, null)]
    [InlineData("/v1/events", "POST", """{"content": {}, "timestamp": "yesterday"}""", HttpStatusCode.BadRequest, null)]
    [InlineData("/v1/events", "POST", """{"metadata": {}}""", HttpStatusCode.UnprocessableEntity, "body")]
    [InlineData("/v1/events", "POST", """{"content": [1]}""", HttpStatusCode.UnprocessableEntity, "content")]
    [InlineData("/v1/events", "POST", """{"content": {}, "embedding": [1, 2]}""", HttpStatusCode.UnprocessableEntity, "embedding")]
    [InlineData("/v1/events", "POST", """{"content": {}, "embedding": ["a"]}""", HttpStatusCode.UnprocessableEntity, "embedding[0]")]
    [InlineData("/v1/events", "POST", """{"content": {}, "timestamp": "1969-12-31T23:59:59Z"}""", HttpStatusCode.UnprocessableEntity, "timestamp")]
    [InlineData("/v1/events", "POST", """{"content": {"text": "a\u0000b"}}""", HttpStatusCode.UnprocessableEntity, null)]
    [InlineData("/v1/events", "POST", """{"content": {"text": "a\ud800b"}}""", HttpStatusCode.UnprocessableEntity, null)]
    [InlineData("/v1/events/?limit=0", "GET", null, HttpStatusCode.UnprocessableEntity, "limit")]
    [InlineData("/v1/events/?limit=many", "GET", null, HttpStatusCode.UnprocessableEntity, "limit")]
    [InlineData("/v1/events/?cursor=abc", "GET", null, HttpStatusCode.UnprocessableEntity, "cursor")]
    [InlineData("/v1/events/?ts_start=soon", "GET", null, HttpStatusCode.BadRequest, null)]
    [InlineData("/v1/events/?ts_start=2026-02-01T00:00:00Z&ts_end=2026-01-01T00:00:00Z", "GET", null, HttpStatusCode.UnprocessableEntity, "ts_start")]
    [InlineData("/v1/events/not-an-id", "GET", null, HttpStatusCode.UnprocessableEntity, "id")]
    [InlineData("/v1/events/01890000-0000-7000-8000-000000000000", "GET", null, HttpStatusCode.NotFound, null)]
    [InlineData("/v1/events/01890000-0000-7000-8000-000000000000", "DELETE", null, HttpStatusCode.NotFound, null)]
    [InlineData("/v1/nothing", "GET", null, HttpStatusCode.NotFound, null)]
    [InlineData("/v1/search/", "POST", """{"limit": 1001}""", HttpStatusCode.UnprocessableEntity, "limit")]
    [InlineData("/v1/search/", "POST", """{"limit": "ten"}""", HttpStatusCode.UnprocessableEntity, "limit")]
    [InlineData("/v1/search/", "POST", """{"distance_threshold": 3}""", HttpStatusCode.UnprocessableEntity, "distance_threshold")]
    [InlineData("/v1/search/", "POST", """{"ts_start": "2026-02-01T00:00:00Z", "ts_end": "2026-01-01T00:00:00Z"}""", HttpStatusCode.UnprocessableEntity, "ts_start")]
    [InlineData("/v1/search/", "POST", """{"query": "a", "mode": "fuzzy"}""", HttpStatusCode.UnprocessableEntity, "mode")]
    [InlineData("/v1/search/", "POST", """{"query": "a", "mode": "keyword", "distance_threshold": 1}""", HttpStatusCode.UnprocessableEntity, "distance_threshold")]
    [InlineData("/v1/search/", "POST", """{"metadata": {"a": "\ud800"}}""", HttpStatusCode.UnprocessableEntity, "metadata")]
    [InlineData("/v1/search/?limit=101", "GET", null, HttpStatusCode.UnprocessableEntity, "limit")]
    [InlineData("/v1/search/?distance_threshold=2.1", "GET", null, HttpStatusCode.UnprocessableEntity, "distance_threshold")]
    [InlineData("/v1/search/?distance_threshold=NaN", "GET", null, HttpStatusCode.UnprocessableEntity, "distance_threshold")]
    [InlineData("/v1/search/?vector_query=[1,2]", "GET", null, HttpStatusCode.UnprocessableEntity, "embedding")]
    [InlineData("/v1/search/?vector_query=[1,x]", "GET", null, HttpStatusCode.BadRequest, null)]
    [InlineData("/v1/search/?filter_metadata=[1]", "GET", null, HttpStatusCode.BadRequest, null)]
    [InlineData("/v1/search/similarity", "POST", """{"embedding": [1]}""", HttpStatusCode.UnprocessableEntity, "embedding")]
    [InlineData("/v1/search/similarity", "POST", """{"embedding": null}""", HttpStatusCode.UnprocessableEntity, null)]
    [InlineData("/v1/search/content", "POST", """{"query": null}""", HttpStatusCode.UnprocessableEntity, null)]
    [InlineData("/v1/search/content", "POST", """{"query": " "}""", HttpStatusCode.UnprocessableEntity, "query")]
    [InlineData("/v1/events/search/embedding", "POST", "[1e60]", HttpStatusCode.UnprocessableEntity, null)]
    public async Task A_bad_request_is_answered_with_what_is_wrong(string path, string method, string? body, HttpStatusCode status, string? field)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (body is not null)
            request.Content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await app.Http.SendAsync(request, Cancelled);

        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = await response.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Problem, Cancelled);
        Assert.Equal((int)status, problem!.Status);
        Assert.NotEmpty(problem.Detail!);
        Assert.Matches("^[0-9a-f]{32}$", problem.TraceId!);
        Assert.DoesNotContain("Exception", problem.Detail, StringComparison.Ordinal);
        if (field is not null)
            Assert.Equal(field, Assert.Single(problem.Errors!).Key);
    }

    [Fact]
    public async Task A_body_that_is_not_JSON_or_too_large_is_refused()
    {
        using var text = await app.Http.PostAsync("/v1/events/", new StringContent("hello"), Cancelled);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, text.StatusCode);

        const int Limit = 4 << 20;
        foreach (var body in new[]
        {
            $"Content-Length: {5 << 20}\r\n\r\n", // only announced
            $"Transfer-Encoding: chunked\r\n\r\n{5 << 20:x}\r\n{{\"content\": {{\"text\": \"{new string('x', Limit)}", // counted as it comes
        })
        {
            // No more is sent than the service reads: a client that were still sending when it has answered and closed may not see the answer.
            var request = $"POST /v1/events/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{body}";
            var huge = Assert.Single(await RawHttp.SendAsync(app.Http.BaseAddress!, Encoding.ASCII.GetBytes(request), Cancelled));
            Assert.Equal((int)HttpStatusCode.RequestEntityTooLarge, huge.Status);
            Assert.NotEmpty(JsonSerializer.Deserialize(huge.Body, MnemoLiteJson.Default.Problem)!.Detail!);
        }
    }

    [Fact]
    public async Task A_value_the_database_refuses_spoils_no_request_after_it()
    {
        for (var i = 0; i < 30; i++)
        {
            using var refused = await PostAsync("""{"content": {"n": 1e999999}}""");
            Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
            using var stored = await PostAsync("""{"content": {"n": 1}}""");
            Assert.Equal(HttpStatusCode.Created, stored.StatusCode);
        }

        Task<HttpResponseMessage> PostAsync(string body) =>
            app.Http.PostAsync("/v1/events/", new StringContent(body, null, "application/json"), Cancelled);
    }

    [Fact]
    public async Task A_time_without_offset_is_UTC()
    {
        using var response = await app.Http.PostAsync(
            "/v1/events", new StringContent("""{"content": {}, "timestamp": "2026-03-01T08:00:00"}""", null, "application/json"), Cancelled);
        Assert.Equal(HttpStatusCode.Created, response.StatusCode);
        var created = await response.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Event, Cancelled);
        Assert.Equal(new DateTimeOffset(2026, 3, 1, 8, 0, 0, TimeSpan.Zero), created!.Timestamp);
        Assert.Equal($"/v1/events/{created.Id}", response.Headers.Location?.ToString());
    }

    private Task<Event> CreateAsync(string text, string metadata, DateTimeOffset? timestamp = null) =>
        app.Client.CreateAsync(
            new() { Content = JsonText.From(new { text }), Metadata = JsonText.Parse(metadata), Timestamp = timestamp }, Cancelled);

    private static string Compact(JsonText json) => JsonSerializer.Serialize(json.ToElement());
}
