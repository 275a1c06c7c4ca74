using System.Text.RegularExpressions;
using System.Xml.Linq;
using Aspire.Hosting.Testing;

namespace MnemoLite.Tests.Deploy;

/// <summary>
/// What `aspire publish` works from: the model for each of its targets, and packages of one release. (What Aspire makes of it is not tried here.)
/// </summary>
public sealed partial class PublishTests
{
    private static readonly XDocument Project = XDocument.Load(Path.Combine(DeployTools.Root, "MnemoLite.AppHost", "MnemoLite.AppHost.csproj"));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("compose")]
    [InlineData("kubernetes")]
    public async Task The_application_is_described_for_each_target(string target)
    {
        await using var builder = await DescribeAsync(target);
        await using var app = await builder.BuildAsync(Cancelled);
        Assert.NotNull(app);
    }

    [Fact]
    public async Task An_unknown_target_is_refused_with_those_there_are()
    {
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(() => DescribeAsync("swarm"));
        Assert.Equal("MnemoLite:PublishTo is 'compose' or 'kubernetes', not 'swarm'.", exception.Message);
    }

    [Fact]
    public void Packages_of_Aspire_are_referenced_only_where_it_is_used()
    {
        var packages = Project.Descendants("PackageReference").Where(package => IsOfAspire((string)package.Attribute("Include")!)).ToList();
        Assert.Contains(packages, package => (string?)package.Attribute("Include") == "Aspire.Hosting.Docker");
        Assert.Contains(packages, package => (string?)package.Attribute("Include") == "Aspire.Hosting.Kubernetes");
        Assert.All(packages, package => Assert.Equal("'$(UseAspire)' == 'true'", (string?)package.Parent!.Attribute("Condition")));
    }

    [Fact]
    public void All_of_Aspire_is_of_one_release()
    {
        var release = SdkVersion().Match(File.ReadAllText(Path.Combine(DeployTools.Root, "global.json"))).Groups[1].Value;
        var versions = XDocument.Load(Path.Combine(DeployTools.Root, "Directory.Packages.props")).Descendants("PackageVersion")
            .ToDictionary(package => (string)package.Attribute("Include")!, package => (string)package.Attribute("Version")!);
        var used = Project.Descendants("PackageReference").Select(package => (string)package.Attribute("Include")!).Where(IsOfAspire).ToList();
        Assert.NotEmpty(used);
        Assert.All(used, package => Assert.Equal(release, versions[package].Split('-')[0]));
        Assert.Single(versions.Where(package => IsOfAspire(package.Key) && package.Value.Contains('-', StringComparison.Ordinal)).Select(package => package.Value).Distinct());
    }

    private static bool IsOfAspire(string package) => package.StartsWith("Aspire.", StringComparison.Ordinal);

    private static Task<IDistributedApplicationTestingBuilder> DescribeAsync(string target) =>
        DistributedApplicationTestingBuilder.CreateAsync<Projects.MnemoLite_AppHost>([$"--MnemoLite:PublishTo={target}"], Cancelled);

    [GeneratedRegex("""
        "Aspire.AppHost.Sdk": "([^"]+)"
        """)]
    private static partial Regex SdkVersion();
}
