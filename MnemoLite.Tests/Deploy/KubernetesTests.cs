using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Graph;
using MnemoLite.Api.Security;
using MnemoLite.Api.Storage;
using Npgsql;

namespace MnemoLite.Tests.Deploy;

/// <summary>The manifests as kubectl makes them: valid by their schemas, and what they say to the services is what these read.</summary>
public sealed partial class KubernetesTests
{
    /// <summary>What the services read of their environment, beside the sections of settings: their own, ASP.NET Core's, service discovery's.</summary>
    private static readonly string[] Read =
    [
        "ASPNETCORE_ENVIRONMENT", "ASPNETCORE_HTTP_PORTS", "ASPNETCORE_FORWARDEDHEADERS_ENABLED", "ConnectionStrings__mnemolite", "ConnectionStrings__redis",
        "services__api__http__0", "EMBEDDING_MODE", "DataProtection__Folder", "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];

    private static readonly (string Section, Type Options)[] Sections =
    [
        (DatabaseOptions.Section, typeof(DatabaseOptions)), (CachingOptions.Section, typeof(CachingOptions)), (GraphOptions.Section, typeof(GraphOptions)),
        (EmbeddingOptions.Section, typeof(EmbeddingOptions)), (RetentionOptions.Section, typeof(RetentionOptions)),
        (AuthOptions.Section, typeof(AuthOptions)), (LimitOptions.Section, typeof(LimitOptions)),
    ];

    public static TheoryData<string> Overlays => ["overlays/one-node", "overlays/production"];

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Every_manifest_holds_to_its_schema(string overlay) =>
        Assert.Empty(await DeployTools.CheckManifestsAsync(await DeployTools.KustomizeAsync(overlay)));

    [Fact]
    public async Task A_mistake_in_a_manifest_would_be_found()
    {
        var found = await DeployTools.CheckManifestsAsync(DeployTools.ReadYaml("""
            apiVersion: postgresql.cnpg.io/v1
            kind: Cluster
            metadata: { name: wrong }
            spec: { instances: "3", primaryUpdateMethod: someday, postgresql: { parameter: {} } }
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata: { name: wrong }
            spec: { template: { spec: { containers: [{ name: a, image: a, readinesProbe: {} }] } } }
            """));
        Assert.Equal(
        [
            "Cluster wrong.spec.instances must be a number, not \"3\"",
            "Cluster wrong.spec.postgresql.parameter is no field of ClusterSpecPostgresql",
            "Cluster wrong.spec.primaryUpdateMethod is someday: it must be one of switchover, restart",
            "Deployment wrong.spec.selector is missing",
            "Deployment wrong.spec.template.spec.containers[0].readinesProbe is no field of Container",
        ],
        found.Split('\n').Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Every_variable_is_one_that_the_service_reads(string overlay)
    {
        foreach (var container in Services(await DeployTools.KustomizeAsync(overlay)).Select(Container))
        {
            var before = new List<string>();
            foreach (var variable in container["env"]!.AsArray())
            {
                var name = (string)variable!["name"]!;
                var used = Reference().Matches((string?)variable["value"] ?? "").Select(match => match.Groups[1].Value).ToList();
                Assert.All(used, other => Assert.Contains(other, before)); // Kubernetes puts in only what stands before
                before.Add(name);
                var isPart = container["env"]!.AsArray().Any(other => ((string?)other!["value"])?.Contains($"$({name})", StringComparison.Ordinal) == true);
                Assert.True(isPart || Read.Contains(name) || IsSetting(name), $"{name} is read by nobody.");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Pods_are_not_root_write_nothing_but_temporary_files_and_have_no_token(string overlay)
    {
        foreach (var workload in Workloads(await DeployTools.KustomizeAsync(overlay)))
        {
            var pod = workload["spec"]!["template"]!["spec"]!;
            Assert.True((bool?)pod["securityContext"]!["runAsNonRoot"]);
            Assert.Equal("RuntimeDefault", (string?)pod["securityContext"]!["seccompProfile"]!["type"]);
            Assert.False((bool?)pod["automountServiceAccountToken"]);
            var container = Container(workload);
            Assert.True((bool?)container["securityContext"]!["readOnlyRootFilesystem"]);
            Assert.False((bool?)container["securityContext"]!["allowPrivilegeEscalation"]);
            Assert.Equal("""["ALL"]""", container["securityContext"]!["capabilities"]!["drop"]!.ToJsonString());
            Assert.NotNull(container["resources"]!["requests"]!["cpu"]);
            Assert.NotNull(container["resources"]!["limits"]!["memory"]);
            Assert.All(["startupProbe", "readinessProbe", "livenessProbe"], probe => Assert.NotNull(container[probe]));
        }
    }

    [Fact]
    public async Task An_update_leaves_no_gap()
    {
        var manifests = await DeployTools.KustomizeAsync("overlays/production");
        foreach (var service in Services(manifests))
        {
            var name = (string)service["metadata"]!["name"]!;
            Assert.Equal(0, (int?)service["spec"]!["strategy"]!["rollingUpdate"]!["maxUnavailable"]);
            Assert.Null(service["spec"]!["replicas"]);
            Assert.True((int?)Of(manifests, "HorizontalPodAutoscaler", name)["spec"]!["minReplicas"] >= 2);
            Assert.NotNull(Of(manifests, "PodDisruptionBudget", name)["spec"]!["selector"]);
            var sleep = (int)Container(service)["lifecycle"]!["preStop"]!["sleep"]!["seconds"]!;
            Assert.True((int?)service["spec"]!["template"]!["spec"]!["terminationGracePeriodSeconds"] >= sleep + 30); // as long as the host waits
            Assert.Equal(name == "api" ? "/alive/ready" : "/alive", (string?)Container(service)["readinessProbe"]!["httpGet"]!["path"]);
        }
    }

    [Fact]
    public async Task PostgreSQL_has_the_settings_of_the_application_model()
    {
        var model = await File.ReadAllTextAsync(Path.Combine(DeployTools.Root, "MnemoLite.AppHost", "AppHost.cs"), TestContext.Current.CancellationToken);
        var settings = ServerSetting().Matches(model).ToDictionary(match => match.Groups[1].Value, match => match.Groups[2].Value);
        Assert.True(settings.Count >= 7, "AppHost.cs was not understood.");
        var cluster = Of(await DeployTools.KustomizeAsync("overlays/production"), "Cluster", "postgres")["spec"]!;
        var parameters = cluster["postgresql"]!["parameters"]!.AsObject();
        Assert.Equal("pg_stat_statements", settings["shared_preload_libraries"]); // which the operator sees to, as it has a parameter
        settings.Remove("shared_preload_libraries");
        var common = settings.Where(setting => !setting.Key.StartsWith("archive_", StringComparison.Ordinal)); // which the operator does in its own way
        Assert.All(common, setting => Assert.Equal(setting.Value, (string?)parameters[setting.Key]));
        Assert.Equal(ImageTag().Match(model).Groups[1].Value, ((string)cluster["imageName"]!).Split(':')[1].Split('-')[0]);
    }

    [Fact]
    public async Task All_replicas_together_have_connections_enough()
    {
        var manifests = await DeployTools.KustomizeAsync("overlays/production");
        var most = int.Parse((string)Of(manifests, "Cluster", "postgres")["spec"]!["postgresql"]!["parameters"]!["max_connections"]!, null);
        var replicas = (int)Of(manifests, "HorizontalPodAutoscaler", "api")["spec"]!["maxReplicas"]! + 1; // one more while it is updated
        var pool = int.Parse(Environment(Of(manifests, "Deployment", "api"))["Database__MaxPoolSize"], null);
        Assert.True((replicas * (pool + 2)) + 20 <= most, $"{replicas} replicas, {pool} connections each."); // the change feed and a lock; the operator's own
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task The_API_is_told_of_every_instance_of_PostgreSQL_by_a_name_of_its_own(string overlay)
    {
        var manifests = await DeployTools.KustomizeAsync(overlay);
        var environment = Environment(Of(manifests, "Deployment", "api"));
        var hosts = new NpgsqlConnectionStringBuilder(
            environment["ConnectionStrings__mnemolite"].Replace("$(POSTGRES_HOSTS)", environment["POSTGRES_HOSTS"], StringComparison.Ordinal)).Host!.Split(',');
        var instances = (int)Of(manifests, "Cluster", "postgres")["spec"]!["instances"]!;
        string[] services = [.. manifests.Where(manifest => (string?)manifest["kind"] == "Service"
            && manifest["spec"]!["selector"]!["cnpg.io/instanceName"] is not null).Select(manifest => (string)manifest["metadata"]!["name"]!)];
        Assert.Equal(instances == 1 ? 0 : instances, services.Length);
        Assert.Equal([.. services, "postgres-rw"], hosts.Select(host => host.Split(':')[0]));
    }

    [Fact]
    public async Task Redis_forgets_nothing()
    {
        var arguments = string.Join(' ', Container(Of(await DeployTools.KustomizeAsync("overlays/production"), "StatefulSet", "redis"))["args"]!.AsArray());
        Assert.Contains("--appendonly yes", arguments, StringComparison.Ordinal);
        Assert.Contains("--maxmemory-policy noeviction", arguments, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Overlays))]
    public async Task Every_pod_is_closed_but_for_what_is_named(string overlay)
    {
        var manifests = await DeployTools.KustomizeAsync(overlay);
        var policies = manifests.Where(manifest => (string?)manifest["kind"] == "NetworkPolicy").ToList();
        Assert.Contains(policies, policy => policy["spec"]!["podSelector"]!.AsObject().Count == 0 && policy["spec"]!["policyTypes"]!.AsArray().Count == 2
            && policy["spec"]!["ingress"] is null && policy["spec"]!["egress"] is null);
        foreach (var service in manifests.Where(manifest => (string?)manifest["kind"] == "Service"))
        {
            var selector = service["spec"]!["selector"]!.AsObject();
            Assert.Contains(policies, policy => policy["spec"]!["podSelector"]!["matchLabels"] is JsonObject labels
                && labels.All(label => (string?)selector[label.Key] == (string?)label.Value));
        }
    }

    private static IEnumerable<JsonNode> Workloads(JsonNode[] manifests) =>
        manifests.Where(manifest => (string?)manifest["kind"] is "Deployment" or "StatefulSet");

    private static JsonNode[] Services(JsonNode[] manifests) => [Of(manifests, "Deployment", "api"), Of(manifests, "Deployment", "web")];

    private static JsonNode Of(JsonNode[] manifests, string kind, string name) =>
        Assert.Single(manifests, manifest => (string?)manifest["kind"] == kind && (string?)manifest["metadata"]!["name"] == name);

    private static JsonNode Container(JsonNode workload) => Assert.Single(workload["spec"]!["template"]!["spec"]!["containers"]!.AsArray())!;

    private static Dictionary<string, string> Environment(JsonNode workload) =>
        Container(workload)["env"]!.AsArray().ToDictionary(variable => (string)variable!["name"]!, variable => (string?)variable!["value"] ?? "");

    private static bool IsSetting(string name) =>
        Sections.Any(section => name.Split("__") is [var first, var second] && first == section.Section && section.Options.GetProperty(second) is not null);

    [GeneratedRegex(@"\$\((\w+)\)")]
    private static partial Regex Reference();

    [GeneratedRegex("""
        "-c", "([\w.]+)=([^"]+)"
        """)]
    private static partial Regex ServerSetting();

    [GeneratedRegex("""
        "pgvector/pgvector", "pg(\d+)"
        """)]
    private static partial Regex ImageTag();
}
