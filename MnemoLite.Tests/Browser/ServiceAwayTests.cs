using Microsoft.Playwright;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The dashboard while the API is away.</summary>
public sealed class ServiceAwayTests(RunningApplication app, Chromium chromium) : IClassFixture<Chromium>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_say_that_the_API_is_away_and_come_back_by_themselves()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        var api = ApiProcess.Start(database.Setting);
        try
        {
            Uri address;
            using (var http = await api.ConnectAsync(Cancelled))
            {
                address = http.BaseAddress!;
                await RememberAsync(http, "What was there before");
            }
            await using var web = ApiProcess.StartDashboard(address);
            var dashboard = (await web.FindAddressAsync(Cancelled)).ToString().TrimEnd('/');
            var pages = new List<IPage>();
            foreach (var path in (string[])["/", "/monitoring", "/system"])
            {
                var opened = await chromium.OpenAsync(dashboard);
                await opened.GoToAsync(path);
                pages.Add(opened.Page);
            }
            var notice = pages.ConvertAll(page => page.GetByRole(AriaRole.Alert).Filter(new() { HasText = "not answering" }));
            await Expect(pages[0].Locator(".latest")).ToContainTextAsync("What was there before");

            await api.DisposeAsync();
            foreach (var said in notice)
                await Expect(said).ToBeVisibleAsync();
            await Expect(pages[0].Locator(".latest")).ToContainTextAsync("What was there before");
            await pages[2].ReloadAsync();
            await Expect(notice[2]).ToBeVisibleAsync();

            api = ApiProcess.Start(database.Setting, $"--urls={address}");
            using (var http = await api.ConnectAsync(Cancelled))
                await RememberAsync(http, "What was written since");
            foreach (var said in notice)
                await Expect(said).ToBeHiddenAsync();
            await Expect(pages[0].Locator(".latest")).ToContainTextAsync("What was written since");
            await Expect(pages[1].Locator(".alerts li")).ToHaveCountAsync(4);
            await Expect(pages[2].GetByRole(AriaRole.Region, new() { Name = "MnemoLite", Exact = true })).ToContainTextAsync("use-lite-fp16");
        }
        finally
        {
            await api.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_page_that_is_opened_while_the_API_takes_its_time_says_that_it_loads()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        await RememberAsync(http, "What is asked for");
        await using var door = new Door(http.BaseAddress!.Port);
        await using var web = ApiProcess.StartDashboard(new Uri($"http://127.0.0.1:{door.Port}"));
        using var dashboard = new HttpClient { BaseAddress = await web.FindAddressAsync(Cancelled) };

        door.Stalls = true;
        foreach (var path in (string[])["/", "/monitoring", "/system"])
        {
            var prerendered = await dashboard.GetStringAsync(new Uri(path, UriKind.Relative), Cancelled);
            Assert.Contains("aria-label=\"Loading", prerendered, StringComparison.Ordinal);
            Assert.DoesNotContain("not answering", prerendered, StringComparison.Ordinal);
        }
        await using var opened = await chromium.OpenAsync(dashboard.BaseAddress!.ToString().TrimEnd('/'));
        await opened.Page.GotoAsync(dashboard.BaseAddress.ToString());
        await Expect(opened.Page.GetByRole(AriaRole.Status, new() { Name = "Loading the overview" })).ToBeVisibleAsync();
        door.Stalls = false;
        await Expect(opened.Page.Locator(".latest")).ToContainTextAsync("What is asked for");
    }

    private static Task<Event> RememberAsync(HttpClient http, string text) =>
        new MnemoLiteClient(http).CreateAsync(new() { Content = JsonText.From(new { text }) }, Cancelled);
}
