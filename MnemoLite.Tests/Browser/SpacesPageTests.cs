using System.Collections.Concurrent;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The dashboard of a memory with two spaces, each of which has one thing to remember.</summary>
public sealed class SpacesPageTests(RunningApplication app, Chromium chromium) : IAsyncLifetime, IClassFixture<Chromium>
{
    private const string AtHome = "The kettle is blue", AtWork = "The printer is on the second floor";
    private readonly Dictionary<string, HttpClient> _clients = [];
    private OwnDatabase _database = null!;
    private ApiProcess _api = null!;
    private ApiProcess _web = null!;
    private DashboardPage _opened = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private IPage Page => _opened.Page;

    private ILocator Menu => Page.GetByRole(AriaRole.Button, new() { Name = "Space:" });

    private ILocator Newest => Page.GetByRole(AriaRole.List, new() { Name = "Newest memories" }).GetByRole(AriaRole.Link);

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app);
        _api = ApiProcess.Start(_database.Setting);
        foreach (var (space, text) in new[] { ("home", AtHome), ("work", AtWork) })
        {
            _clients[space] = await _api.ConnectAsync(CancellationToken.None);
            _clients[space].DefaultRequestHeaders.Add(Spaces.Header, space);
            await RememberAsync(space, text);
        }
        _web = ApiProcess.StartDashboard(_clients["home"].BaseAddress!);
        var address = (await _web.FindAddressAsync(CancellationToken.None)).ToString().TrimEnd('/');
        _opened = await chromium.OpenAsync(address);
        await _opened.GoToAsync("/");
    }

    public async ValueTask DisposeAsync()
    {
        await _opened.DisposeAsync();
        await _web.DisposeAsync();
        foreach (var client in _clients.Values)
            client.Dispose();
        await _api.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Pages_show_what_is_in_the_chosen_space_and_nothing_else()
    {
        await Expect(Menu).ToHaveAccessibleNameAsync("Space: default");
        await Expect(Page.Locator(".empty")).ToBeVisibleAsync();
        foreach (var (space, here, elsewhere) in new[] { ("home", AtHome, AtWork), ("work", AtWork, AtHome) })
        {
            await SwitchAsync(space);
            await Expect(Newest).ToHaveCountAsync(1);
            await Expect(Newest).ToContainTextAsync(here);
            await _opened.GoToAsync($"/search?q={Uri.EscapeDataString(elsewhere)}");
            await Expect(Page.Locator("article")).ToHaveCountAsync(1);
            await Expect(Page.Locator("article")).ToContainTextAsync(here);
            await Page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" }).GetByRole(AriaRole.Link, new() { Name = "Overview" }).ClickAsync();
            await Expect(Newest).ToContainTextAsync(here);
        }
        _opened.HasNoComplaints();
    }

    [Fact]
    public async Task A_pointer_over_a_menu_is_nothing_to_the_server()
    {
        var sent = new ConcurrentQueue<string>();
        Page.WebSocket += (_, socket) => socket.FrameSent += (_, frame) => sent.Enqueue(Encoding.Latin1.GetString(frame.Binary ?? []));
        await _opened.GoToAsync("/"); // with a connection that is listened to
        await Menu.HoverAsync();
        await Page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" }).HoverAsync();
        await SwitchAsync("work");
        Assert.Contains(sent, frame => frame.Contains("\"click\"", StringComparison.Ordinal));
        Assert.DoesNotContain(sent, frame => frame.Contains("pointerenter", StringComparison.Ordinal) || frame.Contains("pointerleave", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_changes_in_another_space_does_not_appear()
    {
        await SwitchAsync("home");
        await Expect(Newest).ToHaveCountAsync(1);
        await RememberAsync("work", "The door code has changed");
        await RememberAsync("home", "The lamp is broken");
        await Expect(Newest).ToHaveCountAsync(2);
        await Expect(Newest.First).ToContainTextAsync("The lamp is broken");
        await Expect(Page.GetByText("The door code has changed")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task What_is_added_is_in_the_chosen_space()
    {
        await SwitchAsync("work");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Add memory" }).First.ClickAsync();
        await Page.GetByLabel("What should be remembered?").FillAsync("The stapler is empty");
        await Page.GetByRole(AriaRole.Button, new() { Name = "Remember", Exact = true }).ClickAsync();
        await Expect(Newest).ToHaveCountAsync(2);
        Assert.Equal(2, (await ListAsync("work")).Count);
        Assert.Single(await ListAsync("home"));
    }

    [Fact]
    public async Task From_the_page_of_a_memory_the_way_leads_to_the_overview_of_the_other_space()
    {
        await SwitchAsync("work");
        await Newest.ClickAsync();
        await Expect(Page.Locator("main")).ToContainTextAsync(AtWork);
        await Expect(Page).ToHaveURLAsync(new Regex("/events/"));
        await SwitchAsync("home");
        await Expect(Page.Locator("h1")).ToHaveTextAsync("Overview");
        await Expect(Newest).ToContainTextAsync(AtHome);
        await _opened.GoToAsync($"/events/{(await ListAsync("work"))[0].Id}");
        await Expect(Page.Locator("h1")).ToHaveTextAsync("This memory is not here");
    }

    private async Task SwitchAsync(string space)
    {
        await Menu.ClickAsync();
        await Page.GetByRole(AriaRole.Menuitem, new() { Name = space, Exact = true }).ClickAsync();
        await Expect(Menu).ToHaveAccessibleNameAsync($"Space: {space}");
        await Expect(Page.Locator("main[data-interactive=true]")).ToBeVisibleAsync();
    }

    private Task<Event> RememberAsync(string space, string text) =>
        new MnemoLiteClient(_clients[space]).CreateAsync(new() { Content = JsonText.From(new { text }) }, Cancelled);

    private async Task<IReadOnlyList<Event>> ListAsync(string space) =>
        (await new MnemoLiteClient(_clients[space]).ListAsync(cancellationToken: Cancelled)).Events;
}
