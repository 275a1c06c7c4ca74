using Microsoft.Playwright;

namespace MnemoLite.Tests.Browser;

/// <summary>A Chromium for the tests of a class, each in a window of its own.</summary>
public sealed class Chromium : IAsyncLifetime
{
    private IPlaywright _playwright = null!;
    private IBrowser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        _playwright = await Playwright.CreateAsync();
        _browser = await Dashboard.LaunchAsync(_playwright);
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
            await _browser.DisposeAsync();
        _playwright?.Dispose();
    }

    /// <summary>A window with nothing in it.</summary>
    public Task<IBrowserContext> NewContextAsync(bool hasJavaScript = true) =>
        _browser.NewContextAsync(new() { Locale = "en-GB", ReducedMotion = ReducedMotion.Reduce, JavaScriptEnabled = hasJavaScript });

    /// <summary>An empty page in a window of its own, for the dashboard at that address.</summary>
    public async Task<DashboardPage> OpenAsync(string address) => new(await (await NewContextAsync()).NewPageAsync(), address);
}
