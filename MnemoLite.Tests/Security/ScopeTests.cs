using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Tests.Security;

/// <summary>No route lets in who has no key, or one for less. Routes are taken from the OpenAPI document, so that a new one cannot be forgotten.</summary>
public sealed class ScopeTests(ProtectedApi api) : IClassFixture<ProtectedApi>
{
    private static readonly HashSet<string> SearchesByPost =
    [
        "/v1/search", "/v1/search/content", "/v1/search/similarity", "/v1/events/search/embedding", "/v1/events/filter/metadata", "/v1/graph/traverse",
        "/v1/graph/path", "/v1/graph/edges/among",
    ];

    private static readonly HashSet<string> OfAdmins = ["/v1/store/partition", "/v1/events/cache/clear", "/performance/cache/clear"];

    /// <summary>What the document leaves out.</summary>
    private static readonly (HttpMethod, string)[] Undocumented = [(HttpMethod.Get, "/openapi/v1.json"), (HttpMethod.Get, "/scalar/")];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_route_asks_for_a_key()
    {
        foreach (var (method, path) in (await RoutesAsync()).Concat([(HttpMethod.Post, "/mcp"), (HttpMethod.Get, "/no/such/path")]))
        {
            using var answer = await SendAsync(api.Stranger, method, path);
            Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path}: {answer.StatusCode}");
            Assert.Equal("Bearer", Assert.Single(answer.Headers.WwwAuthenticate).Scheme);
            var problem = await answer.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Problem, Cancelled);
            Assert.Contains("keys create", problem!.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_route_refuses_a_key_of_a_smaller_scope_and_takes_one_that_is_enough()
    {
        foreach (var (method, path) in await RoutesAsync())
        {
            var needed = OfAdmins.Contains(path) ? 2 : method == HttpMethod.Get || SearchesByPost.Contains(path) ? 0 : 1;
            for (var scope = 0; scope < Scopes.All.Count; scope++)
            {
                if (needed == 2 && scope == 2)
                    continue; // it would be done
                using var answer = await SendAsync(api.Clients[Scopes.All[scope]], method, path);
                Assert.True(answer.StatusCode == HttpStatusCode.Forbidden == scope < needed, $"{Scopes.All[scope]}: {method} {path}: {answer.StatusCode}");
                Assert.NotEqual(HttpStatusCode.Unauthorized, answer.StatusCode);
                if (scope < needed)
                    Assert.Contains($"scope=\"{Scopes.All[needed]}\"", answer.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [InlineData("/alive")]
    [InlineData("/alive/ready")]
    public async Task A_probe_needs_no_key(string path)
    {
        using var answer = await api.Stranger.GetAsync(path, Cancelled);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Who_has_a_key_is_told_when_nothing_is_there()
    {
        using var nothing = await api.Clients[Scopes.Read].GetAsync("/no/such/path", Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, nothing.StatusCode);
        using var method = await api.Clients[Scopes.Read].PutAsync("/v1/events", null, Cancelled);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, method.StatusCode);
    }

    [Fact]
    public async Task A_key_can_ask_what_it_may_do()
    {
        var access = await new MnemoLiteClient(api.Clients[Scopes.Write]).GetAccessAsync(Cancelled);
        Assert.True(access.KeysRequired);
        Assert.Equal((Scopes.Write, "for write"), (access.Scope, access.Name));
        Assert.Contains(access.Id!, (await api.Keys.ListAsync(Cancelled)).Select(key => key.Id));
    }

    private async Task<List<(HttpMethod Method, string Path)>> RoutesAsync()
    {
        var document = JsonElement.Parse(await api.Clients[Scopes.Read].GetStringAsync("/openapi/v1.json", Cancelled));
        List<(HttpMethod, string)> routes =
        [
            .. document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject().Select(
                operation => (new HttpMethod(operation.Name.ToUpperInvariant()), path.Name.TrimEnd('/')))),
            .. Undocumented,
        ];
        Assert.True(routes.Count > 40);
        return routes;
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, HttpMethod method, string path) =>
        client.SendAsync(
            new(method, path.Replace("{id}", Guid.CreateVersion7().ToString(), StringComparison.Ordinal)), HttpCompletionOption.ResponseHeadersRead, Cancelled);
}
