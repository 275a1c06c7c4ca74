using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MnemoLite.Client;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The overview in a real browser.</summary>
[Collection<Dashboard>]
public sealed class OverviewPageTests(Dashboard dashboard)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("chromium")]
    [InlineData("firefox")]
    public async Task What_an_agent_writes_appears_and_is_counted_without_a_reload(string browser)
    {
        await using var opened = await dashboard.OpenAsync("/", browser);
        var page = opened.Page;
        var totals = page.GetByRole(AriaRole.List, new() { Name = "Totals" });
        var newest = page.GetByRole(AriaRole.List, new() { Name = "Newest memories" });
        await Expect(newest.GetByRole(AriaRole.Link).First).ToBeVisibleAsync();
        await page.EvaluateAsync("document.body.dataset.isSame = 'true'");
        var text = $"The kettle is blue {Guid.NewGuid()}";

        var created = await dashboard.Client.CreateAsync(
            new() { Content = JsonText.From(new { text }), Metadata = JsonText.Parse("""{"severity": "warning", "project": "home"}""") }, Cancelled);

        var line = newest.GetByRole(AriaRole.Link).Filter(new() { HasText = text });
        await Expect(line).ToHaveAttributeAsync("href", $"/events/{created.Id}");
        await Expect(line).ToContainTextAsync("home");
        var total = (await dashboard.Client.GetStoreAsync(Cancelled)).Events.ToString("N0", CultureInfo.InvariantCulture);
        await Expect(totals.GetByRole(AriaRole.Listitem).First).ToContainTextAsync(new Regex($@"^{total}\s*memories"));
        await dashboard.Client.DeleteAsync(created.Id, Cancelled);
        await Expect(line).ToHaveCountAsync(0);
        await Expect(page.Locator("body")).ToHaveAttributeAsync("data-is-same", "true");
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task Already_on_the_first_visit_times_are_those_of_the_browser()
    {
        await using var context = await dashboard.NewContextAsync("chromium", 1440, timeZone: "Asia/Tokyo");
        await using var opened = new DashboardPage(await context.NewPageAsync(), dashboard.Address);
        await opened.GoToAsync("/");
        var time = opened.Page.GetByRole(AriaRole.List, new() { Name = "Newest memories" }).Locator("time").First;
        await Expect(time).ToHaveAttributeAsync("title", new Regex(@"\(UTC\+09:00\)$"));
        await opened.Page.ReloadAsync();
        await Expect(time).ToHaveAttributeAsync("title", new Regex(@"\(UTC\+09:00\)$"));
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task The_period_is_chosen_and_stands_in_the_address()
    {
        await using var opened = await dashboard.OpenAsync("/");
        var page = opened.Page;
        var chart = page.GetByRole(AriaRole.Group, new() { Name = "New memories in the last" });
        await Expect(chart).ToHaveAccessibleNameAsync(new Regex("last 7 days"));
        var periods = page.GetByRole(AriaRole.Navigation, new() { Name = "Period" });

        await periods.GetByRole(AriaRole.Link, new() { Name = "30 days" }).ClickAsync();
        await Expect(chart).ToHaveAccessibleNameAsync(new Regex("last 30 days"));
        await Expect(page).ToHaveURLAsync(new Regex(@"/\?period=30d$"));
        await Expect(page.Locator(".chart tbody tr")).ToHaveCountAsync(30);
        await page.GoBackAsync();
        await Expect(chart).ToHaveAccessibleNameAsync(new Regex("last 7 days"));
        await opened.GoToAsync("/?period=24h");
        await Expect(chart).ToHaveAccessibleNameAsync(new Regex("last 24 hours"));
        await Expect(page.Locator(".chart tbody tr")).ToHaveCountAsync(24);
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task The_chart_is_read_with_the_arrow_keys_and_what_memories_are_about_leads_to_them()
    {
        await using var opened = await dashboard.OpenAsync("/?period=24h");
        var page = opened.Page;
        var chart = page.GetByRole(AriaRole.Group, new() { Name = "New memories in the last" });
        await chart.FocusAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(page.Locator(".tip:visible")).ToContainTextAsync(new Regex(@"^[\d,]+ \d\d:00$"));
        var last = await page.Locator(".tip:visible").InnerTextAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        await Expect(page.Locator(".tip:visible")).Not.ToHaveTextAsync(last);

        var about = page.GetByRole(AriaRole.Region, new() { Name = "What they are about" }).GetByRole(AriaRole.Link);
        await Expect(about.Filter(new() { HasText = "billing" })).ToHaveAttributeAsync("href", "/search?f=project%3Abilling");
        await about.Filter(new() { HasText = "critical" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("/search.*severity.*critical"));
    }
}
