using System.Text;
using Microsoft.Playwright;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>In which space the dashboard asks the API, as its requests say.</summary>
public sealed class SpaceOfRequestsTests(RunningApplication app, Chromium chromium) : IAsyncLifetime, IClassFixture<Chromium>
{
    private RecordingApi _api = null!;
    private ApiProcess _web = null!;
    private IBrowserContext _window = null!;
    private string _address = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _api = await RecordingApi.StartAsync(app.Http);
        _web = ApiProcess.StartDashboard(_api.Address);
        _window = await chromium.NewContextAsync();
        _address = (await _web.FindAddressAsync(CancellationToken.None)).ToString().TrimEnd('/');
    }

    public async ValueTask DisposeAsync()
    {
        await _window.DisposeAsync();
        await _web.DisposeAsync();
        await _api.DisposeAsync();
    }

    [Fact]
    public async Task Everything_is_asked_in_the_space_that_was_chosen()
    {
        _api.Spaces = [Spaces.Default, "work"];
        await ChooseAsync("work");
        var opened = await OpenAsync("/");
        foreach (var path in (string[])["/search?q=tabs", "/graph", "/monitoring", "/system", "/"])
            await opened.GoToAsync(path);
        await RememberAsync(opened.Page, $"Written at work {Guid.NewGuid()}");
        await Expect(opened.Page.GetByText("Remembered", new() { Exact = true })).ToBeVisibleAsync();
        await opened.GoToAsync("/import");
        await ImportAndExportAsync(opened.Page);
        await Expect(Menu(opened.Page)).ToHaveAccessibleNameAsync("Space: work");

        Assert.All(_api.Asked, one => Assert.Equal("work", one.Space));
        var asked = _api.Asked.Select(one => one.Request).ToHashSet();
        Assert.All(
            ["GET /v1/spaces", "GET /v1/events", "GET /v1/events/stream", "POST /v1/search", "POST /v1/events", "POST /v1/events/batch", "GET /v1/events/export"],
            request => Assert.Contains(request, asked));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("No Name")]
    public async Task Without_a_choice_it_is_the_default_one_and_there_is_no_menu(string? cookie)
    {
        if (cookie is not null)
            await ChooseAsync(Uri.EscapeDataString(cookie));
        var opened = await OpenAsync("/");
        await Expect(opened.Page.Locator(".latest, .empty").First).ToBeVisibleAsync();
        await Expect(Menu(opened.Page)).ToHaveCountAsync(0);
        Assert.All(_api.Asked, one => Assert.Equal(Spaces.Default, one.Space));
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task A_page_stays_in_its_space_when_another_window_of_the_browser_goes_on()
    {
        _api.Spaces = ["home", "work"];
        await ChooseAsync("work");
        var first = await OpenAsync("/");
        await Expect(Menu(first.Page)).ToHaveAccessibleNameAsync("Space: work");
        var second = await OpenAsync("/search");
        await Menu(second.Page).ClickAsync();
        await second.Page.GetByRole(AriaRole.Menuitem, new() { Name = "home" }).ClickAsync();
        await Expect(Menu(second.Page)).ToHaveAccessibleNameAsync("Space: home");
        await Expect(second.Page).ToHaveURLAsync($"{_address}/search");
        await second.Page.CloseAsync();

        await first.Page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" }).GetByRole(AriaRole.Link, new() { Name = "Import" }).ClickAsync();
        await Expect(first.Page.GetByRole(AriaRole.Link, new() { Name = "Export", Exact = true })).ToBeVisibleAsync();
        _api.Asked.Clear();
        await ImportAndExportAsync(first.Page);
        Assert.Contains(("POST /v1/events/batch", "work"), _api.Asked);
        Assert.Contains(("GET /v1/events/export", "work"), _api.Asked);
        await first.Page.ReloadAsync();
        await Expect(Menu(first.Page)).ToHaveAccessibleNameAsync("Space: home");
        first.HasNoComplaints();
    }

    [Fact]
    public async Task A_key_is_where_it_may_be_whatever_was_chosen_before_and_signing_out_forgets_the_choice()
    {
        var key = ApiKey.Create().Key;
        _api.Keys[key] = ["blue", "green"];
        _api.Spaces = ["blue", "green"];
        await ChooseAsync("work");
        var page = await _window.NewPageAsync();
        var opened = new DashboardPage(page, _address);
        await page.GotoAsync(_address);
        await page.GetByLabel("Key").FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await Expect(Menu(page)).ToHaveAccessibleNameAsync("Space: blue");
        await Expect(page.Locator(".latest, .empty").First).ToBeVisibleAsync();
        Assert.All(_api.Asked, one => Assert.Equal("blue", one.Space));

        await Menu(page).ClickAsync();
        await page.GetByRole(AriaRole.Menuitem, new() { Name = "green" }).ClickAsync();
        await Expect(Menu(page)).ToHaveAccessibleNameAsync("Space: green");
        await Expect(page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
        var cookie = Assert.Single(await _window.CookiesAsync(), cookie => cookie.Name == "mnemolite-space");
        Assert.Equal(("green", SameSiteAttribute.Strict, "/"), (cookie.Value, cookie.SameSite, cookie.Path));
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{_address}/sign-in");
        Assert.DoesNotContain(await _window.CookiesAsync(), cookie => cookie.Name == "mnemolite-space");
        opened.HasNoComplaints();
    }

    [Theory]
    [InlineData(1440, ColorScheme.Light)]
    [InlineData(1440, ColorScheme.Dark)]
    [InlineData(390, ColorScheme.Light)]
    [InlineData(390, ColorScheme.Dark)]
    public async Task The_menu_fits_and_is_accessible(int width, ColorScheme scheme)
    {
        var name = new string('w', 63);
        var key = ApiKey.Create().Key;
        _api.Keys[key] = _api.Spaces = [name, "work"];
        var appearance = scheme == ColorScheme.Dark ? "dark" : "light";
        await _window.AddCookiesAsync([new() { Name = "appearance", Value = appearance, Url = _address }]);
        var page = await _window.NewPageAsync();
        var opened = new DashboardPage(page, _address);
        await page.SetViewportSizeAsync(width, 844);
        await page.GotoAsync(_address);
        await page.GetByLabel("Key").FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        foreach (var space in (string[])[name, "work"])
        {
            await Expect(Menu(page)).ToHaveAccessibleNameAsync($"Space: {space}");
            await Expect(page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
            foreach (var other in (string[])["Sign out", "Appearance"])
                await page.GetByRole(AriaRole.Button, new() { Name = other }).ClickAsync(new() { Trial = true });
            Assert.Empty(await opened.OverflowingAsync());
            var box = await Menu(page).BoundingBoxAsync();
            Assert.True(box is { Height: >= 44, X: >= 0 } && box.X + box.Width <= width, $"{box?.X} {box?.Width} {box?.Height}");
            Assert.Empty(await opened.ViolationsAsync());
            await Menu(page).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Menuitem)).ToHaveCountAsync(2);
            await Expect(page.Locator("[aria-current=true][role=menuitem]")).ToHaveTextAsync(space);
            Assert.Empty(await opened.ViolationsAsync());
            if (Environment.GetEnvironmentVariable("SCREENSHOTS") is { } folder)
                await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"space-{width}-{appearance}-{space[..4]}.png") });
            await page.GetByRole(AriaRole.Menuitem, new() { Name = "work" }).ClickAsync();
        }
        opened.HasNoComplaints();
    }

    private static ILocator Menu(IPage page) => page.GetByRole(AriaRole.Button, new() { Name = "Space:" });

    private Task ChooseAsync(string space) => _window.AddCookiesAsync([new() { Name = "mnemolite-space", Value = space, Url = _address }]);

    private async Task<DashboardPage> OpenAsync(string path)
    {
        var opened = new DashboardPage(await _window.NewPageAsync(), _address);
        await opened.GoToAsync(path);
        return opened;
    }

    private static async Task RememberAsync(IPage page, string text)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "Add memory" }).First.ClickAsync();
        await page.GetByLabel("What should be remembered?").FillAsync(text);
        await page.GetByRole(AriaRole.Button, new() { Name = "Remember", Exact = true }).ClickAsync();
    }

    private static async Task ImportAndExportAsync(IPage page)
    {
        var line = $$$"""{"content": {"text": "Brought along {{{Guid.NewGuid()}}}"}}""";
        await page.Locator("#file:enabled").SetInputFilesAsync(
            new FilePayload { Name = "memories.ndjson", MimeType = "application/x-ndjson", Buffer = Encoding.UTF8.GetBytes(line) });
        await page.GetByRole(AriaRole.Button, new() { Name = "Import", Exact = true }).ClickAsync();
        await Expect(page.GetByText("Done", new() { Exact = true })).ToBeVisibleAsync();
        await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Export", Exact = true }).ClickAsync());
    }
}
