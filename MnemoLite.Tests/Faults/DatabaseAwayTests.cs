using System.Diagnostics;
using System.Net;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Faults;

/// <summary>What users see while PostgreSQL is gone, hangs, or breaks connections, and that all is well again by itself.</summary>
public sealed class DatabaseAwayTests(RunningApplication app, ITestOutputHelper output)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Known_answers_are_given_marked_as_stale_and_writes_are_refused_until_the_database_is_back()
    {
        await using var service = await OwnService.StartAsync(app);
        var (known, unread) = (await service.RememberAsync("known before"), await service.RememberAsync("never read"));
        var node = await service.Client.CreateNodeAsync(new() { Type = "thing", Label = "known" }, Cancelled);
        string[] paths = [$"/v1/events/{known}", "/v1/search/?vector_query=known", $"/api/graph/expand/{node.Id}"];
        var before = new Dictionary<string, string>();
        foreach (var path in paths)
            before[path] = (await service.ReadAsync(path)).Body;

        for (var round = 0; round < 2; round++) // killed, and stopped in good order
        {
            if (round == 0)
                await service.Postgres.KillAsync(Cancelled);
            await service.Postgres.StopAsync();
            foreach (var path in paths)
            {
                await Eventually.UntilAsync(async () => await service.ReadAsync(path) is { Status: HttpStatusCode.OK } read && read.Body == before[path] && read.IsStale);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.ReadAsync(path, now: true)).Status);
            }
            foreach (var path in (string[])[$"/v1/events/{unread}", "/v1/events/", "/api/monitoring/status", "/v1/store", "/health"])
                Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.ReadAsync(path)).Status);
            var refused = await service.PostAsync("/v1/events/", new { content = new { text = "not now" } });
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.Status);
            Assert.Contains("nothing was changed", refused.Body, StringComparison.Ordinal);
            Assert.Equal(HttpStatusCode.OK, (await service.ReadAsync("/alive")).Status);

            await service.Postgres.StartAsync(Cancelled);
            await UntilWellAsync(service, round == 0 ? "killed and started again" : "restarted");
            Assert.NotNull(await service.Client.PatchAsync(known, new() { Metadata = JsonText.From(new { round }) }, Cancelled));
            var after = await service.ReadAsync(paths[0]);
            Assert.Contains($"\"round\": {round}", after.Body, StringComparison.Ordinal);
            Assert.False(after.IsStale);
            before[paths[0]] = after.Body;
            await Eventually.UntilAsync(async () => !(await service.ReadAsync(paths[1])).IsStale && !(await service.ReadAsync(paths[2])).IsStale);
            before[paths[1]] = (await service.ReadAsync(paths[1])).Body;
        }
    }

    [Fact]
    public async Task What_is_known_to_have_changed_or_is_too_old_is_not_given()
    {
        await using var service = await OwnService.StartAsync(app, null, "--Caching:StaleSeconds=3");
        var (changed, forgotten, kept) = (await service.RememberAsync("old"), await service.RememberAsync("secret"), await service.RememberAsync("kept"));
        foreach (var id in (Guid[])[changed, forgotten, kept])
            await service.ReadAsync($"/v1/events/{id}");
        await service.Client.PatchAsync(changed, new() { Content = JsonText.From(new { text = "new" }) }, Cancelled);
        await service.Client.DeleteAsync(forgotten, Cancelled);

        await service.Postgres.KillAsync(Cancelled);
        await Eventually.UntilAsync(async () => await service.ReadAsync($"/v1/events/{changed}") is { Status: HttpStatusCode.ServiceUnavailable });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.ReadAsync($"/v1/events/{forgotten}")).Status);
        await Eventually.UntilAsync(async () => await service.ReadAsync($"/v1/events/{kept}") is { Status: HttpStatusCode.ServiceUnavailable });
    }

    [Fact]
    public async Task A_database_that_hangs_holds_up_nobody_for_long_and_what_was_on_its_way_is_done_once()
    {
        const int Users = 40;
        await using var service = await OwnService.StartAsync(app);
        var known = await service.RememberAsync("known before");
        await service.ReadAsync($"/v1/events/{known}");

        service.Door.Stalls = true;
        var start = Stopwatch.GetTimestamp();
        var writes = Enumerable.Range(0, Users).Select(user => WriteAsync(service, user)).ToList();
        var reads = Enumerable.Range(0, Users).Select(_ => service.ReadAsync("/v1/events/")).ToList();
        Assert.All(await Task.WhenAll([.. writes, .. reads]), answer => Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status));
        output.WriteLine($"{2 * Users} requests were answered {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s after the database began to hang");
        await Eventually.UntilAsync(async () => (await service.ReadAsync($"/v1/events/{known}")).IsStale);
        start = Stopwatch.GetTimestamp();
        Assert.All(
            await Task.WhenAll(Enumerable.Range(0, 10 * Users).Select(_ => service.ReadAsync("/v1/events/"))),
            answer => Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.Status));
        output.WriteLine($"{10 * Users} more in {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await service.ReadAsync("/health")).Status);

        service.Door.Stalls = false;
        await UntilWellAsync(service, "answered again");
        Assert.All(
            await Task.WhenAll(Enumerable.Range(0, Users).Select(user => WriteAsync(service, user))), answer => Assert.Equal(HttpStatusCode.Created, answer.Status));
        var stored = (await service.Client.ListAsync(limit: 1000, cancellationToken: Cancelled)).Events.Count(one => one.Content.ToString().Contains("user", StringComparison.Ordinal));
        Assert.Equal(Users, stored);

        static Task<OwnService.Answer> WriteAsync(OwnService service, int user) =>
            service.PostAsync("/v1/events/", new { content = new { text = $"of user {user}" } }, $"user-{user}");
    }

    [Fact]
    public async Task A_read_whose_connection_breaks_is_done_again_and_a_write_is_not()
    {
        await using var service = await OwnService.StartAsync(app);
        await service.RememberAsync("the first");

        service.Door.LoseAnswerTo("ORDER BY timestamp DESC");
        var read = await service.ReadAsync("/v1/events/");
        Assert.Equal(HttpStatusCode.OK, read.Status);
        Assert.Contains("the first", read.Body, StringComparison.Ordinal);

        service.Door.LoseAnswerTo("INSERT INTO events", done: "INSERT 0 1");
        var lost = await service.PostAsync("/v1/events/", new { content = new { text = "the second" } });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, lost.Status);
        Assert.Contains("is not known", lost.Body, StringComparison.Ordinal);
        await UntilWellAsync(service, "after a reset");
        var events = (await service.Client.ListAsync(cancellationToken: Cancelled)).Events;
        Assert.Single(events, one => one.Content.ToString().Contains("the second", StringComparison.Ordinal)); // PostgreSQL had it
    }

    private async Task UntilWellAsync(OwnService service, string what)
    {
        var start = Stopwatch.GetTimestamp();
        await Eventually.UntilAsync(async () =>
            (await service.PostAsync("/v1/events/", new { content = new { text = "well again" } })).Status == HttpStatusCode.Created);
        output.WriteLine($"{what}: a write succeeded after {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s");
    }
}
