using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The search page in a real browser.</summary>
[Collection<Dashboard>]
public sealed class SearchPageTests(Dashboard dashboard)
{
    [Fact]
    public async Task Memories_are_listed_added_and_found_by_meaning()
    {
        await using var opened = await dashboard.OpenAsync("/search");
        var page = opened.Page;
        var first = page.GetByRole(AriaRole.Article).First;
        await Expect(page.GetByRole(AriaRole.Article).Filter(new() { HasText = Dashboard.Memories[0].Text })).ToBeVisibleAsync();

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
        await Expect(first.GetByRole(AriaRole.Img, new() { NameRegex = new Regex(@"^Score -?\d\.\d\d$") })).ToBeVisibleAsync();
        await page.ReloadAsync();
        await Expect(search).ToHaveValueAsync("which foods am I allergic to?");
        await Expect(first).ToContainTextAsync("avoid peanuts");
        opened.HasNoComplaints();
    }
}
