using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The memories page in a real browser, on an application of its own.</summary>
public sealed class MemoriesPageTests : IAsyncLifetime
{
    private static readonly (string Text, string Metadata)[] Memories =
    [
        ("Anna prefers tabs over spaces and short functions", """{"project": "website", "type": "preference"}"""),
        ("The release of the billing service is frozen until the audit is over", """{"project": "billing", "type": "decision"}"""),
        ("OrderService.cs retries a payment three times before it gives up", """{"project": "billing", "type": "code"}"""),
        ("My physician told me to avoid peanuts", """{"type": "health"}"""),
        ("The server crashed because the disk was full", """{"project": "ops", "type": "incident", "severity": "high"}"""),
        ("The team meets on Tuesdays at ten, in the small room", """{"project": "website", "type": "meeting"}"""),
    ];

    private readonly DirectoryInfo _data = RunningApplication.DataDirectory();
    private readonly List<string> _complaints = [];
    private Aspire.Hosting.DistributedApplication? _app;
    private IPlaywright? _playwright;
    private IBrowser? _browser;
    private string _address = "";

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _app = await RunningApplication.StartAsync(_data);
        _address = Aspire.Hosting.Testing.DistributedApplicationHostingTestingExtensions.GetEndpoint(_app, "web").ToString().TrimEnd('/');
        using var http = Aspire.Hosting.Testing.DistributedApplicationHostingTestingExtensions.CreateHttpClient(_app, "api");
        var client = new MnemoLiteClient(http);
        foreach (var (text, metadata) in Memories)
            await client.CreateAsync(new() { Content = JsonText.From(new { text }), Metadata = JsonText.Parse(metadata) }, Cancelled);
        _playwright = await Playwright.CreateAsync();
        _browser = await LaunchAsync(_playwright);
    }

    internal static Task<IBrowser> LaunchAsync(IPlaywright playwright) => playwright.Chromium.LaunchAsync(new()
    {
        ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? "/usr/bin/chromium",
        Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
    });

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
        _data.Delete(recursive: true);
    }

    [Fact]
    public async Task Memories_are_listed_added_and_found_by_meaning()
    {
        var page = await OpenAsync(1440, 900, ColorScheme.Light);
        var first = page.GetByRole(AriaRole.Article).First;
        await Expect(page.GetByRole(AriaRole.Article)).ToHaveCountAsync(Memories.Length);
        await Expect(first).ToContainTextAsync(Memories[^1].Text);

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
        Assert.Empty(_complaints);
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/?q=why%20did%20our%20machine%20go%20down")]
    public async Task A_phone_shows_it_without_scrolling_sideways(string path)
    {
        var page = await OpenAsync(390, 844, ColorScheme.Dark, path);
        await Expect(page.GetByRole(AriaRole.Article).First).ToBeVisibleAsync();
        Assert.True(await page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0);
        Assert.Empty(_complaints);
    }

    /// <summary>Draws the README's pictures anew when SCREENSHOTS names the folder for them.</summary>
    [Fact]
    public async Task The_pictures_of_the_README_can_be_taken()
    {
        var folder = Environment.GetEnvironmentVariable("SCREENSHOTS") ?? Directory.CreateTempSubdirectory("mnemolite-pictures-").FullName;
        foreach (var (name, width, height, scheme) in new[] { ("memories", 1440, 900, ColorScheme.Light), ("memories-phone", 390, 844, ColorScheme.Dark) })
        {
            var page = await OpenAsync(width, height, scheme, "/?q=what%20does%20Anna%20like%20in%20code");
            await page.ReloadAsync(); // the first visit after a start is slower than what a person sees from then on
            await Expect(page.GetByRole(AriaRole.Article).First).ToContainTextAsync("Anna");
            var picture = Path.Combine(folder, $"{name}.png");
            await page.ScreenshotAsync(new() { Path = picture });
            Assert.True(new FileInfo(picture).Length > 10_000, "a picture of an empty page is smaller");
        }
        Assert.Empty(_complaints);
    }

    private async Task<IPage> OpenAsync(int width, int height, ColorScheme scheme, string path = "/")
    {
        var context = await _browser!.NewContextAsync(new() { ViewportSize = new() { Width = width, Height = height }, ColorScheme = scheme, Locale = "en-GB" });
        var page = await context.NewPageAsync();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                _complaints.Add(message.Text);
        };
        page.PageError += (_, error) => _complaints.Add(error);
        await page.GotoAsync(_address + path);
        await Expect(page.GetByLabel("Search your memories")).ToBeEditableAsync();
        return page;
    }
}
