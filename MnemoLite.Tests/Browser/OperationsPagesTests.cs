using System.Net.Http.Json;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Microsoft.Playwright;
using MnemoLite.Client;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The monitoring and the system page in a real browser.</summary>
[Collection<Dashboard>]
public sealed class OperationsPagesTests(Dashboard dashboard)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Monitoring_tells_the_status_the_limits_and_what_is_behind_them()
    {
        await using var opened = await dashboard.OpenAsync("/monitoring");
        var page = opened.Page;
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Status" })).ToContainTextAsync("critical memor"); // the disk was full
        var limits = page.GetByRole(AriaRole.Region, new() { Name = "Limits" }).GetByRole(AriaRole.Listitem);
        await Expect(limits).ToHaveCountAsync(4);
        foreach (var limit in (string[])["at least 70 %", "at most 200 ms", "at most 1 %", "at most 90 %"])
            await Expect(limits.Filter(new() { HasText = limit })).ToHaveCountAsync(1);
        await Expect(page.GetByRole(AriaRole.Group, new() { NameRegex = new Regex("^Answer time") })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Img, new() { NameRegex = new Regex(@"^\d+ busy, \d+ idle, \d+ at most$") })).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Indexes, as a table" })).ToContainTextAsync("events_pkey");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Slow statements", Exact = true })).ToContainTextAsync(new Regex("SELECT|INSERT"));
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task Caches_are_cleared_after_a_question()
    {
        await using var opened = await dashboard.OpenAsync("/monitoring");
        var page = opened.Page;
        using var http = dashboard.App.CreateHttpClient("api");
        var question = new SearchRequest { Query = $"what fills a cache {Guid.NewGuid()}" };
        var clear = page.GetByRole(AriaRole.Button, new() { Name = "Clear caches" });
        var dialog = page.GetByRole(AriaRole.Dialog);
        await AskAsync();

        await clear.ClickAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Cancel" }).ClickAsync();
        await Expect(dialog).ToBeHiddenAsync();
        Assert.Equal("mnemolite; hit", await AskAsync());

        await clear.ClickAsync();
        Assert.Empty(await opened.ViolationsAsync());
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Clear", Exact = true }).ClickAsync();
        await Expect(page.GetByText("The caches are empty")).ToBeVisibleAsync();
        await Expect(page.GetByRole(AriaRole.Row, new() { Name = "Searches" })).ToContainTextAsync("0 of 200");
        Assert.StartsWith("mnemolite; fwd=miss", await AskAsync(), StringComparison.Ordinal);
        opened.HasNoComplaints();

        async Task<string> AskAsync()
        {
            using var answer = await http.PostAsJsonAsync("v1/search/", question, MnemoLiteJson.Default.SearchRequest, Cancelled);
            return Assert.Single(answer.EnsureSuccessStatusCode().Headers.GetValues("Cache-Status"));
        }
    }

    [Fact]
    public async Task System_tells_the_version_the_model_and_where_to_go_on()
    {
        await using var opened = await dashboard.OpenAsync("/system");
        var page = opened.Page;
        var version = (await dashboard.Client.GetSystemMetricsAsync(Cancelled)).Process.Version.Split('+')[0];
        var about = page.GetByRole(AriaRole.Region, new() { Name = "MnemoLite", Exact = true });
        await Expect(about).ToContainTextAsync(version);
        await Expect(about).ToContainTextAsync("use-lite-fp16");
        await Expect(about).ToContainTextAsync("512");
        await Expect(page.GetByRole(AriaRole.Region, new() { Name = "Instances", Exact = true }).GetByRole(AriaRole.Rowheader)).ToHaveCountAsync(1);
        using var http = new HttpClient();
        foreach (var name in (string[])["API reference", "OpenAPI document", "Metrics"])
        {
            var address = await page.GetByRole(AriaRole.Link, new() { Name = name }).GetAttributeAsync("href");
            using var answer = await http.GetAsync(new Uri(address!), Cancelled);
            Assert.True(answer.IsSuccessStatusCode, $"{name}: {answer.StatusCode}");
        }
        await Expect(page.GetByLabel("Configuration of the agent")).ToContainTextAsync("/mcp\"");
        opened.HasNoComplaints();
    }
}
