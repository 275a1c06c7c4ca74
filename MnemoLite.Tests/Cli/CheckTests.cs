using Aspire.Hosting.Local;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using MnemoLite.Cli.Checks;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Cli;

/// <summary>A check tells a system that is well from one that is not, and leaves nothing behind.</summary>
public sealed class CheckTests(RunningApplication application)
{
    private static readonly JsonText OwnEvents = JsonText.Parse("""{"mnemolite_check": {"$exists": true}}""");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_healthy_system_passes_and_keeps_nothing_of_it()
    {
        using var check = new SystemCheck(application.Http.BaseAddress!, application.Web);
        await check.LoadAsync(TimeSpan.FromSeconds(1), Cancelled);
        // how fast it is depends on what else the machine does
        var failed = check.List.Results.Where(result => !result.Passed && !result.What.StartsWith("P95", StringComparison.Ordinal));
        Assert.Empty(failed);
        Assert.Contains(check.List.Results, result => result.What == "It is found by meaning");
        Assert.Contains(check.List.Results, result => result.What.StartsWith("20 users are served", StringComparison.Ordinal));
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task A_dashboard_that_does_not_answer_fails_alone_and_nothing_is_kept()
    {
        using var check = new SystemCheck(application.Http.BaseAddress!, NobodyListens());
        await check.FullAsync(Cancelled);
        Assert.Equal("The dashboard answers", Assert.Single(check.List.Results, result => !result.Passed).What);
        Assert.Equal(1, check.List.Finish());
    }

    [Fact]
    public async Task Where_nothing_answers_nothing_more_is_tried_out()
    {
        using var check = new SystemCheck(NobodyListens(), NobodyListens());
        await check.LoadAsync(TimeSpan.FromSeconds(1), Cancelled);
        Assert.Equal(["The API is healthy", "The dashboard answers"], check.List.Results.Select(result => result.What));
        Assert.All(check.List.Results, result => Assert.False(result.Passed));
        Assert.Equal(1, check.List.Finish());
    }

    [Fact]
    public async Task An_interrupted_check_keeps_nothing()
    {
        await using var door = new Door(application.Http.BaseAddress!.Port);
        door.StallAt("\"keyword\""); // the first search for its memory
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        using var check = new SystemCheck(new Uri($"http://localhost:{door.Port}"), application.Web);
        var checking = check.FullAsync(interrupt.Token);
        await Eventually.UntilAsync(() => Task.FromResult(door.Stalls));
        Assert.Contains(check.List.Results, result => result is { What: "A memory is kept", Passed: true });
        await interrupt.CancelAsync();
        door.Stalls = false;
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => checking);
        Assert.Contains(check.List.Results, result => result is { What: "It is forgotten", Passed: true });
        await AssertNothingIsLeftAsync();
    }

    [Fact]
    public async Task What_a_killed_check_left_goes_with_the_next()
    {
        var longAgo = DateTimeOffset.UtcNow.AddHours(-2);
        var mark = JsonText.From(new { mnemolite_check = Guid.NewGuid() });
        await application.Client.CreateAsync(
            new NewEvent { Content = JsonText.From(new { text = "MnemoLite checks itself with a memory of its own, abc" }), Metadata = mark, Timestamp = longAgo }, Cancelled);
        var other = await application.Client.CreateAsync(
            new NewEvent { Content = JsonText.From(new { text = "What does mnemolite_check mean?" }), Metadata = mark, Timestamp = longAgo }, Cancelled);
        await application.Client.CreateNodeAsync(new NewGraphNode { Type = "mnemolite_check", Label = "abc", CreatedAt = longAgo }, Cancelled);
        using var check = new SystemCheck(application.Http.BaseAddress!, application.Web);
        await check.FullAsync(Cancelled);
        Assert.True(await application.Client.DeleteAsync(other.Id, Cancelled)); // which is not of a check
        await AssertNothingIsLeftAsync();
    }

    [Theory]
    [InlineData(2, true)]
    [InlineData(int.MaxValue, false)]
    public async Task What_is_deleted_may_be_there_for_a_moment_longer_where_another_instance_answers(int answers, bool isForgotten)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        await using var late = builder.Build();
        byte[]? known = null;
        var left = answers;
        late.Run(async http =>
        {
            using var request = new HttpRequestMessage(new(http.Request.Method), http.Request.Path + http.Request.QueryString.Value) { Content = new StreamContent(http.Request.Body) };
            request.Content.Headers.TryAddWithoutValidation("Content-Type", http.Request.ContentType);
            using var answer = await application.Http.SendAsync(request, http.RequestAborted);
            var body = await answer.Content.ReadAsByteArrayAsync(http.RequestAborted);
            var isEvent = http.Request.Method == HttpMethod.Get.Method && http.Request.Path.StartsWithSegments("/v1/events", out var id) && Guid.TryParse(id.Value!.Trim('/'), out _);
            if (isEvent && answer.IsSuccessStatusCode)
                known = body;
            var isOld = isEvent && !answer.IsSuccessStatusCode && known is not null && left-- > 0;
            http.Response.StatusCode = isOld ? StatusCodes.Status200OK : (int)answer.StatusCode;
            http.Response.ContentType = isOld ? "application/json" : answer.Content.Headers.ContentType?.ToString();
            if (http.Response.StatusCode != StatusCodes.Status204NoContent)
                await http.Response.Body.WriteAsync(isOld ? known : body, http.RequestAborted);
        });
        await late.StartAsync(Cancelled);
        using var check = new SystemCheck(new Uri(late.Urls.First()), application.Web);
        await check.FullAsync(Cancelled);
        Assert.Contains(check.List.Results, result => result.What == "It is forgotten" && result.Passed == isForgotten);
        Assert.True(left < answers, "nothing old was answered");
        await AssertNothingIsLeftAsync();
    }

    private async Task AssertNothingIsLeftAsync()
    {
        Assert.Empty((await application.Client.SearchAsync(new SearchRequest { Filter = OwnEvents }, Cancelled)).Events);
        Assert.Empty((await application.Client.ListNodesAsync("mnemolite_check", cancellationToken: Cancelled)).Nodes);
    }

    private static Uri NobodyListens() => new($"http://localhost:{FreePort.Take()}");
}
