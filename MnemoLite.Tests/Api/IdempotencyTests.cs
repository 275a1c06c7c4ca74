using System.Net;
using System.Text;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class IdempotencyTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_request_sent_again_gets_the_same_answer()
    {
        var (key, run) = (Guid.NewGuid().ToString(), Guid.NewGuid());
        var body = $$$"""{"content": {"text": "once"}, "metadata": {"run": "{{{run}}}"}}""";
        var (firstStatus, first) = await PostAsync(key, body);
        var (secondStatus, second) = await PostAsync(key, body);

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.Created), (firstStatus, secondStatus));
        Assert.Equal(first, second);
        Assert.Equal(1, await CountAsync(run));
    }

    [Fact]
    public async Task The_key_of_another_request_is_refused()
    {
        var (key, run) = (Guid.NewGuid().ToString(), Guid.NewGuid());
        await PostAsync(key, $$$"""{"content": {"text": "one"}, "metadata": {"run": "{{{run}}}"}}""");
        var (status, problem) = await PostAsync(key, $$$"""{"content": {"text": "two"}, "metadata": {"run": "{{{run}}}"}}""");

        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Contains("Idempotency-Key", problem, StringComparison.Ordinal);
        Assert.Equal(1, await CountAsync(run));
    }

    [Fact]
    public async Task Requests_with_one_key_at_the_same_time_store_one_event()
    {
        var (key, run) = (Guid.NewGuid().ToString(), Guid.NewGuid());
        var body = $$$"""{"content": {"text": "at once"}, "metadata": {"run": "{{{run}}}"}}""";
        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => PostAsync(key, body)));

        Assert.Single(answers.Distinct());
        Assert.Equal(HttpStatusCode.Created, answers[0].Status);
        Assert.Equal(1, await CountAsync(run));
    }

    [Fact]
    public async Task A_request_that_was_refused_does_not_use_its_key_up()
    {
        var key = Guid.NewGuid().ToString();
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await PostAsync(key, """{"content": {"n": 1e999999}}""")).Status);
        Assert.Equal(HttpStatusCode.Created, (await PostAsync(key, """{"content": {"n": 1}}""")).Status);
    }

    private async Task<(HttpStatusCode Status, string Body)> PostAsync(string key, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/events/");
        request.Headers.Add("Idempotency-Key", key);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await app.Http.SendAsync(request, Cancelled);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancelled));
    }

    private async Task<long> CountAsync(Guid run) =>
        (await app.Client.SearchAsync(new() { Metadata = JsonText.From(new { run }) }, Cancelled)).Total;
}
