using System.Text;
using Microsoft.Playwright;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using MnemoLite.Tests.Browser;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Security;

/// <summary>A memory that wants to be a script is a text on every page of the dashboard: nothing of it runs, and the policy has nothing to stop.</summary>
public sealed class ScriptTests(RunningApplication app, Chromium chromium) : IClassFixture<Chromium>
{
    /// <summary>Each sets a property of the window, or opens a dialogue.</summary>
    private static readonly string[] Payloads =
    [
        "<script>window.pwned=1</script>", "</script><script>window.pwned=1</script>", "<img src=x onerror=window.pwned=1>", "<svg onload=window.pwned=1>", "\"><img src=x onerror=window.pwned=1>",
        "' onmouseover='window.pwned=1' autofocus onfocus='window.pwned=1", "javascript:window.pwned=1", "[a link](javascript:window.pwned=1)", "[a link]( JaVaScRiPt&colon;window.pwned=1)",
        "<javascript:window.pwned=1>", "![a picture](x\" onerror=\"window.pwned=1)", "[a link](data:text/html,<script>alert(1)</script>)", "`<img src=x onerror=window.pwned=1>`",
        "<iframe srcdoc=\"<script>parent.pwned=1</script>\">", "<details open ontoggle=window.pwned=1>", "<math><mtext><style><img src=x onerror=window.pwned=1></style></mtext></math>",
        "{{constructor.constructor('window.pwned=1')()}}", "${window.pwned=1}", "<base href=//example.org/>", "<meta http-equiv=refresh content=\"0;url=javascript:alert(1)\">",
        "<style>*{background:url(javascript:window.pwned=1)}</style>", "<form action=javascript:alert(1)><button>x</button></form>", "%3Cscript%3Ewindow.pwned=1%3C/script%3E",
        "\u003cimg src=x onerror=window.pwned=1\u003e\u2028window.pwned=1",
    ];

    private const string Watch = """
        window.violations = [];
        addEventListener('securitypolicyviolation', violation => window.violations.push(`${violation.effectiveDirective} ${violation.blockedURI} ${violation.sample}`));
        """;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_memory_node_or_address_runs_a_script_on_any_page()
    {
        var run = $"{Guid.NewGuid():N}";
        var all = string.Join("\n\n", Payloads);
        var ids = new List<Guid>();
        foreach (var text in Payloads.Append($"# {all}\n\n**bold** {all}\n\n| a | b |\n|---|---|\n| {Payloads[0]} | {Payloads[2]} |\n\n```html\n{all}\n```\n\n- {all}"))
        {
            var metadata = new Dictionary<string, object> { ["run"] = run, ["project"] = text, ["type"] = text, ["severity"] = text, ["category"] = text, [text] = new[] { text } };
            ids.Add((await app.Client.CreateAsync(
                new() { Content = JsonText.From(new Dictionary<string, string> { ["text"] = text, ["title"] = text, [text] = text }), Metadata = JsonText.From(metadata) }, Cancelled)).Id);
        }
        Guid? first = null;
        foreach (var text in Payloads)
        {
            var properties = JsonText.From(new Dictionary<string, string> { [text] = text, ["event_id"] = text });
            var node = await app.Client.CreateNodeAsync(new() { Type = text[..Math.Min(text.Length, 50)], Label = text, Properties = properties }, Cancelled);
            first ??= node.Id;
            await app.Client.CreateEdgeAsync(new() { Source = first.Value, Target = node.Id, Type = text[..Math.Min(text.Length, 50)], Properties = properties }, Cancelled);
        }

        await using var opened = await chromium.OpenAsync(app.Web.ToString());
        var page = opened.Page;
        await page.AddInitScriptAsync(Watch);
        page.Dialog += (_, dialog) =>
        {
            opened.Complaints.Enqueue($"dialogue: {dialog.Message}");
            _ = dialog.DismissAsync();
        };
        string[] paths =
        [
            "/", $"/search?f=run:{run}", $"/search?q={Escaped("window.pwned onerror")}&f=run:{run}", "/graph", $"/graph?node={first}&depth=2", "/monitoring", "/system", "/import", "/no/such/page",
            $"/events/{ids[^1]}", .. ids.Take(4).Select(id => $"/events/{id}"),
            .. Payloads.Take(3).SelectMany(text => new[] { $"/search?q={Escaped(text)}", $"/search?f={Escaped(text)}:{Escaped(text)}&mode={Escaped(text)}&from={Escaped(text)}" }),
            $"/graph?node={Escaped(Payloads[4])}", $"/?period={Escaped(Payloads[4])}", $"/sign-in?ReturnUrl={Escaped(Payloads[6])}", $"/import?q={Escaped(Payloads[4])}&f={Escaped(Payloads[4])}",
        ];
        foreach (var path in paths)
        {
            await page.GotoAsync(new Uri(app.Web, path).ToString());
            if (path.StartsWith("/no", StringComparison.Ordinal) || path.StartsWith("/sign-in", StringComparison.Ordinal))
                await Expect(page.Locator("h1")).ToBeVisibleAsync();
            else
                await Expect(page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
            if (path == $"/search?f=run:{run}")
                await Expect(page.Locator("article").Nth(10)).ToBeVisibleAsync();
            if (path == $"/events/{ids[^1]}")
                await Expect(page.Locator("main h2, main h3, main h4").First).ToBeVisibleAsync();
            if (path.StartsWith("/graph?node=" + first, StringComparison.Ordinal))
                await Expect(page.Locator("canvas[data-layout=done]")).ToBeVisibleAsync();
            await HasRunNothingAsync(page, path);
        }
        await page.GotoAsync(new Uri(app.Web, "/import").ToString());
        await Expect(page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
        var lines = string.Join('\n', Payloads.Select(text => JsonText.From(new { content = new Dictionary<string, string> { ["text"] = text, [text] = text }, id = text }).ToString()));
        await page.Locator("input[type=file]").SetInputFilesAsync(new FilePayload { Name = "<img src=x onerror=window.pwned=1>.ndjson", MimeType = "text/html", Buffer = Encoding.UTF8.GetBytes(lines) });
        await page.GetByRole(AriaRole.Button, new() { Name = "Import", Exact = true }).ClickAsync();
        await Expect(page.GetByText("Done", new() { Exact = true })).ToBeVisibleAsync();
        await HasRunNothingAsync(page, "the import");
        Assert.DoesNotContain(opened.Complaints, complaint => !complaint.Contains("404", StringComparison.Ordinal)); // of the page that is not there
    }

    [Fact]
    public async Task A_script_would_be_noticed_and_the_policy_stops_it()
    {
        await using var opened = await chromium.OpenAsync(app.Web.ToString());
        var page = opened.Page;
        await page.AddInitScriptAsync(Watch);
        await page.SetContentAsync(Payloads[2]);
        await page.WaitForFunctionAsync("window.pwned === 1");
        await page.GotoAsync(app.Web.ToString());
        await page.EvaluateAsync("text => document.body.insertAdjacentHTML('beforeend', text)", Payloads[2]);
        await page.WaitForFunctionAsync("window.violations.length > 0");
        Assert.True(await page.EvaluateAsync<bool>("window.pwned === undefined"));
    }

    [Fact]
    public async Task What_is_exported_is_a_file_to_save_and_no_page()
    {
        await app.Client.CreateAsync(new() { Content = JsonText.From(new { text = Payloads[0] }) }, Cancelled);
        using var http = new HttpClient { BaseAddress = app.Web };
        using var answer = await http.GetAsync("/export?q=pwned&mode=keyword", Cancelled);
        Assert.Equal("attachment", answer.Content.Headers.ContentDisposition!.DispositionType);
        Assert.Equal("application/x-ndjson", answer.Content.Headers.ContentType!.MediaType);
        Assert.Contains("pwned", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    /// <summary>Nothing ran, nothing was stopped by the policy either, and no link or frame leads to a script.</summary>
    private static async Task HasRunNothingAsync(IPage page, string path)
    {
        Assert.True(await page.EvaluateAsync<bool>("window.pwned === undefined"), path);
        Assert.Equal("", await page.EvaluateAsync<string>("window.violations.join('\\n')"));
        var dangerous = await page.EvaluateAsync<string[]>("""
            [...document.querySelectorAll('*')].filter(element => element.localName === 'iframe' || element.localName === 'base' && element.getAttribute('href') !== '/'
                || [...element.attributes].some(attribute => /^on/.test(attribute.name) || /^(href|src|action|formaction)$/.test(attribute.name) && /^\s*(javascript|data:text)/i.test(attribute.value)))
                .map(element => element.outerHTML)
            """);
        Assert.True(dangerous.Length == 0, $"{path}: {string.Join('\n', dangerous)}");
    }

    private static string Escaped(string text) => Uri.EscapeDataString(text);
}
