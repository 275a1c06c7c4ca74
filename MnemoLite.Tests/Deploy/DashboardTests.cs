using System.Text.Json.Nodes;

namespace MnemoLite.Tests.Deploy;

/// <summary>The dashboards of deploy/grafana are laid out well; that their queries find something is tested with a real Prometheus.</summary>
public sealed class DashboardTests
{
    [Theory]
    [MemberData(nameof(Dashboards.Names), MemberType = typeof(Dashboards))]
    public void Every_panel_has_a_title_a_unit_and_a_place_of_its_own(string name)
    {
        var dashboard = Dashboards.Read(name);
        Assert.Equal($"mnemolite-{name}", (string?)dashboard["uid"]);
        var taken = new HashSet<(int X, int Y)>();
        var panels = Dashboards.Panels(dashboard);
        Assert.Distinct(panels.Select(panel => (int)panel["id"]!));
        foreach (var panel in panels)
        {
            Assert.NotEmpty((string)panel["title"]!);
            var (x, y, width, height) = (At("x"), At("y"), At("w"), At("h"));
            Assert.InRange(x + width, 1, 24);
            Assert.All(Enumerable.Range(x, width), column => Assert.All(Enumerable.Range(y, height), line => Assert.True(taken.Add((column, line)))));
            if ((string?)panel["type"] == "row")
                continue;
            Assert.NotEmpty((string)panel["fieldConfig"]!["defaults"]!["unit"]!);
            Assert.NotEmpty(panel["targets"]!.AsArray());
            Assert.All(panel["targets"]!.AsArray(), target => Assert.Equal("${datasource}", (string?)target!["datasource"]!["uid"]));

            int At(string edge) => (int)panel["gridPos"]![edge]!;
        }
        Assert.Equal(["datasource", "instance"], dashboard["templating"]!["list"]!.AsArray().Select(variable => (string?)variable!["name"]));
    }

    [Fact]
    public void What_is_provisioned_is_read()
    {
        var provisioning = Path.Combine(DeployTools.Root, "deploy", "grafana", "provisioning");
        var sources = Read("datasources")["datasources"]!.AsArray();
        Assert.Equal("prometheus", (string?)Assert.Single(sources)!["type"]);
        var interval = (string?)DeployTools.ReadYaml(File.ReadAllText(Path.Combine(DeployTools.Root, "deploy", "prometheus", "prometheus.yml")))[0]["global"]!["scrape_interval"];
        Assert.Equal(interval, (string?)sources[0]!["jsonData"]!["timeInterval"]);
        Assert.Equal("$MNEMOLITE_DASHBOARDS", (string?)Assert.Single(Read("dashboards")["providers"]!.AsArray())!["options"]!["path"]);

        JsonNode Read(string kind) => DeployTools.ReadYaml(File.ReadAllText(Path.Combine(provisioning, kind, "mnemolite.yml")))[0];
    }
}
