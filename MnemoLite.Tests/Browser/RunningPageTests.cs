using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Microsoft.Playwright;
using MnemoLite.Tests.AppHost;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>LocalHosting's page of what runs.</summary>
[Collection<Dashboard>]
public sealed partial class RunningPageTests(Dashboard dashboard)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private HostFile Host => HostFile.Of(dashboard);

    [Fact]
    public async Task Nobody_sees_anything_without_the_link()
    {
        using var http = new HttpClient(new HttpClientHandler { UseCookies = false }) { BaseAddress = Host.Address };
        foreach (var path in (string[])["/", "/page.js", "/api/resources", "/api/consoles/postgres", "/api/traces", "/login", "/login?t=0123456789abcdef"])
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), Cancelled);
            Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        }
    }

    [Fact]
    public async Task The_link_allows_to_look_and_no_more_and_only_by_the_names_of_this_machine()
    {
        var cookies = new CookieContainer();
        using var http = new HttpClient(new HttpClientHandler { CookieContainer = cookies }) { BaseAddress = Host.Address };
        using (var page = await http.GetAsync(Host.Page, Cancelled))
        {
            Assert.Equal(Host.Address, page.RequestMessage!.RequestUri);
            Assert.DoesNotContain("unsafe", page.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        }
        var cookie = Assert.Single(cookies.GetAllCookies());
        Assert.True(cookie.HttpOnly);
        Assert.NotEqual(Host.Token, cookie.Value);
        using (var looked = await http.GetAsync(new Uri("/api/traces", UriKind.Relative), Cancelled))
            Assert.Equal(HttpStatusCode.OK, looked.StatusCode);
        using (var written = await http.PostAsync(new Uri("/v1/traces", UriKind.Relative), null, Cancelled))
            Assert.Equal(HttpStatusCode.Unauthorized, written.StatusCode);
        using var elsewhere = new HttpRequestMessage(HttpMethod.Get, "/api/traces") { Headers = { Host = $"rebound.example:{Host.Address.Port}" } };
        using (var refused = await http.SendAsync(elsewhere, Cancelled))
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Fact]
    public async Task A_killed_process_comes_back_as_one_restart_more()
    {
        await using var opened = await OpenAsync(dashboard);
        var rows = opened.Page.Locator("#instances li");
        await Expect(rows).ToHaveCountAsync(4);
        await Expect(opened.Page.GetByRole(AriaRole.Status)).ToHaveTextAsync("Everything is healthy");
        var api = rows.Filter(new() { Has = opened.Page.GetByRole(AriaRole.Heading, new() { Name = "api" }) });
        await Expect(api.GetByRole(AriaRole.Link, new() { Name = "localhost:" })).ToHaveAttributeAsync("href", dashboard.App.GetEndpoint("api").OriginalString);
        var restarts = int.Parse(await Value(api, "Restarts").InnerTextAsync(), CultureInfo.InvariantCulture);
        var id = int.Parse(await Value(api, "Process").InnerTextAsync(), CultureInfo.InvariantCulture);
        using (var process = Process.GetProcessById(id))
        {
            Assert.Contains("MnemoLite.Api.dll", await File.ReadAllTextAsync($"/proc/{id}/cmdline", Cancelled), StringComparison.Ordinal);
            process.Kill();
        }
        await Expect(Value(api, "Restarts")).ToHaveTextAsync($"{restarts + 1}");
        await Expect(Value(api, "State")).ToHaveTextAsync("Healthy");
        await Expect(Value(api, "Process")).Not.ToHaveTextAsync($"{id}");

        await api.GetByRole(AriaRole.Link, new() { Name = "Console" }).ClickAsync();
        await Expect(opened.Page.Locator("#lines li").Filter(new() { HasText = "ended with code 137" }).Last).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_console_shows_what_an_instance_prints_and_finds_words_in_it()
    {
        await using var opened = await OpenAsync(dashboard, "#/console");
        await opened.Page.GetByLabel("Instance").SelectOptionAsync("postgres");
        var lines = opened.Page.Locator("#lines li:visible");
        await Expect(lines.Filter(new() { HasText = "database system is ready to accept connections" }).First).ToBeVisibleAsync();
        await opened.Page.GetByRole(AriaRole.Searchbox, new() { Name = "Filter" }).FillAsync("listening IPv4");
        await Expect(lines.Filter(new() { HasText = "ready to accept connections" })).ToHaveCountAsync(0);
        await Expect(lines.First).ToContainTextAsync("listening on IPv4 address");
    }

    [Fact]
    public async Task A_search_is_a_waterfall_down_to_its_query()
    {
        await using var opened = await OpenTraceOfSearchAsync(dashboard);
        var spans = opened.Page.Locator("#spans details");
        var request = spans.Filter(new() { HasText = "POST /v1/search" }).First; // of this test, or of a page of the dashboard
        await Expect(request).ToBeVisibleAsync();
        var query = request.Locator("xpath=following::details").Filter(new() { HasText = "SELECT" }).First; // before it there may be those of other requests of a page
        await Expect(query.GetByText("db.query.text")).ToBeHiddenAsync();
        await query.Locator("summary").ClickAsync();
        await Expect(query.GetByText("db.query.text")).ToBeVisibleAsync();
        await Expect(query.GetByText("postgresql")).ToBeVisibleAsync();
        var (whole, part) = (await request.Locator(".track i").BoundingBoxAsync(), await query.Locator(".track i").BoundingBoxAsync());
        Assert.True(part!.X > whole!.X && part.Width < whole.Width, "a step lies within what it is a step of");
        Assert.True((await query.Locator("b").BoundingBoxAsync())!.X > (await request.Locator("b").BoundingBoxAsync())!.X, "it is indented");
    }

    [Fact]
    public async Task Only_the_latest_traces_are_kept_and_what_is_no_trace_is_refused()
    {
        using var http = new HttpClient { BaseAddress = Host.Address, DefaultRequestHeaders = { Authorization = new AuthenticationHeaderValue("Bearer", Host.Token) } };
        using var source = new ActivitySource($"test-{Guid.NewGuid()}");
        using (SendTraces(source.Name))
        {
            for (var i = 0; i < 510; i++)
            {
                Activity.Current = null;
                using var span = source.StartActivity($"{source.Name} {i}");
                span!.SetTag("list", new[] { "one", "two" }).SetTag("whole", 7L).SetStatus(ActivityStatusCode.Error);
            }
        }
        var kept = (await http.GetFromJsonAsync<JsonElement>("/api/traces", Cancelled)).EnumerateArray().ToList();
        Assert.Equal(500, kept.Count);
        var latest = kept.First(trace => trace.GetProperty("name").GetString() == $"{source.Name} 509");
        Assert.True(latest.GetProperty("failed").GetBoolean());
        Assert.DoesNotContain(kept, trace => trace.GetProperty("name").GetString() == $"{source.Name} 0");
        var details = await http.GetFromJsonAsync<JsonElement>($"/api/traces/{latest.GetProperty("id").GetString()}", Cancelled);
        var attributes = details.GetProperty("spans")[0].GetProperty("span").GetProperty("attributes").EnumerateArray()
            .ToDictionary(pair => pair.GetProperty("key").GetString()!, pair => pair.GetProperty("value").GetString());
        Assert.Equal("one, two", attributes["list"]);
        Assert.Equal("7", attributes["whole"]);
        using var refused = await http.PostAsync(new Uri("/v1/traces", UriKind.Relative), new StringContent("no trace"), Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
    }

    [Theory]
    [InlineData("chromium", 1440, ColorScheme.Light)]
    [InlineData("chromium", 1440, ColorScheme.Dark)]
    [InlineData("chromium", 390, ColorScheme.Light)]
    [InlineData("chromium", 390, ColorScheme.Dark)]
    [InlineData("firefox", 1440, ColorScheme.Light)]
    [InlineData("firefox", 390, ColorScheme.Light)]
    public async Task It_fits_is_accessible_and_says_nothing_in_the_console(string browser, int width, ColorScheme scheme)
    {
        using var source = new ActivitySource("OfAServiceWhoseNameHasNoPlaceToBreakIt");
        using (SendTraces(source.Name))
            source.StartActivity("POST /v1/search/OfAnAddressThatHasNoPlaceToBreakItEither")!.Dispose();
        await using var opened = await OpenTraceOfSearchAsync(dashboard, browser, width, scheme);
        await opened.Page.Locator("summary").Nth(1).ClickAsync();
        await LooksRightAsync(opened);
        foreach (var (page, content) in new[] { ("Traces", "#list a"), ("Console", "#lines li"), ("What runs", "#instances li") })
        {
            await opened.Page.GetByRole(AriaRole.Navigation).GetByRole(AriaRole.Link, new() { Name = page }).ClickAsync();
            await Expect(opened.Page.Locator(content).First).ToBeVisibleAsync();
            await Expect(opened.Page.GetByRole(AriaRole.Heading, new() { Level = 1, Name = page })).ToBeFocusedAsync();
            await LooksRightAsync(opened);
        }
        opened.HasNoComplaints();
    }

    /// <summary>Sends what is traced until it is disposed, as a service of that name.</summary>
    private TracerProvider SendTraces(string name) => Sdk.CreateTracerProviderBuilder().ConfigureResource(resource => resource.AddService(name)).AddSource(name)
        .AddOtlpExporter(options =>
        {
            options.Endpoint = new Uri(Host.Address, "/v1/traces");
            options.Protocol = OtlpExportProtocol.HttpProtobuf;
            options.Headers = $"authorization=Bearer {Host.Token}";
        }).Build();

    /// <summary>Shows the trace of a search that it makes.</summary>
    internal static async Task<DashboardPage> OpenTraceOfSearchAsync(
        Dashboard dashboard, string browser = "chromium", int width = 1440, ColorScheme scheme = ColorScheme.Light)
    {
        var opened = await OpenAsync(dashboard, "#/traces", browser, width, scheme);
        await opened.Page.GetByRole(AriaRole.Searchbox, new() { Name = "Filter" }).FillAsync("POST /v1/search");
        var searches = opened.Page.Locator("#list a").Filter(new() { HasTextRegex = SeveralSpans });
        await Eventually.UntilAsync(async () => // when there are many requests at once, only some are traced
        {
            await dashboard.Client.SearchAsync(new() { Query = $"the audit number {Guid.NewGuid()}" }, Cancelled);
            return await searches.CountAsync() > 0;
        });
        await searches.First.ClickAsync();
        await Expect(opened.Page.Locator("#spans details").Nth(3)).ToBeVisibleAsync();
        return opened;
    }

    private static async Task<DashboardPage> OpenAsync(
        Dashboard dashboard, string page = "", string browser = "chromium", int width = 1440, ColorScheme scheme = ColorScheme.Light)
    {
        var host = HostFile.Of(dashboard);
        var context = await dashboard.NewContextAsync(browser, width, scheme);
        var opened = new DashboardPage(await context.NewPageAsync(), host.Address.ToString());
        await opened.Page.GotoAsync(host.Page.ToString());
        await Expect(opened.Page.Locator("#instances li").Nth(3)).ToBeVisibleAsync();
        if (page.Length > 0)
            await opened.Page.GotoAsync(new Uri(host.Address, page).ToString());
        return opened;
    }

    private static ILocator Value(ILocator row, string term) => row.Locator($"div:has(> dt:text-is('{term}')) > dd");

    private static async Task LooksRightAsync(DashboardPage opened)
    {
        await Expect(opened.Page.Locator("h1:visible")).ToHaveCountAsync(1);
        Assert.Empty(await opened.OverflowingAsync());
        Assert.Empty(await opened.ViolationsAsync());
    }

    [GeneratedRegex("[4-9] spans")]
    private static partial Regex SeveralSpans { get; }

    /// <summary>What the engine tells of itself in its data folder.</summary>
    private sealed record HostFile(Uri Address, string Token, Uri Page)
    {
        public static HostFile Of(Dashboard dashboard) =>
            JsonSerializer.Deserialize<HostFile>(File.ReadAllText(Path.Combine(dashboard.Data.FullName, "host")), JsonSerializerOptions.Web)!;
    }
}
