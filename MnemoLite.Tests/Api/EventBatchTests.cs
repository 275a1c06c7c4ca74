using System.Net;
using System.Net.Http.Json;
using System.Text;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class EventBatchTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_events_are_stored_embedded_and_found()
    {
        var run = Guid.NewGuid();
        var events = Enumerable.Range(0, 600).Select(i => new BatchEvent
        {
            Content = JsonText.From(new { text = $"batch memory {i}" }),
            Metadata = JsonText.From(new { run, i }),
            Timestamp = new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(i),
        });
        var result = await app.Client.StoreAsync(events.ToAsyncEnumerable(), Cancelled);

        Assert.Equal((600, 0, 0), (result.Created, result.Existing, result.Failed));
        var page = await app.Client.SearchAsync(new() { Metadata = JsonText.From(new { run }), Limit = 1000 }, Cancelled);
        Assert.Equal(result.Ids.Reverse(), page.Events.Select(@event => @event.Id));
        var single = await app.Client.CreateAsync(new() { Content = JsonText.From(new { text = "batch memory 7" }) }, Cancelled);
        Assert.Equal(single.Embedding, (await app.Client.GetAsync(result.Ids[7], Cancelled))!.Embedding);
    }

    [Theory]
    [InlineData("[", ",", "]", "application/json")]
    [InlineData("", "\n", "\n", "application/x-ndjson")]
    [InlineData("\uFEFF \r\n[\n", "\t,\r\n", "\n]\n", "application/json")]
    [InlineData("\n\n", "\r\n\r\n", "", "application/x-ndjson")]
    public async Task Bad_items_are_told_one_by_one_and_the_good_ones_stored(string start, string between, string end, string type)
    {
        var run = Guid.NewGuid();
        string Good(int n) => $$$"""{"content": {"text": "good \"[{,\\ {{{n}}}"}, "metadata": {"run": "{{{run}}}"}}""";
        string[] items =
        [
            Good(0), "nonsense", Good(1), """{"content": {"text": "a\u0000b"}}""", """{"content": {}, "embedding": [1, 2]}""",
            """{"metadata": {}}""", """{"content": {}, "timestamp": "1950-01-01T00:00:00Z"}""", """{"content": {"n": 1e999999}}""",
            """{"content": {"text": "\ud800"}}""", """{"id": "7", "content": {}}""", "null", "17", Good(2),
        ];
        var result = await PostAsync(start + string.Join(between, items) + end, type);

        Assert.Equal((3, 10), (result.Created, result.Failed));
        Assert.Equal([1, 3, 4, 5, 6, 7, 8, 9, 10, 11], result.Errors.Select(error => error.Index));
        Assert.All(result.Errors, error => Assert.DoesNotContain("Exception", error.Detail, StringComparison.Ordinal));
        Assert.Contains("512", result.Errors[2].Detail, StringComparison.Ordinal);
        Assert.Contains("1970", result.Errors[4].Detail, StringComparison.Ordinal);
        var stored = await app.Client.SearchAsync(new() { Metadata = JsonText.From(new { run }) }, Cancelled);
        Assert.Equal(result.Ids.Order(), stored.Events.Select(@event => @event.Id).Order());
    }

    [Fact]
    public async Task An_event_that_is_there_already_is_passed_over_and_one_with_other_values_is_told()
    {
        var id = Guid.CreateVersion7();
        string Body(string text) => $$$"""[{"id": "{{{id}}}", "timestamp": "2026-01-31T12:00:00Z", "content": {"text": "{{{text}}}"}}]""";
        Assert.Equal(1, (await PostAsync(Body("first"))).Created);

        var again = await PostAsync(Body("first"));
        Assert.Equal((0, 1, 0), (again.Created, again.Existing, again.Failed));

        var other = await PostAsync(Body("second"));
        Assert.Equal((0, 0, 1), (other.Created, other.Existing, other.Failed));
        Assert.Contains(id.ToString(), other.Errors[0].Detail, StringComparison.Ordinal);
        Assert.Equal("""{"text": "first"}""", (await app.Client.GetAsync(id, Cancelled))!.Content.ToString());
    }

    [Fact]
    public async Task An_event_without_its_embedding_is_the_same_whatever_embedding_is_stored()
    {
        var id = Guid.CreateVersion7();
        string Body(string embedding) => $$$"""[{"id": "{{{id}}}", "timestamp": "2026-01-31T12:00:00Z", "content": {"text": "first"}{{{embedding}}}}]""";
        string Own(int place) => $", \"embedding\": [{string.Join(',', Enumerable.Range(0, 512).Select(i => i == place ? 1 : 0))}]";
        Assert.Equal(1, (await PostAsync(Body(Own(0)))).Created);
        Assert.Equal(1, (await PostAsync(Body(""))).Existing);
        Assert.Equal(1, (await PostAsync(Body(Own(0)))).Existing);
        Assert.Equal(1, (await PostAsync(Body(Own(1)))).Failed);
    }

    [Fact]
    public async Task The_same_id_twice_in_a_batch_is_stored_once()
    {
        var id = Guid.CreateVersion7();
        var item = $$$"""{"id": "{{{id}}}", "timestamp": "2026-01-31T12:00:00Z", "content": {}}""";
        var result = await PostAsync($"[{item},{item}]");
        Assert.Equal((1, 1, 0), (result.Created, result.Existing, result.Failed));
    }

    [Theory]
    [InlineData("""[{"content": {}}""", 1, "missing")]
    [InlineData("""[{"content": {}}, {"content": {"text": "cut o""", 1, "missing")]
    [InlineData("""[{"content": {}}] and more""", 1, "after the array")]
    [InlineData("""[{"content": {}},]""", 1, "JSON")]
    [InlineData("[]", 0, null)]
    [InlineData("", 0, null)]
    public async Task What_came_before_a_broken_end_is_stored(string body, int created, string? detail)
    {
        var result = await PostAsync(body);
        Assert.Equal(created, result.Created);
        if (detail is null)
            Assert.Empty(result.Errors);
        else
            Assert.Contains(detail, Assert.Single(result.Errors).Detail, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_batch_may_be_larger_than_a_request_but_no_item_of_it()
    {
        var large = new string('x', 3 << 20);
        var body = $$$"""[{"content": {"blob": "{{{large}}}"}}, {"content": {"blob": "{{{large}}}{{{large}}}"}}, {"content": {"text": "small"}}]""";
        var result = await PostAsync(body);
        Assert.Equal((2, 1), (result.Created, result.Failed));
        Assert.Equal(1, result.Errors[0].Index);
    }

    private async Task<BatchResult> PostAsync(string body, string type = "application/json")
    {
        using var answer = await app.Http.PostAsync("/v1/events/batch", new StringContent(body, Encoding.UTF8, type), Cancelled);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, await answer.Content.ReadAsStringAsync(Cancelled));
        return (await answer.Content.ReadFromJsonAsync(MnemoLiteJson.Default.BatchResult, Cancelled))!;
    }
}
