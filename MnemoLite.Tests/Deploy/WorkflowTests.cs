using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace MnemoLite.Tests.Deploy;

/// <summary>The workflows of CI: sound, with no more rights than they need, and running what anyone can run.</summary>
public sealed partial class WorkflowTests
{
    public static TheoryData<string> Workflows =>
        [.. Directory.EnumerateFiles(Path.Combine(DeployTools.Root, ".github", "workflows")).Select(file => Path.GetFileName(file))];

    [Fact]
    public async Task The_linter_finds_nothing() =>
        Assert.Empty(await DeployTools.LintWorkflowsAsync([.. Workflows.Select(workflow => PathOf(workflow.Data))]));

    [Fact]
    public async Task The_linter_would_find_a_mistake()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("mnemolite-test-").FullName, "wrong.yml");
        await File.WriteAllTextAsync(
            file, "on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - run: echo ${{ github.nobody }}\n", TestContext.Current.CancellationToken);
        Assert.Contains("\"nobody\" is not defined", await DeployTools.LintWorkflowsAsync(file), StringComparison.Ordinal);
        Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public void A_workflow_may_only_read_and_ends_in_time(string workflow)
    {
        var root = Read(workflow);
        Assert.Equal("""{"contents":"read"}""", root["permissions"]!.ToJsonString());
        Assert.NotNull(root["concurrency"]?["group"]);
        foreach (var (name, job) in root["jobs"]!.AsObject())
        {
            Assert.True((int?)job!["timeout-minutes"] is > 0 and <= 90, $"{name} has no limit.");
            if (job["permissions"] is JsonObject more)
                Assert.All(more, right => Assert.True((string?)right.Value == "read" || right.Key == "packages", $"{name}: {right.Key}"));
        }
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public void Every_action_is_pinned_to_a_commit_and_says_its_version(string workflow)
    {
        var uses = File.ReadLines(PathOf(workflow)).Where(line => line.Contains("uses:", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(uses);
        Assert.All(uses, line => Assert.Matches(@"uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line));
    }

    [Theory]
    [MemberData(nameof(Workflows))]
    public void What_a_workflow_runs_is_there(string workflow)
    {
        var scripts = Runs(workflow).SelectMany(run => ScriptName().Matches(run)).Select(match => match.Value).ToList();
        Assert.NotEmpty(scripts);
        Assert.All(scripts, script =>
        {
            var file = Path.Combine(DeployTools.Root, script);
            Assert.True(File.Exists(file), script);
            Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(file).HasFlag(UnixFileMode.UserExecute), $"{script} cannot be run.");
        });
        Assert.All(
            LockFiles().Matches(File.ReadAllText(PathOf(workflow))).Where(match => !match.Value.Contains('*', StringComparison.Ordinal)),
            match => Assert.True(File.Exists(Path.Combine(DeployTools.Root, match.Groups[1].Value)), match.Value));
    }

    [Fact]
    public void The_tests_are_run_as_anyone_runs_them()
    {
        Assert.Contains(".ci/run --coverage", Runs("ci.yml"));
        Assert.EndsWith("""exec ./mnemolite test "$@" """.TrimEnd(), File.ReadAllText(Path.Combine(DeployTools.Root, ".ci", "run")).TrimEnd(), StringComparison.Ordinal);
    }

    [Fact]
    public void Dependabot_looks_where_packages_are_named()
    {
        var updates = DeployTools.ReadYaml(File.ReadAllText(Path.Combine(DeployTools.Root, ".github", "dependabot.yml")))[0]["updates"]!.AsArray();
        Assert.Contains(updates, update => (string?)update!["package-ecosystem"] == "github-actions");
        var npm = updates.Single(update => (string?)update!["package-ecosystem"] == "npm")!["directories"]!.AsArray().Select(folder => (string?)folder);
        var locks = Directory.EnumerateFiles(Path.Combine(DeployTools.Root, "MnemoLite.Tests"), "package-lock.json", SearchOption.AllDirectories)
            .Where(file => !file.Contains("node_modules", StringComparison.Ordinal));
        Assert.Equal(locks.Select(file => $"/{Path.GetRelativePath(DeployTools.Root, Path.GetDirectoryName(file)!)}").Order(), npm.Order());
    }

    private static string PathOf(string workflow) => Path.Combine(DeployTools.Root, ".github", "workflows", workflow);

    private static JsonNode Read(string workflow) => DeployTools.ReadYaml(File.ReadAllText(PathOf(workflow)))[0];

    private static List<string> Runs(string workflow) =>
        [.. Read(workflow)["jobs"]!.AsObject()
            .SelectMany(job => job.Value!["steps"]!.AsArray())
            .Select(step => (string?)step!["run"]).OfType<string>()];

    [GeneratedRegex(@"(?<=^|\s)(?:\./|\.ci/|scripts/)[\w/.-]+", RegexOptions.Multiline)]
    private static partial Regex ScriptName();

    [GeneratedRegex("(?:file: |hashFiles\\(')([\\w./-]+)")]
    private static partial Regex LockFiles();
}
