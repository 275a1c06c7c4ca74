using System.Text.RegularExpressions;
using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MnemoLite.Tests.Browser;

/// <summary>The graph page in a real browser.</summary>
[Collection<Dashboard>]
public sealed class GraphPageTests(Dashboard dashboard)
{
    [Fact]
    public async Task A_node_is_expanded_and_tells_what_is_known_about_it()
    {
        await using var opened = await dashboard.OpenAsync($"/graph?node={dashboard.Nodes["Release freeze until the audit"]}");
        var page = opened.Page;
        await Expect(Panel(page).GetByRole(AriaRole.Heading, new() { Name = "Release freeze until the audit" })).ToBeVisibleAsync();
        await Expect(Panel(page).GetByRole(AriaRole.Group, new() { Name = "Properties of Release freeze until the audit" })).ToContainTextAsync("audit");
        await Expect(Panel(page).GetByRole(AriaRole.Link, new() { Name = "The memory it comes from" })).ToHaveAttributeAsync("href", $"/events/{dashboard.Ids[1]}");
        await Expect(Panel(page).GetByRole(AriaRole.Listitem)).ToHaveCountAsync(3); // two people and a project
        await Expect(Stats(page)).ToContainTextAsync(new Regex("^4 of .* nodes"));

        await Panel(page).GetByRole(AriaRole.Button, new() { NameRegex = new("Billing") }).ClickAsync();
        await Expect(Panel(page).GetByRole(AriaRole.Heading, new() { Name = "Billing" })).ToBeVisibleAsync();
        await Expect(page).ToHaveURLAsync(new Regex($"node={dashboard.Nodes["Billing"]}"));
        await Expect(Stats(page)).ToContainTextAsync(new Regex("^10 of .* nodes")); // what is around it came to what was there
        await page.GetByRole(AriaRole.Button, new() { Name = "Expand 2 edges deep" }).ClickAsync();
        await Expect(page).ToHaveURLAsync(new Regex("depth=2"));
        await Expect(Stats(page)).ToContainTextAsync(new Regex("^14 of .* nodes"));
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task A_node_in_the_drawing_is_picked_with_a_click()
    {
        await using var opened = await dashboard.OpenAsync("/graph");
        var page = opened.Page;
        var canvas = page.Locator("canvas");
        await Expect(canvas).ToHaveAttributeAsync("data-layout", "done");
        await page.GetByLabel("Find a node").FillAsync("gustav");
        await page.Keyboard.PressAsync("Enter");
        await Expect(Panel(page).GetByRole(AriaRole.Heading, new() { Name = "Gustav" })).ToBeVisibleAsync();
        await Panel(page).GetByRole(AriaRole.Button, new() { Name = "Centre" }).ClickAsync();
        await Panel(page).GetByRole(AriaRole.Button, new() { Name = "All nodes" }).ClickAsync();
        await Expect(Panel(page).GetByRole(AriaRole.Heading, new() { Name = "Best connected" })).ToBeVisibleAsync();

        var (drawing, legend) = (await canvas.BoundingBoxAsync(), await page.Locator(".legend").BoundingBoxAsync());
        await canvas.ClickAsync(new() { Position = new() { X = drawing!.Width / 2, Y = (drawing.Height - 12 - legend!.Height) / 2 } }); // the middle of what is free
        await Expect(Panel(page).GetByRole(AriaRole.Heading, new() { Name = "Gustav" })).ToBeVisibleAsync();
        opened.HasNoComplaints();
    }

    [Fact]
    public async Task Types_are_hidden_and_shown()
    {
        await using var opened = await dashboard.OpenAsync("/graph");
        var page = opened.Page;
        await page.GetByLabel("Find a node").FillAsync("small room");
        var room = Panel(page).GetByRole(AriaRole.Button, new() { NameRegex = new("The small room") });
        await Expect(room).ToBeVisibleAsync();
        var place = page.GetByRole(AriaRole.Group, new() { Name = "Types that are shown" }).GetByRole(AriaRole.Button, new() { NameRegex = new("^place") });
        await place.ClickAsync();
        await Expect(place).ToHaveAttributeAsync("aria-pressed", "false");
        await Expect(room).ToBeHiddenAsync();
        await place.ClickAsync();
        await Expect(room).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_path_between_two_nodes_is_found_with_the_keyboard_alone_or_said_not_to_be()
    {
        await using var opened = await dashboard.OpenAsync("/graph");
        var page = opened.Page;
        await StartAsync();
        await PickAsync("theme.css");
        await Expect(page.GetByText("From theme.css: pick the node it leads to")).ToBeVisibleAsync();
        await PickAsync("invoice.sql");
        var steps = Panel(page).GetByRole(AriaRole.Region, new() { Name = "Path" }).GetByRole(AriaRole.Listitem);
        await Expect(steps).ToHaveCountAsync(5);
        await Expect(steps.Nth(1)).ToContainTextAsync("Website");
        await Expect(steps.Nth(2)).ToContainTextAsync("Anna");
        await Expect(steps.Nth(3)).ToContainTextAsync("Billing");

        await StartAsync();
        await PickAsync("theme.css");
        await PickAsync("The small room");
        await Expect(page.GetByText("No path of at most 10 edges leads from theme.css to The small room.")).ToBeVisibleAsync();
        opened.HasNoComplaints();

        async Task StartAsync()
        {
            var start = page.GetByRole(AriaRole.Button, new() { Name = "Find a path" });
            await Expect(start).ToBeEnabledAsync(); // a key on a button that is not is lost
            await start.PressAsync("Enter");
        }

        async Task PickAsync(string label)
        {
            await page.GetByLabel("Find a node").FillAsync(label);
            await Expect(Panel(page).GetByRole(AriaRole.Heading, new() { Name = "On this page" })).ToBeVisibleAsync(); // else the list moves under the focus
            await Panel(page).GetByRole(AriaRole.Button, new() { NameRegex = new(Regex.Escape(label)) }).PressAsync("Enter");
        }
    }

    [Fact]
    public async Task A_node_that_is_not_on_the_page_is_found_in_the_store()
    {
        var label = $"Far away {Guid.NewGuid():N}";
        await using var opened = await dashboard.OpenAsync($"/graph?node={dashboard.Nodes["The small room"]}");
        await dashboard.Client.CreateNodeAsync(new() { Type = "place", Label = label }, TestContext.Current.CancellationToken);
        var page = opened.Page;
        await Expect(Stats(page)).ToContainTextAsync(new Regex("^1 of .* nodes"));
        await page.GetByLabel("Find a node").FillAsync(label[..20]);
        await Panel(page).GetByRole(AriaRole.Button, new() { NameRegex = new(label) }).ClickAsync();
        await Expect(Panel(page).GetByRole(AriaRole.Heading, new() { Name = label })).ToBeVisibleAsync();
        await Expect(Stats(page)).ToContainTextAsync(new Regex("^2 of .* nodes"));
    }

    private static ILocator Panel(IPage page) => page.GetByRole(AriaRole.Complementary, new() { Name = "Nodes" });

    private static ILocator Stats(IPage page) => page.Locator(".stats");
}
