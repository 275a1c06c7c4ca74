using System.Text.Json.Nodes;

namespace MnemoLite.Tests.Deploy;

/// <summary>The dashboards of deploy/grafana.</summary>
internal static class Dashboards
{
    private static readonly string Folder = Path.Combine(DeployTools.Root, "deploy", "grafana", "dashboards");

    public static TheoryData<string> Names => [.. Directory.EnumerateFiles(Folder, "*.json").Select(file => Path.GetFileNameWithoutExtension(file)).Order()];

    public static JsonNode Read(string name) => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, $"{name}.json")))!;

    public static List<JsonNode> Panels(JsonNode dashboard) => [.. dashboard["panels"]!.AsArray().Select(panel => panel!)];

    /// <summary>What its panels ask Prometheus, with its variables filled in, by what asks.</summary>
    public static List<(string Panel, string Query)> Queries(JsonNode dashboard) =>
        [.. Panels(dashboard).SelectMany(panel => (panel["targets"]?.AsArray() ?? []).Select(target => ($"{panel["title"]}", Fill((string)target!["expr"]!))))];

    public static string Fill(string query)
    {
        var filled = query.Replace("$__rate_interval", "1m", StringComparison.Ordinal).Replace("$instance", ".*", StringComparison.Ordinal);
        Assert.DoesNotContain('$', filled);
        return filled;
    }
}
