using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using MnemoLite.Tests.AppHost;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace MnemoLite.Tests.Mcp;

public sealed class McpTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_agent_remembers_recalls_updates_and_forgets()
    {
        await using var agent = await ConnectAsync();
        var run = Guid.NewGuid().ToString();
        var remembered = await CallAsync(agent, "remember", new()
        {
            ["text"] = "My physician told me to avoid peanuts",
            ["metadata"] = new { run, type = "health" },
            ["timestamp"] = "2026-01-31T12:00:00Z",
        });
        var id = remembered.GetProperty("id").GetString()!;
        Assert.False(remembered.TryGetProperty("embedding", out _));

        var recalled = await CallAsync(agent, "recall", new()
        {
            ["query"] = "Which foods am I allergic to?",
            ["filter"] = new Dictionary<string, object> { ["run"] = new Dictionary<string, object> { ["$in"] = (string[])[run] } },
            ["since"] = "2026-01-01T00:00:00Z",
        });
        Assert.Equal(id, recalled.GetProperty("events")[0].GetProperty("id").GetString());

        var updated = await CallAsync(agent, "update", new()
        {
            ["id"] = id,
            ["text"] = "My physician told me peanuts are fine again",
            ["metadata"] = new Dictionary<string, object?> { ["type"] = null, ["checked"] = true },
        });
        Assert.Equal("My physician told me peanuts are fine again", updated.GetProperty("content").GetProperty("text").GetString());
        Assert.False(updated.GetProperty("metadata").TryGetProperty("type", out _));

        var got = await CallAsync(agent, "get", new() { ["id"] = id });
        Assert.Equal(updated.GetRawText(), got.GetRawText());

        Assert.True((await CallAsync(agent, "forget", new() { ["id"] = id })).GetProperty("was_there").GetBoolean());
        Assert.False((await CallAsync(agent, "forget", new() { ["id"] = id })).GetProperty("was_there").GetBoolean());
        Assert.Contains(id, await RefusedAsync(agent, "get", new() { ["id"] = id }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_links_memories_and_names_and_explores_them()
    {
        await using var agent = await ConnectAsync();
        var person = $"Anna {Guid.NewGuid()}";
        var id = (await CallAsync(agent, "remember", new() { ["text"] = $"{person} prefers tabs" })).GetProperty("id").GetString()!;
        for (var i = 0; i < 2; i++) // the second time changes nothing
        {
            await CallAsync(agent, "link", new() { ["from"] = id, ["to"] = person, ["relation"] = "is_about" });
            await CallAsync(agent, "link", new() { ["from"] = person, ["to"] = $"website of {person}", ["relation"] = "works_on" });
        }

        var near = await CallAsync(agent, "explore", new() { ["start"] = person.ToUpperInvariant(), ["depth"] = 1 });
        Assert.Equal(3, near.GetProperty("nodes").GetArrayLength());
        Assert.Equal(2, near.GetProperty("edges").GetArrayLength());
        var far = await CallAsync(agent, "explore", new() { ["start"] = id, ["depth"] = 2 });
        Assert.Contains($"website of {person}", far.GetRawText(), StringComparison.Ordinal);
        Assert.Contains($"{person} prefers tabs", far.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_summary_tells_what_is_stored()
    {
        await using var agent = await ConnectAsync();
        var before = await CallAsync(agent, "summarize", []);
        var created = await CallAsync(agent, "remember", new() { ["text"] = "the last of all", ["timestamp"] = "9998-01-01T00:00:00Z" });
        var after = await CallAsync(agent, "summarize", []);

        Assert.True(after.GetProperty("memories").GetInt64() > 0);
        Assert.Equal(JsonValueKind.Array, before.GetProperty("metadata").ValueKind);
        Assert.Contains(created.GetProperty("id").GetString()!, after.GetProperty("latest").GetRawText(), StringComparison.Ordinal);
        await CallAsync(agent, "forget", new() { ["id"] = created.GetProperty("id").GetString() });
    }

    [Fact]
    public async Task Memories_are_resources()
    {
        await using var agent = await ConnectAsync();
        var id = (await CallAsync(agent, "remember", new() { ["text"] = "a resource" })).GetProperty("id").GetString()!;
        Assert.Equal("mnemolite://events/{id}", Assert.Single(await agent.ListResourceTemplatesAsync(cancellationToken: Cancelled)).UriTemplate);

        var read = await agent.ReadResourceAsync($"mnemolite://events/{id}", cancellationToken: Cancelled);
        var text = Assert.IsType<TextResourceContents>(Assert.Single(read.Contents));
        Assert.Equal("a resource", JsonElement.Parse(text.Text).GetProperty("content").GetProperty("text").GetString());
        var listed = await agent.ListResourcesAsync(new ListResourcesRequestParams(), Cancelled);
        Assert.NotEmpty(listed.Resources);
        var gone = await Assert.ThrowsAnyAsync<ModelContextProtocol.McpException>(
            () => agent.ReadResourceAsync($"mnemolite://events/{Guid.NewGuid()}", cancellationToken: Cancelled).AsTask());
        Assert.Contains("There is no memory", gone.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_tool_says_what_it_does_takes_and_gives()
    {
        await using var agent = await ConnectAsync();
        var tools = await agent.ListToolsAsync(cancellationToken: Cancelled);
        Assert.Equal(
            ["explore", "forget", "get", "link", "recall", "remember", "summarize", "update"], tools.Select(tool => tool.Name).Order(StringComparer.Ordinal));
        Assert.All(tools, tool =>
        {
            Assert.True(tool.Description.Length > 20);
            Assert.NotEmpty(tool.Title!);
            Assert.Equal("object", tool.ReturnJsonSchema!.Value.GetProperty("type").GetString());
            Assert.All(tool.JsonSchema.GetProperty("properties").EnumerateObject(), property =>
                Assert.NotEmpty(property.Value.GetProperty("description").GetString()!));
            Assert.False(tool.ProtocolTool.Annotations!.OpenWorldHint);
            Assert.NotNull(tool.ProtocolTool.Annotations.ReadOnlyHint);
        });
    }

    [Theory]
    [InlineData("remember", """{"text": " "}""", "text")]
    [InlineData("remember", "{}", "'text'")]
    [InlineData("remember", """{"text": "a", "metadata": {"a": "\u0000"}}""", "U+0000")]
    [InlineData("remember", """{"text": "a", "timestamp": "1950-01-01T00:00:00Z"}""", "1970")]
    [InlineData("recall", """{"query": "a", "limit": 0}""", "limit")]
    [InlineData("recall", """{"query": "a", "mode": "fuzzy"}""", "mode")]
    [InlineData("recall", """{"filter": {"a": {"$near": 1}}}""", "$near")]
    [InlineData("update", """{"id": "01890000-0000-7000-8000-000000000000"}""", "nothing to change")]
    [InlineData("update", """{"id": "01890000-0000-7000-8000-000000000000", "text": "a"}""", "there is no")]
    [InlineData("link", """{"from": "01890000-0000-7000-8000-000000000000", "to": "b", "relation": "c"}""", "from")]
    [InlineData("link", """{"from": "a", "to": "b", "relation": ""}""", "type")]
    [InlineData("explore", """{"start": "nobody ever linked this", "depth": 2}""", "start")]
    [InlineData("explore", """{"start": "a", "depth": 4}""", "depth")]
    [InlineData("explore", """{"start": null}""", "start")]
    [InlineData("link", """{"from": "a", "to": "b", "relation": null}""", "type")]
    [InlineData("recall", """{"mode": null}""", "mode")]
    public async Task A_tool_says_what_is_wrong_with_its_arguments(string tool, string arguments, string expected)
    {
        await using var agent = await ConnectAsync();
        var message = await RefusedAsync(
            agent, tool, JsonElement.Parse(arguments).EnumerateObject().ToDictionary(argument => argument.Name, argument => (object?)argument.Value));
        Assert.Contains(expected, message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://example.org", HttpStatusCode.Forbidden)]
    [InlineData("null", HttpStatusCode.Forbidden)]
    [InlineData("http://localhost:8000", HttpStatusCode.OK)]
    public async Task A_page_of_another_origin_is_refused(string origin, HttpStatusCode status)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp");
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Accept", "application/json, text/event-stream");
        request.Content = JsonContent.Create(new { jsonrpc = "2.0", id = 1, method = "ping" });
        using var answer = await app.Http.SendAsync(request, Cancelled);
        Assert.Equal(status, answer.StatusCode);
    }

    private Task<McpClient> ConnectAsync() =>
        McpClient.CreateAsync(
            new HttpClientTransport(new()
            {
                Endpoint = new Uri(app.Http.BaseAddress!, "/mcp"),
                TransportMode = HttpTransportMode.StreamableHttp,
            }),
            cancellationToken: Cancelled);

    private static async Task<JsonElement> CallAsync(McpClient agent, string tool, Dictionary<string, object?> arguments)
    {
        var result = await agent.CallToolAsync(tool, arguments, cancellationToken: Cancelled);
        Assert.True(result.IsError is not true, result.Content.OfType<TextContentBlock>().FirstOrDefault()?.Text);
        return result.StructuredContent!.Value;
    }

    private static async Task<string> RefusedAsync(McpClient agent, string tool, Dictionary<string, object?> arguments)
    {
        var result = await agent.CallToolAsync(tool, arguments, cancellationToken: Cancelled);
        Assert.True(result.IsError);
        return Assert.IsType<TextContentBlock>(Assert.Single(result.Content)).Text;
    }
}
