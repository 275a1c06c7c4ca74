using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MnemoLite.Client;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The page of import and export in a real browser.</summary>
[Collection<Dashboard>]
public sealed class ImportPageTests(Dashboard dashboard)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_is_imported_its_bad_lines_told_and_what_is_exported_can_be_imported_again()
    {
        var run = $"import-{Guid.NewGuid():N}";
        var lines = Enumerable.Range(1, 600).Select(i => i switch
        {
            3 => "",
            5 => """{"content": "not an object"}""",
            580 => "{broken",
            _ => $$$"""{"content": {"text": "Lighthouse number {{{i}}} was painted"}, "metadata": {"project": "{{{run}}}", "i": {{{i}}}}}""",
        });
        await using var opened = await dashboard.OpenAsync("/import");
        var page = opened.Page;
        await ChooseAsync(page, string.Join("\r\n", lines));
        await Expect(page.GetByRole(AriaRole.Group, new() { Name = "The first lines of the file" })).ToContainTextAsync("Lighthouse number 1 ");
        await page.GetByRole(AriaRole.Button, new() { Name = "Import", Exact = true }).ClickAsync();
        await Expect(page.GetByText("Done", new() { Exact = true })).ToBeVisibleAsync();
        await Expect(page.Locator(".counts")).ToHaveTextAsync(new Regex(@"Stored\s*597\s*There already\s*0\s*Refused\s*2"));
        var errors = page.GetByRole(AriaRole.List, new() { Name = "Lines that were refused" }).GetByRole(AriaRole.Listitem);
        await Expect(errors).ToHaveCountAsync(2);
        await Expect(errors.Nth(0)).ToContainTextAsync("Line 5 content must be a JSON object");
        await Expect(errors.Nth(1)).ToContainTextAsync("Line 580");
        var saved = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Button, new() { Name = "Save as a file" }).ClickAsync());
        Assert.Equal(["5", "580"], (await ReadAsync(saved)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')[0]));

        foreach (var (address, found) in new[] { ($"/import?f=project:{run}", 597), ($"/import?f=project:{run}&q=lighthouse&mode=keyword", 597) })
        {
            await opened.GoToAsync(address);
            await Expect(page.Locator(".total")).ToContainTextAsync($"{found} memories");
            var file = await page.RunAndWaitForDownloadAsync(() => page.GetByRole(AriaRole.Link, new() { Name = "Export", Exact = true }).ClickAsync());
            Assert.EndsWith(".ndjson", file.SuggestedFilename, StringComparison.Ordinal);
            var exported = await ReadAsync(file);
            Assert.Equal(found, exported.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
            await ChooseAsync(page, exported);
            await page.GetByRole(AriaRole.Button, new() { Name = "Import", Exact = true }).ClickAsync();
            await Expect(page.GetByText("Done", new() { Exact = true })).ToBeVisibleAsync();
            await Expect(page.Locator(".counts")).ToHaveTextAsync(new Regex($@"Stored\s*0\s*There already\s*{found}\s*Refused\s*0"));
        }
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task An_import_that_is_cancelled_tells_how_many_are_stored_and_can_go_on()
    {
        var run = $"cancel-{Guid.NewGuid():N}";
        var lines = string.Join('\n', Enumerable.Range(1, 1000).Select(i =>
            $$$"""{"content": {"number": {{{i}}}}, "metadata": {"project": "{{{run}}}"}}"""));
        await using var opened = await dashboard.OpenAsync("/import");
        var page = opened.Page;
        var first = new TaskCompletionSource();
        await page.RouteAsync("**/import/lines*", async route =>
        {
            await first.Task;
            await route.ContinueAsync();
        });
        await ChooseAsync(page, lines);
        await page.GetByRole(AriaRole.Button, new() { Name = "Import", Exact = true }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Cancel", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Cancelling…" })).ToBeDisabledAsync();
        first.SetResult();
        await Expect(page.GetByText("Cancelled", new() { Exact = true })).ToBeVisibleAsync();
        await Expect(page.Locator(".counts")).ToContainTextAsync(new Regex(@"Stored\s*250"));
        Assert.Equal(250, await CountAsync(run));

        await page.GetByRole(AriaRole.Button, new() { Name = "Go on from line 251" }).ClickAsync();
        await Expect(page.GetByText("Done", new() { Exact = true })).ToBeVisibleAsync();
        Assert.Equal(1000, await CountAsync(run));
    }

    [Fact]
    public async Task An_import_whose_service_goes_away_says_where_it_stopped()
    {
        await using var opened = await dashboard.OpenAsync("/import");
        var page = opened.Page;
        await page.RouteAsync("**/import/lines*", route => route.FulfillAsync(new()
        {
            Status = 503,
            ContentType = "application/problem+json",
            Body = """{"detail": "The memory service is not answering."}""",
        }));
        await ChooseAsync(page, """{"content": {"text": "never stored"}}""");
        await page.GetByRole(AriaRole.Button, new() { Name = "Import", Exact = true }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The memory service is not answering.");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Go on from line 1" })).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_file_of_another_kind_is_not_imported()
    {
        await using var opened = await dashboard.OpenAsync("/import");
        var page = opened.Page;
        await ChooseAsync(page, """[{"content": {"text": "in an array"}}]""");
        await Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("one JSON array");
        await Expect(page.GetByRole(AriaRole.Button, new() { Name = "Import", Exact = true })).ToBeDisabledAsync();
    }

    [Fact]
    public async Task Lines_are_taken_from_the_page_only()
    {
        using var http = new HttpClient { BaseAddress = new(dashboard.Address) };
        using var answer = await http.PostAsync("/import/lines", new StringContent("""{"content": {}}""", Encoding.UTF8, "application/x-ndjson"), Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Contains("load it again", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    private static Task ChooseAsync(IPage page, string text) => page.Locator("#file:enabled").SetInputFilesAsync(
        new FilePayload { Name = "memories.ndjson", MimeType = "application/x-ndjson", Buffer = Encoding.UTF8.GetBytes(text) });

    private static async Task<string> ReadAsync(IDownload download) => await File.ReadAllTextAsync(await download.PathAsync(), Cancelled);

    private async Task<long> CountAsync(string project) =>
        (await dashboard.Client.SearchAsync(new() { Metadata = JsonText.From(new { project }), Limit = 1 }, Cancelled)).Total;
}
