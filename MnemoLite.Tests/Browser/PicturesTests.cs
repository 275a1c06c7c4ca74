using Microsoft.Playwright;
using MnemoLite.Bench.Retrieval;
using MnemoLite.Client;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The pictures of the README and the docs.</summary>
[Collection<Dashboard>]
public sealed class PicturesTests(Dashboard dashboard)
{
    private static readonly string? Folder = Environment.GetEnvironmentVariable("SCREENSHOTS");

    /// <summary>Draws the pictures of every page anew when SCREENSHOTS names the folder for them, with a month of memories in the store.</summary>
    [Fact]
    public async Task The_pictures_of_the_pages_can_be_taken()
    {
        if (Folder is not null)
            await RememberAMonthAsync();
        var folder = Folder ?? Directory.CreateTempSubdirectory("mnemolite-pictures-").FullName;
        var pages = new (string Name, string Path, string Content)[]
        {
            ("overview", "/?period=30d", ".latest a"),
            ("search", "/search?q=what%20does%20Anna%20like%20in%20code", "article:has-text('Anna')"),
            ("event", $"/events/{dashboard.Ids[1]}", "h2:has-text('Similar memories')"),
            ("graph", "/graph", "canvas[data-layout=done]"),
            ("import", "/import?f=project:billing", ".total b"),
            ("monitoring", "/monitoring", ".alerts li"),
            ("system", "/system", "table"),
        };
        foreach (var (name, path, content) in pages)
            foreach (var (suffix, width, scheme) in new[] { ("", 1440, ColorScheme.Light), ("-phone", 390, ColorScheme.Dark) })
            {
                await using var opened = await dashboard.OpenAsync(path, width: width, scheme: scheme);
                if (Folder is not null)
                    await opened.GoToAsync(path); // the first visit after a start is slower than what a person sees from then on
                await Expect(opened.Page.Locator($"main {content}").First).ToBeVisibleAsync();
                if (name == "graph")
                {
                    await opened.Page.GetByLabel("Find a node").FillAsync("Billing");
                    await opened.Page.Keyboard.PressAsync("Enter");
                    await Expect(opened.Page.GetByRole(AriaRole.Heading, new() { Name = "Billing" })).ToBeVisibleAsync();
                }
                var picture = Path.Combine(folder, $"{name}{suffix}.png");
                await opened.Page.ScreenshotAsync(new() { Path = picture });
                Assert.True(new FileInfo(picture).Length > 10_000, "a picture of an empty page is smaller");
            }
        await using var trace = await RunningPageTests.OpenTraceOfSearchAsync(dashboard);
        await trace.Page.ScreenshotAsync(new() { Path = Path.Combine(folder, "trace.png") });
    }

    /// <summary>The memories of the retrieval benchmark, as if they had been written over the last thirty days, more of them lately.</summary>
    private async Task RememberAMonthAsync()
    {
        var random = new Random(1);
        var now = DateTimeOffset.UtcNow;
        var memories = LabelledSet.Load(LabelledSet.Folder).Memories.OrderBy(_ => random.Next()).Take(600).Select(memory => new BatchEvent
        {
            Timestamp = now.AddHours(-2 - (29 * 24 * Math.Pow(random.NextDouble(), 1.4))),
            Content = JsonText.From(new { text = memory.Text }),
            Metadata = JsonText.From(new Dictionary<string, string>(memory.Metadata.Where(pair => pair.Key != "date"))
            {
                ["severity"] = random.NextDouble() switch { < 0.02 => "critical", < 0.12 => "warning", _ => "info" },
            }),
        });
        var stored = await dashboard.Client.StoreAsync(memories.ToAsyncEnumerable());
        Assert.Equal(0, stored.Failed);
        foreach (var question in new[] { "what does Anna like in code", "why is billing frozen", "payment retries", "disk full", "team meeting", "peanuts" })
            for (var asked = 0; asked < 8; asked++)
                await dashboard.Client.SearchAsync(new SearchRequest { Query = question });
    }
}
