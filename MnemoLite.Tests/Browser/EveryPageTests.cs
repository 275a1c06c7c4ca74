using Aspire.Hosting.Testing;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>What holds for every page, in both browsers, themes and sizes.</summary>
[Collection<Dashboard>]
public sealed class EveryPageTests(Dashboard dashboard)
{
    /// <summary>The path of each page, with ID for that of the first memory, and what shows that its content is there.</summary>
    private static readonly (string Path, string Content)[] Pages =
    [
        ("/", ".latest a"),
        ("/search", "article"),
        ("/search?q=why%20did%20our%20machine%20go%20down", "article"),
        ("/search?q=payment&mode=keyword&f=project%3Abilling&from=2020-01-01", "article"),
        ("/events/ID", "table"),
        ("/monitoring", ".alerts li"),
        ("/system", "table"),
        ("/graph", "canvas[data-layout=done]"),
        ("/import", ".total b"),
    ];

    public static TheoryData<string, string, int> Looks()
    {
        var looks = new TheoryData<string, string, int>();
        foreach (var (path, _) in Pages)
            foreach (var browser in new[] { "chromium", "firefox" })
                foreach (var (width, _) in Dashboard.Sizes)
                    looks.Add(path, browser, width);
        return looks;
    }

    [Theory, MemberData(nameof(Looks))]
    public async Task It_fits_is_accessible_in_both_themes_and_says_nothing_in_the_console(string path, string browser, int width)
    {
        ColorScheme[] schemes = width == Dashboard.Sizes[0].Width ? [ColorScheme.Light, ColorScheme.Dark] : [ColorScheme.Dark, ColorScheme.Light];
        await using var page = await dashboard.OpenAsync(path.Replace("ID", dashboard.Ids[0].ToString(), StringComparison.Ordinal), browser, width, schemes[0]);
        await Expect(page.Page.Locator($"main {Pages.First(p => p.Path == path).Content}").First).ToBeVisibleAsync();
        await Expect(page.Page.Locator("h1")).ToHaveCountAsync(1);
        Assert.Empty(await page.OverflowingAsync());
        foreach (var scheme in schemes)
        {
            var appearance = scheme == ColorScheme.Dark ? "dark" : "light";
            if (scheme != schemes[0])
                await page.Page.EvaluateAsync("appearance => mnemolite.appearance(appearance)", appearance);
            await Expect(page.Page.Locator("html")).ToHaveAttributeAsync("data-scheme", appearance);
            Assert.Empty((await page.ViolationsAsync(ofColours: scheme != schemes[0])).Select(violation => $"{appearance}: {violation}"));
        }
        page.HasNoComplaints();
    }

    [Fact]
    public async Task On_a_phone_the_other_pages_are_behind_More()
    {
        await using var page = await dashboard.OpenAsync("/", width: 390);
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "More pages" }).ClickAsync();
        await page.Page.GetByRole(AriaRole.Menuitem, new() { Name = "System" }).ClickAsync();
        await Expect(page.Page.Locator("h1")).ToHaveTextAsync("System");
        page.HasNoComplaints();
    }

    [Fact]
    public async Task The_page_of_the_API_runs_under_its_strict_policy()
    {
        await using var page = await dashboard.OpenAsync("/");
        await page.Page.GotoAsync($"{dashboard.App.GetEndpoint("api")}scalar/");
        await Expect(page.Page.GetByRole(AriaRole.Heading, new() { Name = "MnemoLite" }).First).ToBeVisibleAsync();
        page.HasNoComplaints();
    }
}
