using System.Net;
using Microsoft.Playwright;
using MnemoLite.Cli.Keys;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using MnemoLite.Tests.Security;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>A dashboard before an API that asks for keys.</summary>
public sealed class ProtectedDashboard(RunningApplication app) : IAsyncLifetime
{
    private readonly ProtectedApi _api = new(app);
    private ApiProcess _web = null!;

    public string Address { get; private set; } = null!;

    internal KeyStore Keys => _api.Keys;

    public async ValueTask InitializeAsync()
    {
        await _api.InitializeAsync();
        _web = ApiProcess.StartDashboard(_api.Address);
        Address = (await _web.FindAddressAsync(CancellationToken.None)).ToString().TrimEnd('/');
    }

    public async ValueTask DisposeAsync()
    {
        await _web.DisposeAsync();
        await _api.DisposeAsync();
    }
}

/// <summary>The dashboard of a memory that asks for keys.</summary>
public sealed class SignInTests(ProtectedDashboard dashboard, Chromium chromium, RunningApplication app)
    : IClassFixture<ProtectedDashboard>, IClassFixture<Chromium>
{
    private readonly string _address = dashboard.Address;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_person_signs_in_with_a_key_and_out_again()
    {
        await using var own = new ProtectedDashboard(app); // to which no other test has sent wrong keys
        await own.InitializeAsync();
        var address = own.Address;
        var key = await own.Keys.CreateAsync("Anna's", Scopes.Write, null, null, Cancelled);
        await using var shown = await chromium.OpenAsync(address);
        var page = shown.Page;
        await page.GotoAsync($"{address}/search?q=tabs");
        await Expect(page).ToHaveURLAsync($"{address}/sign-in?ReturnUrl=%2Fsearch%3Fq%3Dtabs");
        Assert.Empty(await shown.ViolationsAsync());
        await SubmitAsync(page, ApiKey.Create().Key);
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This is no key");
        Assert.Empty(await shown.ViolationsAsync());

        await SubmitAsync(page, key);
        await Expect(page).ToHaveURLAsync($"{address}/search?q=tabs");
        await Expect(page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
        var cookie = Assert.Single(await page.Context.CookiesAsync(), cookie => cookie.Name == "mnemolite");
        Assert.Equal((true, SameSiteAttribute.Strict), (cookie.HttpOnly, cookie.SameSite));
        Assert.DoesNotContain(key[^43..], cookie.Value, StringComparison.Ordinal);
        Assert.DoesNotContain(key[^43..], await page.ContentAsync(), StringComparison.Ordinal);

        await shown.GoToAsync("/");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add memory" }).First.ClickAsync();
        await page.GetByLabel("What should be remembered?").FillAsync("Written by one who signed in");
        await page.GetByRole(AriaRole.Button, new() { Name = "Remember", Exact = true }).ClickAsync();
        await Expect(page.Locator(".latest")).ToContainTextAsync("Written by one who signed in"); // comes by the stream of changes
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign out" }).ClickAsync();
        await Expect(page).ToHaveURLAsync($"{address}/sign-in");
        await page.GotoAsync(address);
        await Expect(page).ToHaveURLAsync($"{address}/sign-in?ReturnUrl=%2F");
        shown.HasNoComplaints();
    }

    [Fact]
    public async Task Who_guesses_is_told_at_once_to_wait()
    {
        await using var opened = await chromium.OpenAsync(_address);
        var page = opened.Page;
        await page.GotoAsync($"{_address}/sign-in");
        var told = "";
        for (var tries = 0; tries < 20 && !told.Contains("too many wrong keys", StringComparison.Ordinal); tries++)
        {
            await SubmitAsync(page, ApiKey.Create().Key);
            told = await page.GetByRole(AriaRole.Alert).TextContentAsync() ?? "";
        }
        Assert.Contains("too many wrong keys", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Signing_in_needs_no_JavaScript()
    {
        await using var context = await chromium.NewContextAsync(hasJavaScript: false);
        var page = await context.NewPageAsync();
        await page.GotoAsync($"{_address}/monitoring");
        await SubmitAsync(page, await dashboard.Keys.CreateAsync("plain", Scopes.Read, null, null, Cancelled));
        await Expect(page).ToHaveURLAsync($"{_address}/monitoring");
        await Expect(page.Locator("h1")).ToHaveTextAsync("Monitoring");
    }

    [Fact]
    public async Task Who_may_only_read_is_told_so_and_who_may_no_more_has_to_sign_in_anew()
    {
        var key = await dashboard.Keys.CreateAsync("reader", Scopes.Read, null, null, Cancelled);
        await using var opened = await chromium.OpenAsync(_address);
        var page = opened.Page;
        await page.GotoAsync(_address);
        await SubmitAsync(page, key);
        await Expect(page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Add memory" }).First.ClickAsync();
        await page.GetByLabel("What should be remembered?").FillAsync("Not allowed");
        await page.GetByRole(AriaRole.Button, new() { Name = "Remember", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("not allowed to do this");

        Assert.True(ApiKey.TryReadId(key, out var id));
        await dashboard.Keys.RevokeAsync(id, Cancelled);
        await Expect(page).ToHaveURLAsync($"{_address}/sign-in?ReturnUrl=%2F");
    }

    [Theory]
    [InlineData("GET", "/export")]
    [InlineData("POST", "/import/lines")]
    [InlineData("GET", "/_blazor")]
    [InlineData("GET", "/events/01890000-0000-7000-8000-000000000000")]
    public async Task Without_a_sign_in_nothing_is_given(string method, string path)
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var request = new HttpRequestMessage(new HttpMethod(method), _address + path);
        using var answer = await http.SendAsync(request, Cancelled);
        Assert.Equal(HttpStatusCode.Redirect, answer.StatusCode);
        Assert.Equal("/sign-in", answer.Headers.Location!.AbsolutePath);
    }

    [Theory]
    [InlineData("//example.org")]
    [InlineData("https://example.org")]
    [InlineData("/\\example.org")]
    public async Task Signing_in_leads_to_no_other_site(string target)
    {
        await using var opened = await chromium.OpenAsync(_address);
        var page = opened.Page;
        await page.GotoAsync($"{_address}/sign-in?ReturnUrl={Uri.EscapeDataString(target)}");
        await SubmitAsync(page, await dashboard.Keys.CreateAsync("led", Scopes.Read, null, null, Cancelled));
        await Expect(page).ToHaveURLAsync($"{_address}/");
    }

    private static async Task SubmitAsync(IPage page, string key)
    {
        await page.GetByLabel("Key").FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }
}
