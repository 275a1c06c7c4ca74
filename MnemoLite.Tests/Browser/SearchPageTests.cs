using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MnemoLite.Client;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The search page in a real browser.</summary>
[Collection<Dashboard>]
public sealed class SearchPageTests(Dashboard dashboard)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Memories_are_listed_added_and_found_by_meaning()
    {
        await RememberAsync("The teapot is kept beside it", "{}");
        await using var opened = await dashboard.OpenAsync("/search");
        var page = opened.Page;
        var first = page.GetByRole(AriaRole.Article).First;
        await Expect(first).ToContainTextAsync("The teapot is kept beside it");

        const string Added = "The kettle is kept in the blue cupboard";
        await page.GetByRole(AriaRole.Button, new() { Name = "Add memory", Exact = true }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Expect(dialog.GetByLabel("What should be remembered?")).ToBeFocusedAsync(); // else it takes what is typed next
        await dialog.GetByLabel("What should be remembered?").FillAsync(Added);
        await dialog.GetByLabel("Key", new() { Exact = true }).FillAsync("project");
        await dialog.GetByLabel("Value", new() { Exact = true }).FillAsync("home");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Add metadata" }).ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Remember", Exact = true }).ClickAsync();
        await Expect(dialog).ToBeHiddenAsync();
        await Expect(first).ToContainTextAsync(Added);
        await Expect(first.GetByRole(AriaRole.List, new() { Name = "Metadata" })).ToContainTextAsync("home");

        var search = page.GetByLabel("Search your memories");
        await search.FillAsync("which foods am I allergic to?");
        await Expect(first).ToContainTextAsync("avoid peanuts");
        await Expect(first.GetByRole(AriaRole.Button, new() { NameRegex = new Regex(@"^Score -?\d\.\d\d$") })).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(search).ToHaveValueAsync("which foods am I allergic to?");
        await Expect(first).ToContainTextAsync("avoid peanuts");
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task What_was_just_added_can_be_opened()
    {
        var text = $"The ladder stands behind the shed {Guid.NewGuid()}";
        await using var opened = await dashboard.OpenAsync("/search");
        var page = opened.Page;
        await page.GetByRole(AriaRole.Button, new() { Name = "Add memory", Exact = true }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await Expect(dialog.GetByLabel("What should be remembered?")).ToBeFocusedAsync();
        await dialog.GetByLabel("What should be remembered?").FillAsync(text);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Remember", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Open", Exact = true }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("/events/[0-9a-f-]{36}$"));
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Content" })).ToContainTextAsync(text);
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task The_box_has_the_keyboard_where_the_page_is_wide_and_nothing_is_asked()
    {
        await using var wide = await dashboard.OpenAsync("/search");
        await Expect(wide.Page.GetByLabel("Search your memories")).ToBeFocusedAsync();
    }

    [Fact]
    public async Task A_filter_by_click_narrows_and_stands_in_the_address()
    {
        var project = $"p{Guid.NewGuid():N}"[..12];
        await RememberAsync("The door of the workshop sticks", $$"""{"project": "{{project}}", "type": "repair"}""");
        await RememberAsync("The roof of the workshop leaks", $$"""{"project": "{{project}}", "type": "damage", "tags": ["roof", "rain"]}""");
        await using var opened = await dashboard.OpenAsync("/search");
        var page = opened.Page;
        var found = page.GetByRole(AriaRole.Article);

        await page.GetByRole(AriaRole.Link, new() { Name = $"project {project}" }).First.ClickAsync();
        await Expect(found).ToHaveCountAsync(2);
        await Expect(page).ToHaveURLAsync(new Regex($@"\?f=project%3A{project}$"));
        await Expect(page.GetByRole(AriaRole.Status)).ToContainTextAsync("2 memories, newest first");

        await page.GetByRole(AriaRole.Button, new() { Name = "Type", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { NameRegex = new Regex("^damage") }).ClickAsync();
        await Expect(found).ToHaveCountAsync(1);
        await Expect(found).ToContainTextAsync("roof");
        await page.ReloadAsync();
        await Expect(page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
        await Expect(found).ToHaveCountAsync(1);

        await page.GetByRole(AriaRole.Link, new() { Name = "type damage: remove this filter" }).ClickAsync();
        await Expect(found).ToHaveCountAsync(2);
        await page.GoBackAsync();
        await Expect(found).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Link, new() { Name = "Clear all" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("/search$"));
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task Any_key_can_be_filtered_by_and_what_passes_nothing_says_what_to_do()
    {
        var author = $"Ada {Guid.NewGuid():N}";
        await RememberAsync("The engine weaves algebraic patterns", $$"""{"written.by": "{{author}}"}""");
        await using var opened = await dashboard.OpenAsync("/search?q=algebra");
        var page = opened.Page;
        var found = page.GetByRole(AriaRole.Article);
        await AddAsync("written.by", author);
        await Expect(found).ToHaveCountAsync(1);
        await Expect(found).ToContainTextAsync("algebraic");

        await AddAsync("attempts", "12345");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Nothing passes these filters" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Search without filters" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex(@"\?q=algebra$"));
        await Expect(found.First).ToBeVisibleAsync();
        opened.HasNoComplaints();

        async Task AddAsync(string key, string value)
        {
            await page.GetByRole(AriaRole.Button, new() { Name = "More filters", Exact = true }).ClickAsync();
            await page.GetByRole(AriaRole.Menuitem, new() { Name = "Another key and value" }).ClickAsync();
            await page.GetByLabel("Key", new() { Exact = true }).FillAsync(key);
            await page.GetByLabel("Value", new() { Exact = true }).FillAsync(value);
            await page.GetByRole(AriaRole.Button, new() { Name = "Add filter" }).ClickAsync();
        }
    }

    [Fact]
    public async Task A_time_leaves_out_what_is_older()
    {
        var project = $"t{Guid.NewGuid():N}"[..12];
        var old = new DateTimeOffset(2024, 5, 6, 12, 0, 0, TimeSpan.Zero);
        await RememberAsync("An old note about the boiler", $$"""{"project": "{{project}}"}""", old);
        await RememberAsync("A new note about the boiler", $$"""{"project": "{{project}}"}""");
        await using var opened = await dashboard.OpenAsync($"/search?f=project:{project}");
        var page = opened.Page;
        var found = page.GetByRole(AriaRole.Article);
        await Expect(found).ToHaveCountAsync(2);

        await page.GetByRole(AriaRole.Button, new() { Name = "Time", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Last 7 days" }).ClickAsync();
        await Expect(found).ToHaveCountAsync(1);
        await Expect(found).ToContainTextAsync("A new note");

        await page.GetByRole(AriaRole.Button, new() { Name = "Last 7 days", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "Choose days" }).ClickAsync();
        await page.GetByLabel("To", new() { Exact = true }).FillAsync("2024-05-06");
        await Expect(found).ToContainTextAsync("An old note");
        await Expect(page).ToHaveURLAsync(new Regex("to=2024-05-06"));
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task The_mode_is_chosen_and_words_that_nobody_wrote_are_found_by_meaning_only()
    {
        await using var opened = await dashboard.OpenAsync("/search?q=peanuts");
        var page = opened.Page;
        await page.GetByRole(AriaRole.Link, new() { Name = "Words", Exact = true }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("mode=keyword"));
        await Expect(page.GetByRole(AriaRole.Article)).ToHaveCountAsync(1);

        await page.GetByLabel("Search your memories").FillAsync("zzzzqqqq");
        await Expect(page.GetByRole(AriaRole.Heading, new() { Name = "No memory has these words" })).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Search by meaning too" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Article).First).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Link, new() { Name = "Hybrid" })).ToHaveAttributeAsync("aria-current", "true");
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task A_score_is_explained_under_the_pointer_and_by_keyboard()
    {
        await using var opened = await dashboard.OpenAsync("/search?q=the+server+crashed");
        var page = opened.Page;
        var first = page.GetByRole(AriaRole.Article).First;
        var why = first.GetByRole(AriaRole.Tooltip);
        var ring = first.GetByRole(AriaRole.Button, new() { NameRegex = new Regex("^Score") });
        await Expect(why).ToBeHiddenAsync();
        await ring.HoverAsync();
        await Expect(why).ToBeVisibleAsync();
        await Expect(why).ToContainTextAsync(
            new Regex(@"Meaning\s*no\. 1.*similarity 0\.\d\d.*Words\s*no\. 1.*Together\s*0\.0\d\d\d", RegexOptions.Singleline));
        await page.Mouse.MoveAsync(0, 0);
        await Expect(why).ToBeHiddenAsync();
        await ring.FocusAsync();
        await Expect(why).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(why).ToBeHiddenAsync();
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task Words_of_the_query_are_marked_and_markup_in_a_memory_is_only_text()
    {
        var word = $"q{string.Concat(Guid.NewGuid().ToString("N").Where(char.IsAsciiLetterLower))}";
        await RememberAsync($"The {word} parsers <b>crashed</b> <img src=x onerror=document.title=1>", "{}");
        await using var opened = await dashboard.OpenAsync($"/search?q={word}+crash+parser");
        var first = opened.Page.GetByRole(AriaRole.Article).First;
        await Expect(first.Locator("mark")).ToHaveTextAsync([word, "parsers", "crashed"]);
        await Expect(first).ToContainTextAsync("<b>crashed</b> <img src=x");
        await Expect(first.Locator("img, b")).ToHaveCountAsync(0);
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task Results_have_pages_which_stand_in_the_address()
    {
        var project = $"n{Guid.NewGuid():N}"[..12];
        for (var i = 0; i < 25; i++)
            await RememberAsync($"Page {i} of the logbook", $$"""{"project": "{{project}}"}""", new(2021, 2, 3, 4, i, 0, TimeSpan.Zero));
        await using var opened = await dashboard.OpenAsync($"/search?f=project:{project}");
        var page = opened.Page;
        var found = page.GetByRole(AriaRole.Article);
        var pages = page.GetByRole(AriaRole.Navigation, new() { Name = "Pages of results" });
        await Expect(found).ToHaveCountAsync(20);
        await Expect(pages).ToContainTextAsync("Page 1 of 2");
        await pages.GetByRole(AriaRole.Link, new() { Name = "Next" }).ClickAsync();
        await Expect(found).ToHaveCountAsync(5);
        await Expect(page).ToHaveURLAsync(new Regex("page=2"));
        await page.ReloadAsync();
        await Expect(found).ToHaveCountAsync(5);
        await pages.GetByRole(AriaRole.Link, new() { Name = "Previous" }).ClickAsync();
        await Expect(found).ToHaveCountAsync(20);
        await opened.GoToAsync($"/search?f=project:{project}&page=9");
        await page.GetByRole(AriaRole.Link, new() { Name = "First page" }).ClickAsync();
        await Expect(found).ToHaveCountAsync(20);
        opened.HasNoComplaints();
    }

    private Task<Event> RememberAsync(string text, string metadata, DateTimeOffset? time = null) => dashboard.Client.CreateAsync(
        new() { Content = JsonText.From(new { text }), Metadata = JsonText.Parse(metadata), Timestamp = time }, Cancelled);
}
