using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using MnemoLite.Cli.Keys;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace MnemoLite.Tests.Security;

/// <summary>How keys are made, used, revoked and guessed at.</summary>
public sealed class KeyTests(ProtectedApi api, RunningApplication app) : IClassFixture<ProtectedApi>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_opens_at_once_until_it_is_revoked()
    {
        var key = await api.Keys.CreateAsync("laptop", Scopes.Read, null, null, Cancelled);
        var client = api.ClientOf(key);
        await Eventually.UntilAsync(async () => await StatusAsync(client) == HttpStatusCode.OK);
        Assert.True(ApiKey.TryReadId(key, out var id));
        Assert.True(await api.Keys.RevokeAsync(id, Cancelled));
        await Eventually.UntilAsync(async () => await StatusAsync(client) == HttpStatusCode.Unauthorized);
        Assert.False(await api.Keys.RevokeAsync(id, Cancelled));
    }

    [Fact]
    public async Task A_stream_of_changes_ends_when_its_key_is_revoked()
    {
        var key = await api.Keys.CreateAsync("watcher", Scopes.Read, null, null, Cancelled);
        Assert.True(ApiKey.TryReadId(key, out var id));
        var watching = Task.Run(
            async () =>
            {
                await foreach (var change in new MnemoLiteClient(api.ClientOf(key)).WatchAsync(Cancelled))
                {
                    if (change.EventType == "ready")
                        await api.Keys.RevokeAsync(id, Cancelled);
                }
            },
            Cancelled);
        await Eventually.UntilAsync(async () =>
        {
            await new MnemoLiteClient(api.Clients[Scopes.Write]).CreateAsync(new() { Content = JsonText.Parse("{}") }, Cancelled);
            return watching.IsCompletedSuccessfully;
        });
    }

    [Fact]
    public async Task A_key_opens_nothing_after_its_days()
    {
        var client = api.ClientOf(await api.Keys.CreateAsync("a moment", Scopes.Read, DateTimeOffset.UtcNow.AddSeconds(3), null, Cancelled));
        await Eventually.UntilAsync(async () => await StatusAsync(client) == HttpStatusCode.OK);
        await Eventually.UntilAsync(async () => await StatusAsync(client) == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task Nothing_that_is_stored_opens_anything()
    {
        var key = await api.Keys.CreateAsync("kept by nobody", Scopes.Read, null, null, Cancelled);
        var rows = string.Join('\n', await api.Database.ExecuteAsync("SELECT to_jsonb(api_keys) FROM api_keys"));
        Assert.Contains("kept by nobody", rows, StringComparison.Ordinal);
        Assert.DoesNotContain(key[^43..], rows, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_guesses_is_told_in_the_log_and_slowed_down_and_nobody_else()
    {
        await using var own = new ProtectedApi(app);
        await own.InitializeAsync();
        var id = (await own.Keys.ListAsync(Cancelled))[0].Id;
        var wrong = $"mnemo_{id}{ApiKey.Create().Key[^44..]}";
        var guess = own.ClientOf(wrong);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(guess));
        await Eventually.UntilAsync(() => Task.FromResult(own.Output.Contains("A wrong key came from 127.0.0.1", StringComparison.Ordinal)));
        Assert.DoesNotContain(wrong[^43..], own.Output, StringComparison.Ordinal);
        await Eventually.UntilAsync(async () => await StatusAsync(guess) == HttpStatusCode.TooManyRequests);
        using var last = await guess.GetAsync("/v1/events/", Cancelled);
        Assert.InRange(last.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 60);
        Assert.Equal("application/problem+json", last.Content.Headers.ContentType!.MediaType);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(own.Clients[Scopes.Read]));
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Basic YTpi")]
    [InlineData("Bearer mnemo_0123456789abcdef_")]
    public async Task What_is_no_key_opens_nothing(string authorization)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events/");
        request.Headers.TryAddWithoutValidation("Authorization", authorization);
        using var answer = await api.Stranger.SendAsync(request, Cancelled);
        Assert.Contains(answer.StatusCode, new[] { HttpStatusCode.Unauthorized, HttpStatusCode.TooManyRequests });
    }

    [Fact]
    public async Task The_last_use_is_noted()
    {
        await using var own = new ProtectedApi(app);
        await own.InitializeAsync();
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(own.Clients[Scopes.Write]));
        await own.StopAsync();
        var used = Assert.Single(await own.Keys.ListAsync(Cancelled), key => key.Scope == Scopes.Write);
        Assert.NotNull(used.LastUsedAt);
    }

    [Fact]
    public async Task The_command_line_makes_lists_and_revokes_keys()
    {
        var key = (await RunAsync("create", "from the shell", "--scope", "write", "--expires", "90d")).Trim();
        Assert.True(ApiKey.TryReadId(key, out var id));
        var line = Assert.Single((await RunAsync("list")).Split('\n'), line => line.StartsWith(id, StringComparison.Ordinal));
        Assert.Matches($"from the shell  write  any  +good +.* - .*{DateTime.UtcNow.AddDays(90):yyyy-MM-dd}", line);
        await RunAsync("revoke", id);
        Assert.Contains("revoked", Assert.Single((await RunAsync("list")).Split('\n'), line => line.StartsWith(id, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_line_binds_a_key_to_spaces()
    {
        var key = (await RunAsync("create", "bound", "--scope", "read", "--space", "work", "--space", "home", "--space", "work")).Trim();
        Assert.True(ApiKey.TryReadId(key, out var id));
        var line = Assert.Single((await RunAsync("list")).Split('\n'), line => line.StartsWith(id, StringComparison.Ordinal));
        Assert.Contains("  work,home  ", line, StringComparison.Ordinal);
        Assert.Equal(["work", "home"], (await new MnemoLiteClient(api.ClientOf(key)).GetAccessAsync(Cancelled)).Spaces);
    }

    [Theory]
    [InlineData("create", "name", "--scope", "all")]
    [InlineData("create", "name", "--scope", "read", "--expires", "2001-01-01")]
    [InlineData("create", "name", "--scope", "read", "--expires", "soon")]
    [InlineData("create", "name")]
    [InlineData("create", "name", "--scope", "read", "--space", "No Name")]
    [InlineData("create", "name", "--scope", "admin", "--space", "work")]
    public void A_wrong_command_line_is_told(params string[] arguments) => Assert.NotEmpty(KeysCommand.Create().Parse(arguments).Errors);

    [Fact]
    public async Task An_agent_may_call_the_tools_of_its_keys_scope()
    {
        await using var reader = await ConnectAsync(Scopes.Read);
        await using var writer = await ConnectAsync(Scopes.Write);
        Assert.Equal(
            ["explore", "get", "recall", "summarize"],
            (await reader.ListToolsAsync(cancellationToken: Cancelled)).Select(tool => tool.Name).Order(StringComparer.Ordinal));
        Assert.Equal(8, (await writer.ListToolsAsync(cancellationToken: Cancelled)).Count);
        var remember = new Dictionary<string, object?> { ["text"] = "an agent with a key" };
        await Assert.ThrowsAnyAsync<ModelContextProtocol.McpException>(() => reader.CallToolAsync("remember", remember, cancellationToken: Cancelled).AsTask());
        Assert.NotEqual(true, (await writer.CallToolAsync("remember", remember, cancellationToken: Cancelled)).IsError);
        var recalled = await reader.CallToolAsync("recall", new Dictionary<string, object?> { ["query"] = "agent" }, cancellationToken: Cancelled);
        Assert.Contains("an agent with a key", Assert.IsType<TextContentBlock>(recalled.Content[0]).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Beyond_loopback_it_does_not_start_without_a_key_and_asks_for_it_once_there_is_one()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using (var refused = ApiProcess.Start(database.Setting, "--urls=http://0.0.0.0:0"))
        {
            var code = await refused.WaitForExitAsync(Cancelled);
            Assert.True(code == 1, $"{code}: {refused.Output}");
            Assert.Contains("./mnemolite keys create NAME", refused.Output, StringComparison.Ordinal);
        }
        var key = await new KeyStore(database.ConnectionString).CreateAsync("the first", Scopes.Admin, null, null, Cancelled);
        await using var started = ApiProcess.Start(database.Setting, "--urls=http://0.0.0.0:0");
        using var http = await started.ConnectAsync(Cancelled);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(http));
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(http));
    }

    [Fact]
    public async Task On_loopback_without_keys_everything_is_open_but_to_other_sites()
    {
        Assert.Equal((false, Scopes.Admin), (await app.Client.GetAccessAsync(Cancelled)) is var access ? (access.KeysRequired, access.Scope) : default);
        foreach (var (header, value) in new[] { ("Host", "memory.example.org"), ("Origin", "https://example.org"), ("Origin", "null") })
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/events/");
            request.Headers.TryAddWithoutValidation(header, value);
            using var answer = await app.Http.SendAsync(request, Cancelled);
            Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        }
    }

    private static async Task<HttpStatusCode> StatusAsync(HttpClient client)
    {
        using var answer = await client.GetAsync("/v1/events/", Cancelled);
        return answer.StatusCode;
    }

    private async Task<string> RunAsync(params string[] arguments)
    {
        var output = new StringWriter();
        var code = await KeysCommand.Create().Parse([.. arguments, "--connection", api.Database.ConnectionString])
            .InvokeAsync(new InvocationConfiguration { Output = output, Error = TextWriter.Null, EnableDefaultExceptionHandler = false }, Cancelled);
        Assert.Equal(0, code);
        return output.ToString();
    }

    private Task<McpClient> ConnectAsync(string scope) =>
        McpClient.CreateAsync(
            new HttpClientTransport(
                new() { Endpoint = new Uri(api.Address, "/mcp"), TransportMode = HttpTransportMode.StreamableHttp }, api.Clients[scope]),
            cancellationToken: Cancelled);
}
