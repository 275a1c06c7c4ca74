using System.Collections.Concurrent;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using Deque.AxeCore.Commons;
using Microsoft.Playwright;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>One application with a few memories and both browsers, for every test that looks at the dashboard. The tests of the collection
/// run one after the other.</summary>
[CollectionDefinition]
public sealed class Dashboard : IAsyncLifetime, ICollectionFixture<Dashboard>
{
    /// <summary>As on a desk and on a phone.</summary>
    public static readonly IReadOnlyList<(int Width, int Height)> Sizes = [(1440, 900), (390, 844)];

    /// <summary>What is remembered from the start, oldest first.</summary>
    public static readonly IReadOnlyList<(string Text, string Metadata)> Memories =
    [
        ("Anna prefers tabs over spaces and short functions", """{"project": "website", "type": "preference", "severity": "info"}"""),
        ("The release of the billing service is frozen until the audit is over", """{"project": "billing", "type": "decision", "severity": "warning", "category": "release"}"""),
        ("OrderService.cs retries a payment three times before it gives up", """{"project": "billing", "type": "code", "category": "payments"}"""),
        ("My physician told me to avoid peanuts", """{"type": "health"}"""),
        ("The server crashed because the disk was full", """{"project": "ops", "type": "incident", "severity": "critical", "category": "outage"}"""),
        ("The team meets on Tuesdays at ten, in the small room", """{"project": "website", "type": "meeting", "severity": "info"}"""),
    ];

    /// <summary>The nodes of the graph, by their label.</summary>
    private static readonly (string Type, string[] Labels)[] Things =
    [
        ("person", ["Anna", "Ben", "Chiara", "David", "Emre", "Fatima", "Gustav", "Hana"]),
        ("project", ["Website", "Billing", "Ops", "Mobile app"]),
        ("file", ["index.razor", "theme.css", "OrderService.cs", "PaymentRetry.cs", "invoice.sql", "compose.yaml", "backup.sh", "sync.swift"]),
        ("decision", ["Release freeze until the audit", "Tabs over spaces", "Three tries for a payment", "Weekly restore test", "Offline first"]),
        ("incident", ["Disk full on db-1", "Double charge in March"]),
        ("topic", ["PostgreSQL", "Accessibility", "Payments", "Backups"]),
        ("place", ["The small room"]),
    ];

    private static readonly (string Type, string[] Pairs)[] Relations =
    [
        ("works_on", ["Anna>Website", "Ben>Billing", "Chiara>Billing", "David>Ops", "Emre>Mobile app", "Fatima>Website", "Gustav>Ops", "Hana>Mobile app", "Anna>Billing"]),
        ("belongs_to", ["index.razor>Website", "theme.css>Website", "OrderService.cs>Billing", "PaymentRetry.cs>Billing", "invoice.sql>Billing", "compose.yaml>Ops", "backup.sh>Ops", "sync.swift>Mobile app"]),
        ("concerns", ["Release freeze until the audit>Billing", "Tabs over spaces>Website", "Three tries for a payment>Billing", "Weekly restore test>Ops", "Offline first>Mobile app"]),
        ("proposed", ["Ben>Release freeze until the audit", "Anna>Tabs over spaces", "Chiara>Three tries for a payment", "Gustav>Weekly restore test", "Hana>Offline first"]),
        ("approved", ["Fatima>Tabs over spaces", "Anna>Release freeze until the audit", "David>Weekly restore test", "Ben>Three tries for a payment"]),
        ("affected", ["Disk full on db-1>Ops", "Double charge in March>Billing"]),
        ("follows_from", ["Weekly restore test>Disk full on db-1", "Three tries for a payment>Double charge in March"]),
        ("about", ["invoice.sql>PostgreSQL", "backup.sh>Backups", "theme.css>Accessibility", "index.razor>Accessibility", "PaymentRetry.cs>Payments", "OrderService.cs>Payments", "compose.yaml>PostgreSQL"]),
        ("knows", ["Fatima>Accessibility", "Gustav>PostgreSQL", "Gustav>Backups", "Chiara>Payments"]),
    ];

    private const string HeadlessShell = "/usr/bin/chromium-headless-shell";

    private readonly Dictionary<string, IBrowser> _browsers = [];
    private HttpClient? _http;
    private IPlaywright? _playwright;

    static Dashboard() => SetDefaultExpectTimeout(60_000); // what comes, comes late where the machine has much else to do

    /// <summary>The folder with the application's data.</summary>
    public DirectoryInfo Data { get; } = RunningApplication.DataDirectory();

    public DistributedApplication App { get; private set; } = null!;

    public MnemoLiteClient Client { get; private set; } = null!;

    public string Address { get; private set; } = null!;

    /// <summary>Of <see cref="Memories"/>, in their order.</summary>
    public IReadOnlyList<Guid> Ids { get; private set; } = [];

    /// <summary>The nodes of the graph, by their label.</summary>
    public IReadOnlyDictionary<string, Guid> Nodes { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        App = await RunningApplication.StartAsync(Data);
        Address = App.GetEndpoint("web").ToString().TrimEnd('/');
        _http = App.CreateHttpClient("api");
        Client = new MnemoLiteClient(_http);
        var ids = new List<Guid>();
        foreach (var (text, metadata) in Memories)
        {
            var stored = await Client.CreateAsync(new() { Content = JsonText.From(new { text }), Metadata = JsonText.Parse(metadata) });
            ids.Add(stored.Id);
        }
        Ids = ids;
        await LinkAsync();
        _playwright = await Playwright.CreateAsync();
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var browser in _browsers.Values)
            await browser.DisposeAsync();
        _playwright?.Dispose();
        _http?.Dispose();
        if (App is not null)
            await App.DisposeAsync();
        Data.Delete(recursive: true);
    }

    private async Task LinkAsync()
    {
        var nodes = new Dictionary<string, Guid>();
        foreach (var (type, labels) in Things)
            foreach (var label in labels)
            {
                var properties = label == "Release freeze until the audit" ? JsonText.From(new { event_id = Ids[1], until = "audit" }) : default;
                nodes[label] = (await Client.CreateNodeAsync(new() { Type = type, Label = label, Properties = properties })).Id;
            }
        foreach (var (type, pairs) in Relations)
            foreach (var pair in pairs.Select(pair => pair.Split('>')))
                await Client.CreateEdgeAsync(new() { Source = nodes[pair[0]], Target = nodes[pair[1]], Type = type });
        Nodes = nodes;
    }

    /// <summary>A page of its own in <c>chromium</c> or <c>firefox</c>, once it can be used.</summary>
    public async Task<DashboardPage> OpenAsync(string path, string browser = "chromium", int width = 1440, ColorScheme scheme = ColorScheme.Light)
    {
        var context = await NewContextAsync(browser, width);
        var appearance = scheme == ColorScheme.Dark ? "dark" : "light"; // as the appearance menu: Firefox does not take the system's from Playwright
        await context.AddCookiesAsync([new() { Name = "appearance", Value = appearance, Url = Address }]);
        var page = new DashboardPage(await context.NewPageAsync(), Address);
        await page.GoToAsync(path);
        return page;
    }

    /// <summary>A window of its own, with nothing in it.</summary>
    internal async Task<IBrowserContext> NewContextAsync(string browser, int width, ColorScheme scheme = ColorScheme.Light, string timeZone = "UTC") =>
        await (await BrowserAsync(browser)).NewContextAsync(new()
        {
            ViewportSize = new() { Width = width, Height = Sizes.First(size => size.Width == width).Height },
            ColorScheme = scheme,
            Locale = "en-GB",
            TimezoneId = timeZone,
            ReducedMotion = ReducedMotion.Reduce,
        });

    private async Task<IBrowser> BrowserAsync(string name)
    {
        if (!_browsers.TryGetValue(name, out var browser))
            _browsers[name] = browser = await LaunchAsync(_playwright!, name);
        return browser;
    }

    internal static Task<IBrowser> LaunchAsync(IPlaywright playwright, string name = "chromium") => name switch
    {
        "chromium" => playwright.Chromium.LaunchAsync(new()
        {
            ExecutablePath = Environment.GetEnvironmentVariable("CHROMIUM") ?? (File.Exists(HeadlessShell) ? HeadlessShell : "/usr/bin/chromium"),
            Args = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
        }),
        _ => playwright.Firefox.LaunchAsync(new()
        {
            Channel = "moz-firefox", // the browser as it is released, not Playwright's own build
            ExecutablePath = Environment.GetEnvironmentVariable("FIREFOX") ?? "/usr/bin/firefox-esr",
        }),
    };
}

/// <summary>One page in a context of its own, and everything that it complained about.</summary>
public sealed class DashboardPage : IAsyncDisposable
{
    private static readonly string AxeScript = new BundledAxeScriptProvider().GetScript();
    private static readonly string[] ColourRules = ["color-contrast", "link-in-text-block"];

    private readonly string _address;

    public DashboardPage(IPage page, string address)
    {
        (Page, _address) = (page, address);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
                Complaints.Enqueue($"{message.Type}: {message.Text}");
        };
        page.PageError += (_, error) => Complaints.Enqueue(error);
    }

    public IPage Page { get; }

    /// <summary>What stood in the console as an error or a warning.</summary>
    public ConcurrentQueue<string> Complaints { get; } = [];

    /// <summary>Opens that path and waits until it can be used.</summary>
    public async Task GoToAsync(string path)
    {
        await Page.GotoAsync(_address + path);
        await Expect(Page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
    }

    /// <summary>What axe finds serious or critical, each with the first element it was found at.</summary>
    /// <param name="ofColours">Whether to look only at what depends on the colours, where all else was looked at before.</param>
    public async Task<IReadOnlyList<string>> ViolationsAsync(bool ofColours = false)
    {
        await Page.EvaluateAsync( // colours that still change are of no account; where one has changed, those that depend on it begin to
            """
            () => {
                const changing = () => document.getAnimations().filter(it => it.playState === 'running' && it.effect?.getComputedTiming().iterations !== Infinity);
                for (let some = changing(); some.length > 0; some = changing()) some.forEach(it => it.finish());
            }
            """);
        if (!await Page.EvaluateAsync<bool>("'axe' in window"))
            await Page.EvaluateAsync(AxeScript); // there are no frames: to join what they say takes a second page, and much longer
        return await Page.EvaluateAsync<string[]>(
            """
            async rules => (await axe.run({ resultTypes: ['violations'], ...(rules && { runOnly: rules }) })).violations
                .filter(it => it.impact === 'serious' || it.impact === 'critical')
                .map(it => `${it.id}: ${it.help}: ${it.nodes[0].html}`)
            """,
            ofColours ? ColourRules : null);
    }

    /// <summary>Where the page can be scrolled sideways, how far, and what stands out of it.</summary>
    public Task<string[]> OverflowingAsync() => Page.EvaluateAsync<string[]>("""
        () => {
            const { scrollWidth, clientWidth } = document.documentElement;
            if (scrollWidth <= clientWidth) return [];
            const beyond = [...document.querySelectorAll('body *')].filter(element => element.getBoundingClientRect().right > clientWidth);
            return [
                `${document.title}: ${scrollWidth} of ${clientWidth}`,
                ...beyond.map(element => `${element.outerHTML.slice(0, 200)} ${element.getBoundingClientRect().right}`)];
        }
        """);

    /// <summary>Fails if anything stood in the console.</summary>
    public void HasNoComplaints() => Assert.Empty(Complaints);

    /// <summary>Leaves the page as people do, so that the dashboard asks for nothing more on its behalf.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!Page.IsClosed)
            await Page.GotoAsync("about:blank");
        await Page.Context.DisposeAsync();
    }
}
