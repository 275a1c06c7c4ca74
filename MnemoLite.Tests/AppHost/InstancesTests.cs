using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MnemoLite.Client;
using MnemoLite.Tests.Browser;
using ModelContextProtocol.Client;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.AppHost;

/// <summary>Several instances behind one address work as one, also while one of them dies.</summary>
public sealed class InstancesTests(TwoInstances app, Chromium chromium) : IClassFixture<TwoInstances>, IClassFixture<Chromium>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Instances_answer_behind_one_address_and_each_sees_what_another_stored()
    {
        var created = await app.Client.CreateAsync(Text("two of us"), Cancelled);
        for (var i = 0; i < 4; i++)
            Assert.NotNull(await app.Client.GetAsync(created.Id, Cancelled));
        foreach (var api in await app.FindAsync("api"))
        {
            using var http = new HttpClient { BaseAddress = api.Address };
            Assert.NotNull(await new MnemoLiteClient(http).GetAsync(created.Id, Cancelled));
        }
    }

    [Fact]
    public async Task An_agent_that_began_with_one_instance_goes_on_with_the_other()
    {
        await using var agent = await McpClient.CreateAsync(
            new HttpClientTransport(new() { Endpoint = new(app.Http.BaseAddress!, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp }),
            cancellationToken: Cancelled);
        for (var i = 0; i < 6; i++)
        {
            var fact = new Dictionary<string, object?> { ["text"] = $"fact {i} of an agent" };
            var remembered = await agent.CallToolAsync("remember", fact, cancellationToken: Cancelled);
            Assert.NotEqual(true, remembered.IsError);
        }
    }

    [Fact]
    public async Task A_killed_instance_fails_no_read_and_no_write_that_comes_after()
    {
        const int Users = 4;
        var known = await app.Client.CreateAsync(Text("what is read all the time"), Cancelled);
        var victim = (await app.FindAsync("api"))[0];
        var (reads, writes, failedReads, failedWrites) = (0, 0, new ConcurrentQueue<Exception>(), new ConcurrentQueue<Exception>());
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var users = Enumerable.Range(0, Users).SelectMany(user => new[]
        {
            UseAsync(() => app.Client.GetAsync(known.Id, Cancelled), () => Interlocked.Increment(ref reads), failedReads, end.Token),
            UseAsync(() => app.Client.CreateAsync(Text($"written by {user}"), Cancelled), () => Interlocked.Increment(ref writes), failedWrites, end.Token),
        }).ToArray();
        await Eventually.UntilAsync(() => Task.FromResult(reads > 100 && writes > 50));
        await app.KillAsync(victim);
        var (readsAtKill, writesAtKill, failedAtKill) = (reads, writes, failedWrites.Count);
        await Eventually.UntilAsync(() => Task.FromResult(reads > readsAtKill + 100 && writes > writesAtKill + 50));
        await app.FindAsync("api"); // it is back
        await end.CancelAsync();
        await Task.WhenAll(users);
        Assert.Empty(failedReads);
        Assert.InRange(failedWrites.Count - failedAtKill, 0, Users); // those that were on their way then
    }

    [Fact]
    public async Task An_instance_is_restarted_without_a_request_that_fails()
    {
        var written = 0;
        var failed = new ConcurrentQueue<Exception>();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var users = Enumerable.Range(0, 4).Select(user =>
            UseAsync(() => app.Client.CreateAsync(Text($"written by {user}"), Cancelled), () => Interlocked.Increment(ref written), failed, end.Token))
            .ToArray();
        foreach (var instance in await app.FindAsync("api"))
        {
            var before = written;
            await Eventually.UntilAsync(() => Task.FromResult(written > before + 50));
            await app.RestartAsync(instance);
            var after = (await app.FindAsync("api")).Single(one => one.Id == instance.Id);
            Assert.NotEqual(instance.ProcessId, after.ProcessId);
        }
        await end.CancelAsync();
        await Task.WhenAll(users);
        Assert.Empty(failed);
    }

    [Fact]
    public async Task A_page_of_one_instance_comes_to_life_on_the_other()
    {
        var webs = await app.FindAsync("web");
        foreach (var (html, circuit) in new[] { (webs[0], webs[1]), (webs[1], webs[0]) })
        {
            await using var opened = await chromium.OpenAsync(circuit.Address.ToString());
            var page = opened.Page;
            await page.Context.GrantPermissionsAsync(["local-network-access"]); // of a page that the test handed in
            await page.RouteAsync(
                circuit.Address.ToString(),
                async route => await route.FulfillAsync(new() { Response = await route.FetchAsync(new() { Url = html.Address.ToString() }) }));
            await page.GotoAsync($"{circuit.Address}search");
            await Expect(page.GetByLabel("Search your memories")).ToBeEditableAsync();
            opened.HasNoComplaints();
        }
        Assert.Single(app.Keys.GetFiles("*.xml"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, app.Keys.UnixFileMode);
    }

    [Fact]
    public async Task A_page_that_loses_its_connection_says_so_and_goes_on_by_itself_when_an_instance_answers()
    {
        await app.FindAsync("web");
        await using var opened = await chromium.OpenAsync(app.Web.ToString());
        var page = opened.Page;
        var connections = new ConcurrentQueue<IWebSocketRoute>();
        await page.RouteWebSocketAsync("**/_blazor", connection =>
        {
            connection.ConnectToServer();
            connections.Enqueue(connection);
        });
        await page.GotoAsync($"{app.Web}search");
        var search = page.GetByLabel("Search your memories");
        await Expect(search).ToBeEditableAsync();
        await Expect(page.GetByText("lost its connection")).ToBeHiddenAsync();

        await page.RouteAsync("**/alive", route => route.FulfillAsync(new() { Status = 503 }));
        await connections.Single().CloseAsync();
        await Expect(page.GetByText("lost its connection")).ToBeVisibleAsync();
        var add = page.GetByRole(AriaRole.Button, new() { Name = "Add memory", Exact = true }).ClickAsync();
        await page.UnrouteAllAsync();
        await Eventually.UntilAsync(() => Task.FromResult(connections.Count > 1));
        await Expect(page.GetByText("lost its connection")).ToBeHiddenAsync();
        await add; // not while nothing would have come of it
        await page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await search.FillAsync("which instance is this?");
        await Expect(page).ToHaveURLAsync(new Regex("instance"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_dashboard_session_moves_to_the_other_instance_with_what_was_being_typed(bool inGoodOrder)
    {
        var text = $"The spare key hangs behind the door {Guid.NewGuid()}";
        await app.FindAsync("web");
        await using var opened = await chromium.OpenAsync(app.Web.ToString());
        var page = opened.Page;
        var lost = 0;
        page.WebSocket += (_, socket) => socket.Close += (_, _) => Interlocked.Increment(ref lost);
        await page.GotoAsync($"{app.Web}search");
        var search = page.GetByLabel("Search your memories");
        await Expect(search).ToBeEditableAsync();
        await search.FillAsync("where is the spare key?");
        await Expect(page).ToHaveURLAsync(new Regex("spare"));
        await page.GetByRole(AriaRole.Button, new() { Name = "Add memory", Exact = true }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Expect(dialog.GetByLabel("What should be remembered?")).ToBeFocusedAsync(); // else it takes what is typed next
        await dialog.GetByLabel("What should be remembered?").FillAsync(text);
        await dialog.GetByLabel("Key", new() { Exact = true }).FillAsync("project");
        await dialog.GetByLabel("Value", new() { Exact = true }).FillAsync("home");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add metadata" }).ClickAsync();
        await Expect(dialog).ToContainTextAsync("project home");
        await dialog.GetByLabel("Key", new() { Exact = true }).FillAsync("type");

        for (var place = 0; place < 2 && lost == 0; place++) // one of the two serves this session
        {
            var instance = (await app.FindAsync("web"))[place];
            await (inGoodOrder ? app.RestartAsync(instance) : app.KillAsync(instance));
            await app.FindAsync("web");
        }

        await Eventually.UntilAsync(() => Task.FromResult(lost > 0));
        await Expect(dialog.GetByLabel("What should be remembered?")).ToHaveValueAsync(text);
        await Expect(dialog.GetByLabel("Key", new() { Exact = true })).ToHaveValueAsync("type");
        await Expect(dialog).ToContainTextAsync("project home");
        await dialog.GetByLabel("Value", new() { Exact = true }).FillAsync("place");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Remember", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Article).First).ToContainTextAsync(text);
        opened.HasNoComplaints();
    }

    private static async Task UseAsync<T>(Func<Task<T>> request, Action done, ConcurrentQueue<Exception> failed, CancellationToken end)
    {
        while (!end.IsCancellationRequested)
        {
            try
            {
                await request();
                done();
            }
            catch (Exception failure) when (failure is HttpRequestException or MnemoLiteException or IOException)
            {
                failed.Enqueue(failure);
            }
        }
    }

    private static NewEvent Text(string text) => new() { Content = JsonText.From(new { text }) };
}
