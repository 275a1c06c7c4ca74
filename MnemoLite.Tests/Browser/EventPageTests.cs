using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The page of one memory in a real browser.</summary>
[Collection<Dashboard>]
public sealed class EventPageTests(Dashboard dashboard)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Markdown_is_formatted_and_cannot_do_anything()
    {
        var stored = await RememberAsync(
            """
            # The plan
            - first **this**, <b>then</b> that
            - [docs](https://example.com/docs) and [trap](javascript:document.title='run')

            <script>document.title='run'</script> <img src=x onerror="document.title='run'">

            ![picture](https://example.com/picture.png)
            """);
        await using var opened = await dashboard.OpenAsync($"/events/{stored.Id}");
        var content = opened.Page.GetByRole(AriaRole.Region, new() { Name = "Content" });
        await Expect(content.GetByRole(AriaRole.Heading, new() { Name = "The plan" })).ToBeVisibleAsync();
        await Expect(content.Locator("li strong")).ToHaveTextAsync("this");
        await Expect(content.GetByRole(AriaRole.Link, new() { Name = "docs" })).ToHaveAttributeAsync("rel", new Regex("noopener"));
        await Expect(content).ToContainTextAsync("<b>then</b>");
        await Expect(content.Locator("script, img, b, a[href^=javascript]")).ToHaveCountAsync(0);
        await Expect(opened.Page).ToHaveTitleAsync("The plan · MnemoLite");

        await content.GetByRole(AriaRole.Button, new() { Name = "Text" }).ClickAsync();
        await Expect(content).ToContainTextAsync("# The plan");
        await content.GetByRole(AriaRole.Button, new() { Name = "JSON" }).ClickAsync();
        await Expect(content.Locator(".key")).ToHaveTextAsync("text");
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task A_memory_without_text_is_a_tree_of_JSON()
    {
        var stored = await dashboard.Client.CreateAsync(
            new() { Content = JsonText.Parse("""{"sensor": {"room": "lab", "values": [1, 2.5, null]}}""") }, Cancelled);
        await using var opened = await dashboard.OpenAsync($"/events/{stored.Id}");
        var content = opened.Page.GetByRole(AriaRole.Region, new() { Name = "Content" });
        await Expect(content.GetByText("lab")).ToBeVisibleAsync();
        await Expect(content.GetByText("2.5")).ToBeHiddenAsync();
        await content.GetByText("values").ClickAsync();
        await Expect(content.GetByText("2.5")).ToBeVisibleAsync();
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task Metadata_is_edited_in_place_and_keeps_its_types()
    {
        var stored = await RememberAsync("The pump runs hot", """{"attempts": 3, "project": "cellar", "draft": true, "where": {"room": 1}}""");
        await using var opened = await dashboard.OpenAsync($"/events/{stored.Id}");
        var metadata = opened.Page.GetByRole(AriaRole.Region, new() { Name = "Metadata" });
        var value = metadata.GetByLabel("Value", new() { Exact = true });

        await metadata.GetByRole(AriaRole.Button, new() { Name = "Change attempts" }).ClickAsync();
        await Expect(value).ToBeFocusedAsync();
        await value.FillAsync("three");
        await value.PressAsync("Enter");
        await Expect(metadata.GetByRole(AriaRole.Alert)).ToHaveTextAsync("Write a number, such as 3 or 0.25.");
        await value.FillAsync("4");
        await value.PressAsync("Enter");
        await Expect(metadata.GetByRole(AriaRole.Button, new() { Name = "Change attempts" })).ToBeFocusedAsync();

        await metadata.GetByRole(AriaRole.Button, new() { Name = "Change where" }).ClickAsync();
        await value.FillAsync("""{"room": 2""");
        await metadata.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(metadata.GetByRole(AriaRole.Alert)).ToContainTextAsync("not JSON yet");
        await value.FillAsync("""{"room": 2}""");
        await metadata.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(value).ToBeHiddenAsync();

        await metadata.GetByRole(AriaRole.Button, new() { Name = "Add metadata" }).ClickAsync();
        await metadata.GetByLabel("Key", new() { Exact = true }).FillAsync("project");
        await value.FillAsync("42");
        await metadata.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(metadata.GetByRole(AriaRole.Alert)).ToContainTextAsync("There is a project already");
        await metadata.GetByLabel("Key", new() { Exact = true }).FillAsync("code");
        await metadata.GetByRole(AriaRole.Button, new() { Name = "Save" }).ClickAsync();
        await Expect(metadata.GetByRole(AriaRole.Row, new() { Name = "code" })).ToContainTextAsync("42");

        await metadata.GetByRole(AriaRole.Button, new() { Name = "Remove draft" }).ClickAsync();
        await Expect(metadata.GetByRole(AriaRole.Row, new() { Name = "draft" })).ToBeHiddenAsync();
        await AssertMetadataAsync("""{"code":"42","where":{"room":2},"project":"cellar","attempts":4}""");
        await opened.Page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await AssertMetadataAsync("""{"code":"42","draft":true,"where":{"room":2},"project":"cellar","attempts":4}""");
        opened.HasNoComplaints();

        Task AssertMetadataAsync(string expected) => Eventually.UntilAsync(async () =>
            (await dashboard.Client.GetAsync(stored.Id, Cancelled))!.Metadata.ToString().Replace(" ", "", StringComparison.Ordinal) == expected);
    }

    [Fact]
    public async Task A_forgotten_memory_is_brought_back_as_it_was()
    {
        var stored = await RememberAsync($"The spare fuse is in the drawer {Guid.NewGuid()}", """{"project": "home", "n": 1.50}""");
        await using var opened = await dashboard.OpenAsync($"/events/{stored.Id}");
        var page = opened.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Forget", Exact = true }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("/search$"));
        await Expect(page.GetByText("Forgotten")).ToBeVisibleAsync();
        Assert.Null(await dashboard.Client.GetAsync(stored.Id, Cancelled));

        await page.GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex($"/events/{stored.Id}$"));
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Content" })).ToContainTextAsync("spare fuse");
        var again = await dashboard.Client.GetAsync(stored.Id, Cancelled);
        Assert.Equal((stored.Timestamp, stored.Metadata.ToString()), (again!.Timestamp, again.Metadata.ToString()));
        Assert.Equal(stored.Content.ToString(), again.Content.ToString());
        Assert.Equal(stored.Embedding, again.Embedding);
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task A_change_elsewhere_is_shown_and_an_edit_in_progress_is_kept()
    {
        var stored = await RememberAsync("The gate is painted", """{"colour": "green", "state": "open"}""");
        await using var opened = await dashboard.OpenAsync($"/events/{stored.Id}");
        var page = opened.Page;
        var metadata = page.GetByRole(AriaRole.Region, new() { Name = "Metadata" });
        await metadata.GetByRole(AriaRole.Button, new() { Name = "Change colour" }).ClickAsync();
        await metadata.GetByLabel("Value", new() { Exact = true }).FillAsync("dark red");

        await dashboard.Client.PatchAsync(
            stored.Id,
            new() { Content = JsonText.From(new { text = "The gate is rusty" }), Metadata = JsonText.From(new { colour = "blue", state = "closed" }) },
            Cancelled);

        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Content" })).ToContainTextAsync("The gate is rusty");
        await Expect(metadata.GetByRole(AriaRole.Row, new() { Name = "state" })).ToContainTextAsync("closed");
        await Expect(metadata.GetByText("changed elsewhere meanwhile")).ToContainTextAsync("blue");
        await Expect(metadata.GetByLabel("Value", new() { Exact = true })).ToHaveValueAsync("dark red");

        await dashboard.Client.DeleteAsync(stored.Id, Cancelled);
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("forgotten elsewhere");
        await page.GetByRole(AriaRole.Button, new() { Name = "Bring it back" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToBeHiddenAsync();
        Assert.NotNull(await dashboard.Client.GetAsync(stored.Id, Cancelled));
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task What_is_similar_next_in_time_and_in_the_graph_is_a_click_away()
    {
        var time = new DateTimeOffset(1999, 8, 11, 10, 0, 0, TimeSpan.Zero);
        var before = await RememberAsync($"The moon begins to cover the sun {Guid.NewGuid()}", "{}", time.AddMinutes(-1));
        var stored = await RememberAsync("The sun is covered by the moon", "{}", time);
        var after = await RememberAsync($"Birds sing again {Guid.NewGuid()}", "{}", time.AddMinutes(1));
        var node = await dashboard.Client.CreateNodeAsync(
            new() { Type = "eclipse", Label = "Eclipse of 1999", Properties = JsonText.From(new { event_id = stored.Id }) }, Cancelled);
        var place = await dashboard.Client.CreateNodeAsync(new() { Type = "place", Label = "Stuttgart" }, Cancelled);
        await dashboard.Client.CreateEdgeAsync(new() { Source = node.Id, Target = place.Id, Type = "seen_from" }, Cancelled);

        await using var opened = await dashboard.OpenAsync($"/events/{stored.Id}");
        var page = opened.Page;
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Eclipse of 1999" })).ToHaveAttributeAsync("href", $"/graph?node={node.Id}");
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Stuttgart" })).ToContainTextAsync("seen_from →");
        var similar = page.GetByRole(AriaRole.Listitem).Filter(new() { Has = page.Locator($"a[href='/events/{before.Id}']") });
        await Expect(similar.First).ToContainTextAsync("The moon begins");
        await Expect(page.Locator($".main a[href='/events/{stored.Id}']")).ToHaveCountAsync(0);

        await page.Locator("a[rel=next]").ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex($"/events/{after.Id}$"));
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Content" })).ToContainTextAsync("Birds sing again");
        await page.Locator("a[rel=prev]").ClickAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Content" })).ToContainTextAsync("covered by the moon");
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task An_address_of_no_memory_says_so_and_leads_on()
    {
        await using var opened = await dashboard.OpenAsync("/search");
        var answer = await opened.Page.GotoAsync($"{dashboard.Address}/events/{Guid.NewGuid()}");
        Assert.Equal(404, answer!.Status);
        await Expect(opened.Page.GetByRole(AriaRole.Heading, new() { Name = "This memory is not here" })).ToBeVisibleAsync();
        await opened.Page.Locator("main[data-interactive=true]").GetByRole(AriaRole.Link, new() { Name = "Search your memories" }).ClickAsync();
        await Expect(opened.Page).ToHaveURLAsync(new Regex("/search$"));
    }

    private Task<Event> RememberAsync(string text, string metadata = "{}", DateTimeOffset? time = null) => dashboard.Client.CreateAsync(
        new() { Content = JsonText.From(new { text }), Metadata = JsonText.Parse(metadata), Timestamp = time }, Cancelled);
}
