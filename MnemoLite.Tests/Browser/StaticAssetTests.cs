using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>What a page loads beside its HTML.</summary>
[Collection<Dashboard>]
public sealed partial class StaticAssetTests(Dashboard dashboard)
{
    private const int MostScript = 200 * 1024;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Everything_has_its_fingerprint_in_its_name_may_be_kept_for_ever_and_comes_compressed()
    {
        await using var opened = await dashboard.OpenAsync("/");
        var loaded = new ConcurrentBag<IResponse>();
        opened.Page.Response += (_, response) => loaded.Add(response);
        await opened.Page.ReloadAsync(new() { WaitUntil = WaitUntilState.NetworkIdle });
        await opened.GoToAsync("/search");
        await Expect(opened.Page.Locator("article").First).ToBeVisibleAsync();
        await opened.GoToAsync("/graph");
        await Expect(opened.Page.Locator("canvas[data-layout=done]")).ToBeVisibleAsync();
        var assets = loaded.Where(one => one.Request.ResourceType is "stylesheet" or "script" or "font" or "image" && one.Url.StartsWith("http", StringComparison.Ordinal))
            .Select(one => one.Url).Distinct().ToList();
        var worker = new Uri(Assert.Single(opened.Page.Workers).Url); // what a worker loads is not told; it stands in its address
        assets.AddRange(worker.Fragment.TrimStart('#').Split(',').Select(part => new Uri(worker, part).ToString()));
        Assert.Contains(assets, asset => asset.EndsWith(".woff2", StringComparison.Ordinal));
        Assert.Contains(assets, asset => asset.Contains("/d3-force.", StringComparison.Ordinal));
        Assert.True(assets.Count >= 8, string.Join('\n', assets));

        using var http = new HttpClient();
        foreach (var asset in assets)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, asset) { Headers = { AcceptEncoding = { new("br"), new("gzip") } } };
            using var answer = await http.SendAsync(request, Cancelled);
            Assert.True(answer.IsSuccessStatusCode, $"{asset}: {answer.StatusCode}");
            Assert.Matches(Fingerprint(), asset);
            Assert.True(answer.Headers.CacheControl is { MaxAge.TotalDays: >= 365 } kept && kept.Extensions.Contains(new NameValueHeaderValue("immutable")),
                $"{asset}: {answer.Headers.CacheControl}");
            if (!asset.EndsWith(".woff2", StringComparison.Ordinal)) // is compressed in itself
                Assert.True(answer.Content.Headers.ContentEncoding.Any(encoding => encoding is "br" or "gzip"), $"{asset} is not compressed");
        }
    }

    [Fact]
    public void Our_own_JavaScript_is_small()
    {
        var web = new DirectoryInfo(Path.GetFullPath(Path.Combine(Projects.MnemoLite_AppHost.ProjectPath, "..", "MnemoLite.Web")));
        var scripts = web.EnumerateFiles("*.js", SearchOption.AllDirectories).ToList();
        Assert.Contains(scripts, script => script.Name == "app.js");
        Assert.InRange(scripts.Sum(script => script.Length), 1, MostScript);
    }

    [GeneratedRegex(@"\.[a-z0-9]{10}\.[a-z0-9.]+$")]
    private static partial Regex Fingerprint();
}
