using System.Net;
using System.Net.Http.Json;
using Bunit;
using Bunit.TestDoubles;
using Microsoft.AspNetCore.Components;
using Microsoft.Extensions.DependencyInjection;
using MnemoLite.Client;
using MnemoLite.Web.Components;
using MnemoLite.Web.Components.Layout;
using MudBlazor;
using MudBlazor.Services;

namespace MnemoLite.Tests.Unit.Web;

public sealed class SpaceMenuTests : IAsyncDisposable
{
    private readonly BunitContext _context = new();
    private readonly Service _service = new();
    private readonly HttpClient _http;

    public SpaceMenuTests()
    {
        _http = new(_service) { BaseAddress = new("http://service/") };
        _context.Services.AddMudServices();
        _context.Services.AddSingleton(new MnemoLiteClient(_http));
        _context.JSInterop.Mode = JSRuntimeMode.Loose;
        _context.SetRendererInfo(new("Server", true));
    }

    [Fact]
    public void There_is_none_where_there_is_nothing_to_choose() => Assert.Empty(Render(Spaces.Default).FindComponents<MudMenu>());

    [Theory]
    [InlineData("home", Spaces.Default, "home")]
    [InlineData(Spaces.Default, Spaces.Default, "home")]
    [InlineData("home", "home")]
    [InlineData("new", Spaces.Default)]
    public void Its_name_is_the_space_wherever_that_says_something(string current, params string[] spaces)
    {
        _service.Spaces = spaces;
        var button = Render(current).Find("button");
        Assert.Equal(($"Space: {current}", current), (button.GetAttribute("aria-label"), button.TextContent.Trim()));
    }

    [Fact]
    public void While_the_service_is_away_it_still_says_where_one_is()
    {
        _service.Status = HttpStatusCode.ServiceUnavailable;
        Assert.Single(Render("home").FindComponents<MudMenu>());
        Assert.Empty(Render(Spaces.Default).FindComponents<MudMenu>());
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("search?q=tabs", "search?q=tabs")]
    [InlineData("events/01890000-0000-7000-8000-000000000000", "")]
    [InlineData("graph?node=01890000-0000-7000-8000-000000000000", "graph")]
    public async Task To_choose_one_is_to_see_the_same_page_there(string page, string there)
    {
        _service.Spaces = [Spaces.Default, "home"];
        var navigation = (BunitNavigationManager)_context.Services.GetRequiredService<NavigationManager>();
        navigation.NavigateTo(page);
        var provider = _context.Render<MudPopoverProvider>();
        var menu = Render(Spaces.Default);
        await menu.InvokeAsync(() => menu.FindComponent<MudMenu>().Instance.OpenMenuAsync(EventArgs.Empty));
        await provider.WaitForStateAsync(() => provider.FindAll(".mud-menu-item").Count == 2);
        Assert.Equal("true", provider.FindAll(".mud-menu-item")[0].GetAttribute("aria-current"));
        await provider.FindAll(".mud-menu-item")[1].ClickAsync();

        Assert.Equal(["home"], _context.JSInterop.VerifyInvoke("mnemolite.space").Arguments);
        var gone = navigation.History.First();
        Assert.True(gone.Options.ForceLoad);
        Assert.Equal(navigation.BaseUri + there, navigation.Uri);
    }

    [Fact]
    public void One_that_was_made_since_is_there_after_the_next_step()
    {
        var menu = Render(Spaces.Default);
        Assert.Empty(menu.FindComponents<MudMenu>());
        _service.Spaces = [Spaces.Default, "new"];
        _context.Services.GetRequiredService<NavigationManager>().NavigateTo("search");
        menu.WaitForAssertion(() => Assert.Single(menu.FindComponents<MudMenu>()));
    }

    public async ValueTask DisposeAsync()
    {
        await _context.DisposeAsync();
        _http.Dispose();
        _service.Dispose();
    }

    private IRenderedComponent<SpaceMenu> Render(string current) =>
        _context.Render<SpaceMenu>(menu => menu.AddCascadingValue(new BrowserPreferences("system", "UTC", current)));

    /// <summary>Tells the spaces there are.</summary>
    private sealed class Service : HttpMessageHandler
    {
        public HttpStatusCode Status { get; set; } = HttpStatusCode.OK;

        public IReadOnlyList<string> Spaces { get; set; } = [Client.Spaces.Default];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Assert.Equal("/v1/spaces", request.RequestUri!.AbsolutePath);
            return Task.FromResult(new HttpResponseMessage(Status) { Content = JsonContent.Create(new SpaceList(Spaces), MnemoLiteJson.Default.SpaceList) });
        }
    }
}
