using System.Text.Json.Nodes;
using System.Xml.Linq;

namespace MnemoLite.Tests.Deploy;

/// <summary>Every package that ships has a licence that allows it, and is named in the notices.</summary>
public sealed class LicenceTests
{
    private static readonly string[] Allowed = ["Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "MIT", "PostgreSQL"];
    private static readonly string[] Shipped = ["MnemoLite.Api", "MnemoLite.Web", "MnemoLite.AppHost", "MnemoLite.Cli"];

    [Fact]
    public void Every_package_that_ships_has_a_licence_that_allows_it() =>
        Assert.Empty(Packages().Where(package => !Allowed.Contains(package.Licence)).Select(package => $"{package.Name}: {package.Licence}"));

    [Fact]
    public void The_notices_name_every_package_that_ships()
    {
        var notices = File.ReadAllLines(Path.Combine(DeployTools.Root, "THIRD-PARTY-NOTICES.md")).Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1);
        Assert.Equal(Packages().Select(package => $"| {package.Name} | {package.Licence} |"), notices);
    }

    private static List<(string Name, string Licence)> Packages()
    {
        var packages = new SortedDictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var project in Shipped)
        {
            var assets = JsonNode.Parse(File.ReadAllText(FindAssets(project)))!;
            var folders = assets["packageFolders"]!.AsObject().Select(folder => folder.Key).ToArray();
            foreach (var (id, library) in assets["targets"]!.AsObject().First().Value!.AsObject())
            {
                var ships = new[] { "runtime", "runtimeTargets", "native" }.Any(kind =>
                    library![kind] is JsonObject files && files.Any(file => !file.Key.EndsWith("/_._", StringComparison.Ordinal)));
                if ((string?)library!["type"] == "package" && ships)
                    packages[id.Split('/')[0]] = ReadLicence(folders, assets["libraries"]![id]!["path"]!.ToString());
            }
        }
        return [.. packages.Select(package => (package.Key, package.Value))];
    }

    /// <summary>Where this build restored the project: artifacts/ENGINE/obj, beside the bin these tests are in.</summary>
    private static string FindAssets(string project) =>
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "obj", project, "project.assets.json"));

    private static string ReadLicence(string[] folders, string path)
    {
        var folder = folders.Select(folder => Path.Combine(folder, path)).First(Directory.Exists);
        var licence = XDocument.Load(Directory.EnumerateFiles(folder, "*.nuspec").Single()).Descendants().SingleOrDefault(node => node.Name.LocalName == "license");
        if ((string?)licence?.Attribute("type") == "expression")
            return licence!.Value;
        var text = licence is null ? "" : File.ReadAllText(Path.Combine(folder, licence.Value));
        return text.TrimStart().StartsWith("MIT License", StringComparison.Ordinal) ? "MIT" : $"unknown ({licence?.Value ?? "none"})";
    }
}
