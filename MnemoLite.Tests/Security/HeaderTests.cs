using System.Net;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Components;
using MnemoLite.Client;
using MnemoLite.Tests.Api;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Security;

/// <summary>What a passive scanner looks at: every kind of answer has the headers it should have, and none that tells who made it or lets a cache keep a memory.</summary>
public sealed partial class HeaderTests(RunningApplication app)
{
    private static readonly string[] Telling = ["Server", "X-Powered-By", "X-AspNet-Version", "X-AspNetMvc-Version", "Via", "X-Runtime", "X-Generator", "X-Debug-Token", "Access-Control-Allow-Origin"];

    private static readonly Dictionary<string, string> OfEveryAnswer = new()
    {
        ["X-Content-Type-Options"] = "nosniff",
        ["X-Frame-Options"] = "DENY",
        ["Referrer-Policy"] = "no-referrer",
        ["Cross-Origin-Resource-Policy"] = "same-origin",
    };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_answer_of_the_API()
    {
        var known = await app.Client.CreateAsync(new() { Content = JsonText.From(new { text = "what no cache keeps" }) }, Cancelled);
        var paths = (await Operation.ReadAsync(app.Http)).Where(operation => operation.Method == HttpMethod.Get).Select(operation => operation.Path.Replace("{id}", known.Id.ToString(), StringComparison.Ordinal));
        foreach (var path in paths.Concat(["/alive", "/alive/ready", "/openapi/v1.json", "/scalar/", "/mcp", "/no/such/path", "/v1/events/?limit=0", "/v1/events/x"]))
            await CheckAsync(app.Http, new(HttpMethod.Get, path), isPublic: path == "/scalar/");
        foreach (var (method, path, body) in new (HttpMethod, string, object)[]
        {
            (HttpMethod.Post, "/v1/events/", new { content = new { text = "what no cache keeps" } }), (HttpMethod.Post, "/v1/search", new { query = "what no cache keeps" }),
            (HttpMethod.Post, "/v1/search", new { limit = 0 }), (HttpMethod.Delete, $"/v1/events/{Guid.NewGuid()}", new { }), (HttpMethod.Put, "/v1/events/", new { }),
            (HttpMethod.Post, "/mcp", new { jsonrpc = "2.0", id = 1, method = "ping" }), (HttpMethod.Options, "/v1/events/", new { }),
        })
            await CheckAsync(app.Http, new(method, path) { Content = JsonContent.Create(body), Headers = { Accept = { new("application/json"), new("text/event-stream") } } }, isPublic: false);
    }

    [Fact]
    public async Task Every_answer_of_the_dashboard()
    {
        using var http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false }) { BaseAddress = app.Web };
        var known = await app.Client.CreateAsync(new() { Content = JsonText.From(new { text = "what no cache keeps" }) }, Cancelled);
        var pages = typeof(MnemoLite.Web.Components.App).Assembly.GetTypes().SelectMany(page => page.GetCustomAttributes<RouteAttribute>())
            .Select(route => route.Template.Replace("{Id:guid}", known.Id.ToString(), StringComparison.Ordinal)).ToList();
        Assert.True(pages.Count >= 10);
        foreach (var path in pages.Concat(["/no/such/page", "/export", "/alive", "/_blazor"]))
            await CheckAsync(http, new(HttpMethod.Get, path), isPublic: false);
        await CheckAsync(http, new(HttpMethod.Post, "/import/lines"), isPublic: false);
        await CheckAsync(http, new(HttpMethod.Post, "/_blazor/negotiate?negotiateVersion=1"), isPublic: false);
        foreach (Match asset in Asset().Matches(await http.GetStringAsync("/", Cancelled)))
            await CheckAsync(http, new(HttpMethod.Get, $"/{asset.Groups[1].Value}"), isPublic: true);
    }

    private static async Task CheckAsync(HttpClient http, HttpRequestMessage request, bool isPublic)
    {
        using (request)
        {
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
            var what = $"{request.Method} {request.RequestUri}: {(int)answer.StatusCode}\n{answer.Headers}{answer.Content.Headers}";
            Assert.True((int)answer.StatusCode is < 500 or 503, what);
            foreach (var (name, value) in OfEveryAnswer)
                Assert.True(answer.Headers.TryGetValues(name, out var values) && values.SequenceEqual([value]), $"{name}: {what}");
            var policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
            Assert.Contains("frame-ancestors 'none'", policy, StringComparison.Ordinal);
            Assert.DoesNotContain("unsafe-eval", policy, StringComparison.Ordinal);
            Assert.DoesNotMatch("script-src[^;]*'unsafe-inline'", policy);
            Assert.DoesNotContain(Telling, name => answer.Headers.Contains(name));
            if (!isPublic)
                Assert.True(answer.Headers.CacheControl is { NoStore: true }, what);
            if (answer.Headers.TryGetValues("Set-Cookie", out var cookies))
                Assert.All(cookies, cookie => Assert.True(cookie.Contains("httponly", StringComparison.OrdinalIgnoreCase) && cookie.Contains("samesite=strict", StringComparison.OrdinalIgnoreCase), cookie));
            if (!isPublic && answer.Content.Headers.ContentType is { MediaType: "text/html" } type)
                Assert.True(type.CharSet is not null, what);
            if (answer.StatusCode == HttpStatusCode.OK && answer.Content.Headers.ContentLength is not 0)
                Assert.True(answer.Content.Headers.ContentType is not null, what);
        }
    }

    [GeneratedRegex("(?:href|src)=\"([^\":]+\\.(?:js|css|svg|woff2))\"")]
    private static partial Regex Asset();
}
