using System.Net;
using System.Text;
using System.Text.Json;
using CsCheck;
using MnemoLite.Tests.AppHost;
using static MnemoLite.Tests.Api.OddInput;

namespace MnemoLite.Tests.Api;

/// <summary>Whatever a client sends, it gets an answer, and one that says what is wrong: never a 500, never silence.</summary>
public sealed class BadInputTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public Task Any_JSON_as_an_event() =>
        Gen.Select(Json(3), Json(2)).SampleAsync(
            pair => PostAsync("/v1/events", $$"""{"content": {{pair.Item1}}, "metadata": {{pair.Item2}}}"""), iter: 200, threads: 1);

    [Fact]
    public Task Any_object_as_an_event() =>
        Gen.Select(Object(3), Object(2)).SampleAsync(
            async pair =>
            {
                await PostAsync("/v1/events", $$"""{"content": {{pair.Item1}}, "metadata": {{pair.Item2}}}""");
                await PostAsync("/v1/events/batch", $$"""[{"content": {{pair.Item1}}, "metadata": {{pair.Item2}}}, {{pair.Item2}}]""");
            },
            iter: 200, threads: 1);

    [Fact]
    public Task Any_search() =>
        Gen.Select(Text, Json(3), Object(2), Among("hybrid", "semantic", "keyword")).SampleAsync(
            search => PostAsync("/v1/search",
                $$"""{"query": {{Quoted(search.Item1)}}, "filter": {{search.Item2}}, "metadata": {{search.Item3}}, "mode": "{{search.Item4}}"}"""),
            iter: 200, threads: 1);

    [Fact]
    public Task Any_query_in_words() =>
        Gen.Select(Text, Text, Among("hybrid", "semantic", "keyword")).SampleAsync(
            search => PostAsync("/v1/search", $$"""{"query": {{Quoted($"{search.Item1} {search.Item2}")}}, "mode": "{{search.Item3}}", "explain": true}"""),
            iter: 300, threads: 1);

    [Fact]
    public async Task Any_bytes_as_a_body()
    {
        var operations = (await Operation.ReadAsync(app.Http)).Where(operation => operation.Body is not null).ToArray();
        await Gen.Select(Among(operations), Gen.OneOf(
                Gen.Byte.Array[0, 50], Gen.OneOf(Broken, Giant, Json(2)).Select(Encoding.UTF8.GetBytes),
                Gen.Byte.Array[1, 5].Select(bytes => (byte[])[.. "{\"content\":{\"text\":\""u8, .. bytes, .. "\"}}"u8])))
            .SampleAsync(
                async sent =>
                {
                    var path = sent.Item1.Path.Replace("{id}", Guid.CreateVersion7().ToString(), StringComparison.Ordinal);
                    using var request = new HttpRequestMessage(sent.Item1.Method, path) { Content = new ByteArrayContent(sent.Item2) };
                    request.Content.Headers.ContentType = new("application/json");
                    await CheckAsync(request, Encoding.UTF8.GetString(sent.Item2));
                },
                iter: 400, threads: 1);
    }

    [Fact]
    public async Task Anything_near_what_the_OpenAPI_document_asks_for()
    {
        foreach (var operation in (await Operation.ReadAsync(app.Http)).Where(operation => operation.Path != "/v1/store/partition")) // takes no input, and does much
        {
            await Gen.Select(operation.Url(), operation.Body is { } schema ? schema.Near(4) : Gen.Const("")).SampleAsync(
                async sent =>
                {
                    using var request = new HttpRequestMessage(operation.Method, sent.Item1);
                    if (operation.Body is not null)
                        request.Content = new StringContent(sent.Item2, Encoding.UTF8, "application/json");
                    await CheckAsync(request, sent.Item2);
                },
                iter: 25, threads: 1);
        }
    }

    private async Task PostAsync(string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        await CheckAsync(request, body);
    }

    private async Task CheckAsync(HttpRequestMessage request, string sent)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        using var answer = await app.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        if (answer.Content.Headers.ContentType?.MediaType == "text/event-stream")
            return; // it goes on for as long as one listens
        if (answer.StatusCode == HttpStatusCode.RequestUriTooLong)
        {
            Assert.InRange(request.RequestUri!.AbsoluteUri.Length, 130_000, int.MaxValue);
            return; // Kestrel reads no further than 128 KiB of a request's first line, and so never gets to a document
        }
        var body = await answer.Content.ReadAsStringAsync(patience.Token);
        var what = $"{request.Method} {request.RequestUri} {Start(sent)}\n{(int)answer.StatusCode} {Start(body)}";
        Assert.True((int)answer.StatusCode < 500, what);
        if (answer.IsSuccessStatusCode)
            return;
        Assert.True(answer.Content.Headers.ContentType?.MediaType == "application/problem+json", what);
        var problem = JsonElement.Parse(body);
        Assert.False(string.IsNullOrEmpty(problem.GetProperty("detail").GetString()), what);
        Assert.DoesNotContain("Exception", body, StringComparison.Ordinal);
        Assert.True(problem.GetProperty("status").GetInt32() == (int)answer.StatusCode, what);
    }

    private static string Start(string text) => text.Length <= 600 ? text : $"{text.AsSpan(0, 600)}… ({text.Length} characters)";
}
