using System.Runtime.InteropServices;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Mcp;

/// <summary>
/// The official suite against our server. Scenarios that ask for something a memory has no use for do not apply; they are named here, so
/// that a newer suite's scenario is noticed.
/// </summary>
public sealed class McpConformanceTests(RunningApplication app) : IClassFixture<McpConformanceTests.Suite>
{
    private const string FixtureTool = "calls a tool of the suite's own example server";
    private const string FixtureResource = "reads a resource of the suite's own example server";
    private const string NoPrompts = "there are no prompts";
    private const string NoState = "needs a session in which the server asks the client; ours keeps no state between requests";

    private static readonly Dictionary<string, string?> Scenarios = new()
    {
        ["server-initialize"] = null,
        ["logging-set-level"] = null,
        ["ping"] = null,
        ["completion-complete"] = "there are no prompts or enumerable arguments to complete",
        ["tools-list"] = null,
        ["tools-call-simple-text"] = FixtureTool,
        ["tools-call-image"] = FixtureTool,
        ["tools-call-audio"] = FixtureTool,
        ["tools-call-embedded-resource"] = FixtureTool,
        ["tools-call-mixed-content"] = FixtureTool,
        ["tools-call-with-logging"] = NoState,
        ["tools-call-error"] = FixtureTool,
        ["tools-call-with-progress"] = FixtureTool,
        ["tools-call-sampling"] = NoState,
        ["tools-call-elicitation"] = NoState,
        ["json-schema-2020-12"] = FixtureTool,
        ["elicitation-sep1034-defaults"] = NoState,
        ["server-sse-polling"] = NoState,
        ["server-sse-multiple-streams"] = NoState,
        ["elicitation-sep1330-enums"] = NoState,
        ["resources-list"] = null,
        ["resources-read-text"] = FixtureResource,
        ["resources-read-binary"] = FixtureResource,
        ["resources-templates-read"] = FixtureResource,
        ["resources-subscribe"] = NoState,
        ["resources-unsubscribe"] = NoState,
        ["prompts-list"] = NoPrompts,
        ["prompts-get-simple"] = NoPrompts,
        ["prompts-get-with-args"] = NoPrompts,
        ["prompts-get-embedded-resource"] = NoPrompts,
        ["prompts-get-with-image"] = NoPrompts,
        ["dns-rebinding-protection"] = null,
    };

    public static TheoryData<string> Applying => [.. Scenarios.Where(scenario => scenario.Value is null).Select(scenario => scenario.Key)];

    [Theory]
    [MemberData(nameof(Applying))]
    public async Task A_scenario_that_applies_passes(string scenario)
    {
        var (exitCode, output) = await Suite.RunAsync("server", "--url", new Uri(app.Http.BaseAddress!, "/mcp").ToString(), "--scenario", scenario);
        Assert.True(exitCode == 0, output);
        Assert.DoesNotContain("Passed: 0/", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_scenario_of_the_suite_is_decided_on()
    {
        var (_, output) = await Suite.RunAsync("list");
        var ofServers = output[..output.IndexOf("Client scenarios", StringComparison.Ordinal)].Split('\n')
            .Where(line => line.StartsWith("  - ", StringComparison.Ordinal)).Select(line => line[4..].Trim());
        Assert.Equal(Scenarios.Keys.Order(), ofServers.Order());
    }

    /// <summary>The suite, and the Node.js it needs, from npm, installed beside the tests.</summary>
    public sealed class Suite : IAsyncLifetime
    {
        private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "conformance");

        private static readonly string Node = Path.Combine(
            Folder, "node_modules", $"node-linux-{(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64")}", "bin", "node");

        public ValueTask InitializeAsync() => new(NpmFolder.InstallAsync(Folder));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public static Task<(int ExitCode, string Output)> RunAsync(params string[] arguments) =>
            NpmFolder.RunAsync(
                Folder, Node, [Path.Combine("node_modules", "@modelcontextprotocol", "conformance", "dist", "index.js"), .. arguments]);
    }
}
