using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The pictures of the README and the docs.</summary>
[Collection<Dashboard>]
public sealed class PicturesTests(Dashboard dashboard)
{
    /// <summary>Draws the pictures anew when SCREENSHOTS names the folder for them.</summary>
    [Fact]
    public async Task The_pictures_of_the_README_can_be_taken()
    {
        var folder = Environment.GetEnvironmentVariable("SCREENSHOTS") ?? Directory.CreateTempSubdirectory("mnemolite-pictures-").FullName;
        var pages = new[]
        {
            ("overview", "/?period=24h", ".latest a"),
            ("search", "/search?q=what%20does%20Anna%20like%20in%20code", "article:has-text('Anna')"),
            ("monitoring", "/monitoring", ".alerts li"),
            ("system", "/system", "table"),
        };
        var looks = new[] { ("", 1440, ColorScheme.Light), ("-phone", 390, ColorScheme.Dark) };
        foreach (var ((name, path, content), (suffix, width, scheme)) in pages.SelectMany(_ => looks, ValueTuple.Create))
        {
            await using var opened = await dashboard.OpenAsync(path, width: width, scheme: scheme);
            var page = opened.Page;
            await opened.GoToAsync(path); // the first visit after a start is slower than what a person sees from then on
            await Expect(page.Locator($"main {content}").First).ToBeVisibleAsync();
            var picture = Path.Combine(folder, $"{name}{suffix}.png");
            await page.ScreenshotAsync(new() { Path = picture });
            Assert.True(new FileInfo(picture).Length > 10_000, "a picture of an empty page is smaller");
        }
        foreach (var (name, path, shown) in new[]
        {
            ("graph", "/graph", "canvas[data-layout=done]"),
            ("import", "/import?f=project:billing", ".total b"),
        })
            foreach (var (suffix, width, scheme) in new[] { ("", 1440, ColorScheme.Light), ("-phone", 390, ColorScheme.Dark) })
            {
                await using var opened = await dashboard.OpenAsync(path, width: width, scheme: scheme);
                await Expect(opened.Page.Locator(shown).First).ToBeVisibleAsync();
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
    }

    [Fact]
    public async Task The_pictures_of_a_memory_can_be_taken()
    {
        var folder = Environment.GetEnvironmentVariable("SCREENSHOTS") ?? Directory.CreateTempSubdirectory("mnemolite-pictures-").FullName;
        foreach (var (name, width, scheme) in new[] { ("event", 1440, ColorScheme.Light), ("event-phone", 390, ColorScheme.Dark) })
        {
            await using var opened = await dashboard.OpenAsync($"/events/{dashboard.Ids[1]}", width: width, scheme: scheme);
            await Expect(opened.Page.GetByRole(AriaRole.Heading, new() { Name = "Similar memories" })).ToBeVisibleAsync();
            var picture = Path.Combine(folder, $"{name}.png");
            await opened.Page.ScreenshotAsync(new() { Path = picture });
            Assert.True(new FileInfo(picture).Length > 10_000, "a picture of an empty page is smaller");
        }
    }
}
