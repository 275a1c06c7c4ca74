using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MnemoLite.Client;
using MnemoLite.Web.Components.Operations;

namespace MnemoLite.Tests.Deploy;

/// <summary>The rules of deploy/prometheus: sound, each tested, and with the limits of the dashboard.</summary>
public sealed partial class AlertRuleTests
{
    private static readonly string Folder = Path.Combine(DeployTools.Root, "deploy", "prometheus");
    private static readonly JsonObject[] Rules =
        [.. Read("alerts.yml")["groups"]!.AsArray().SelectMany(group => group!["rules"]!.AsArray()).Select(rule => rule!.AsObject())];

    public static TheoryData<string> Alerts => [.. Rules.Select(rule => (string)rule["alert"]!)];

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("check", "rules", "alerts.yml")]
    [InlineData("test", "rules", "alerts.test.yml")]
    public async Task Promtool_is_content(params string[] arguments)
    {
        var (exitCode, output) = await NpmFolder.RunAsync(Folder, "promtool", arguments);
        Assert.True(exitCode == 0, output);
    }

    [Theory]
    [MemberData(nameof(Alerts))]
    public void Every_alert_is_tested_firing_and_not_firing_and_is_explained(string alert)
    {
        var tests = Read("alerts.test.yml")["tests"]!.AsArray().SelectMany(test => test!["alert_rule_test"]!.AsArray())
            .Where(test => (string?)test!["alertname"] == alert).Select(test => test!["exp_alerts"]!.AsArray().Count).ToList();
        Assert.Contains(tests, firing => firing > 0);
        Assert.Contains(tests, firing => firing == 0);

        var rule = Rules.Single(rule => (string?)rule["alert"] == alert);
        Assert.Contains((string?)rule["labels"]!["severity"], (string[])["info", "warning", "critical"]);
        Assert.Equal($"docs/monitoring.md#{alert.ToLowerInvariant()}", (string?)rule["annotations"]!["runbook"]);
        Assert.Contains($"### {alert}", File.ReadLines(Path.Combine(DeployTools.Root, "docs", "monitoring.md")));
    }

    [Fact]
    public void The_limits_are_those_of_the_dashboard()
    {
        (string Sign, double Value)[] limits =
            [("<", Alert.MinHitRate), (">", Alert.MaxP95Ms / 1000), (">", Alert.MaxErrorRate), (">", Alert.MaxPoolUse)];
        var unused = new CacheStats(0, 0, "", 0, 60, 500, 0, 0);
        var watched = Alert.Watch(new(300, 0, 0, 0, 0, 0), new(unused, unused, unused), new(0, 0, 0, 0, 0, 0, 0));
        Assert.Equal(watched.Select(alert => Letters().Replace(alert.Name, "").ToLowerInvariant()), Alerts.Take(4).Select(alert => alert.Data.ToLowerInvariant()));
        Assert.Equal(limits, Rules.Take(4).Select(rule => Limit().Match((string)rule["expr"]!)).Select(match => (match.Groups[1].Value, Number(match.Groups[2]))));
        Assert.All(Rules.Take(3), rule => Assert.Equal(Alert.FewRequests, Number(Least().Match((string)rule["expr"]!).Groups[1])));
    }

    private static JsonNode Read(string file) => DeployTools.ReadYaml(File.ReadAllText(Path.Combine(Folder, file))).Single();

    private static double Number(Group text) => double.Parse(text.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex("[^A-Za-z0-9]")]
    private static partial Regex Letters();

    [GeneratedRegex(@" ([<>]) ([\d.]+)$", RegexOptions.Multiline)]
    private static partial Regex Limit();

    [GeneratedRegex(@" >= (\d+)$", RegexOptions.Multiline)]
    private static partial Regex Least();
}
