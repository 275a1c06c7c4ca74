using System.Diagnostics;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using MnemoLite.Tests.Caching;

namespace MnemoLite.Tests.Deploy;

/// <summary>API and dashboard as their manifests have them run: as a user without rights, who can write to nothing but what is mounted for it.</summary>
public sealed partial class ReadOnlyTests(RunningApplication application)
{
    /// <summary>Makes everything read-only in a namespace of its own but for the folders before `--`, and runs the rest there.</summary>
    private const string Confine = """
        set -eu
        user=$1 group=$2
        shift 2
        mount --bind . /srv && cd /srv # where no folder that is mounted hides it
        cut -d ' ' -f 2 /proc/mounts | grep -Ev '^/(proc|sys)(/|$)' | sort -u | while read -r place; do mount -o remount,bind,ro "$place"; done
        while [ "$1" != -- ]; do mount -t tmpfs -o mode=1777 tmpfs "$1"; shift; done
        shift
        exec setpriv --reuid "$user" --regid "$group" --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
        """;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Services_write_to_nothing_but_what_their_manifests_mount()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "Only root can mount.");
        var manifests = await DeployTools.KustomizeAsync("overlays/one-node");
        await using var database = await OwnDatabase.CreateAsync(application, hasSchema: false);
        await using var redis = await OwnRedis.StartAsync();

        await using var api = await StartAsync("MnemoLite.Api", Of(manifests, "api"), database.Setting, redis.Setting);
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        var text = string.Join(' ', Enumerable.Range(0, 100_000).Select(i => $"word{i}")); // a body of about a megabyte
        var memory = await client.CreateAsync(new NewEvent { Content = JsonText.From(new { text }) }, Cancelled);
        Assert.Equal(memory.Id, Assert.Single((await client.SearchAsync(new SearchRequest { Query = "word17" }, Cancelled)).Events).Id);
        AssertConfined(api, Of(manifests, "api"));

        await using var web = await StartAsync("MnemoLite.Web", Of(manifests, "web"), $"--services:api:http:0={http.BaseAddress}", redis.Setting);
        using var browser = new HttpClient { BaseAddress = await web.FindAddressAsync(Cancelled) };
        Assert.Contains("<title>Overview · MnemoLite</title>", await browser.GetStringAsync(new Uri("/", UriKind.Relative), Cancelled), StringComparison.Ordinal);
        AssertConfined(web, Of(manifests, "web"));
    }

    private static async Task<ApiProcess> StartAsync(string project, JsonNode pod, params string[] settings)
    {
        var published = Path.Combine(AppContext.BaseDirectory, "published", project);
        var (exitCode, output) = await NpmFolder.RunAsync(
            DeployTools.Root, "dotnet", ["publish", project, "-c", Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), "--no-build", "-o", published]);
        Assert.True(exitCode == 0, output);
        var security = pod["securityContext"]!;
        var start = new ProcessStartInfo("unshare",
        [
            "--mount", "--propagation", "private", "sh", "-c", Confine, "sh", $"{security["runAsUser"]}", $"{security["runAsGroup"]}", .. Mounts(pod), "--",
            "dotnet", $"{project}.dll", .. settings, "--urls=http://127.0.0.1:0",
        ])
        {
            WorkingDirectory = published,
        };
        var path = start.Environment["PATH"];
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        foreach (var variable in Container(pod)["env"]!.AsArray())
        {
            if ((string?)variable!["value"] is { } value && !value.Contains("$(", StringComparison.Ordinal))
                start.Environment[(string)variable["name"]!] = value;
        }
        return ApiProcess.Start(start);
    }

    private static void AssertConfined(ApiProcess service, JsonNode pod)
    {
        var process = $"/proc/{service.ProcessId}";
        var status = File.ReadLines($"{process}/status").Select(line => line.Split('\t')).ToDictionary(fields => fields[0], fields => fields[1..]);
        Assert.All(status["Uid:"], id => Assert.Equal($"{pod["securityContext"]!["runAsUser"]}", id));
        Assert.All(["CapPrm:", "CapEff:", "CapBnd:"], capabilities => Assert.Equal("0000000000000000", Assert.Single(status[capabilities])));
        var writable = File.ReadLines($"{process}/mounts").Select(line => line.Split(' ')).GroupBy(mount => mount[1], mount => mount[3])
            .Where(place => place.Last().Split(',').Contains("rw") && !KernelPlace().IsMatch(place.Key)).Select(place => place.Key); // the last covers those before
        Assert.Equal(Mounts(pod).Order(), writable.Order());
        Assert.DoesNotContain("Read-only file system", service.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("fail:", service.Output, StringComparison.Ordinal);
    }

    private static JsonNode Of(JsonNode[] manifests, string name) =>
        manifests.Single(manifest => (string?)manifest["kind"] == "Deployment" && (string?)manifest["metadata"]!["name"] == name)["spec"]!["template"]!["spec"]!;

    private static JsonNode Container(JsonNode pod) => pod["containers"]!.AsArray().Single()!;

    private static IEnumerable<string> Mounts(JsonNode pod) => Container(pod)["volumeMounts"]!.AsArray().Select(mount => (string)mount!["mountPath"]!);

    [GeneratedRegex("^/(proc|sys)(/|$)")]
    private static partial Regex KernelPlace();
}
