using System.Text.Json.Nodes;

namespace MnemoLite.Tests.Deploy;

/// <summary>How `dotnet publish -t:PublishContainer` would make the images, by what the SDK itself computes.</summary>
public sealed class ContainerTests
{
    [Theory]
    [InlineData("MnemoLite.Api", "mnemolite-api")]
    [InlineData("MnemoLite.Web", "mnemolite-web")]
    public async Task An_image_has_no_shell_is_not_root_and_says_what_it_is(string project, string repository)
    {
        var (exitCode, output) = await NpmFolder.RunAsync(DeployTools.Root, "dotnet",
        [
            "msbuild", $"{project}/{project}.csproj", "-t:ComputeContainerConfig", "-p:Configuration=Release",
            "-getProperty:ContainerBaseImage,ContainerUser,ContainerRepository", "-getItem:ContainerPort,ContainerLabel",
        ]);
        Assert.True(exitCode == 0, output);
        var image = JsonNode.Parse(output)!;
        var properties = image["Properties"]!;
        Assert.Equal("mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled-extra", (string?)properties["ContainerBaseImage"]);
        Assert.Equal("1654", (string?)properties["ContainerUser"]);
        Assert.Equal(repository, (string?)properties["ContainerRepository"]);
        var port = Assert.Single(image["Items"]!["ContainerPort"]!.AsArray())!;
        Assert.Equal(("8080", "tcp"), ((string)port["Identity"]!, (string)port["Type"]!));
        var labels = image["Items"]!["ContainerLabel"]!.AsArray().ToDictionary(label => (string)label!["Identity"]!, label => (string?)label!["Value"]);
        Assert.Equal("MIT", labels["org.opencontainers.image.licenses"]);
        Assert.NotEmpty(labels["org.opencontainers.image.version"]!);
        Assert.Contains("MnemoLite", labels["org.opencontainers.image.title"], StringComparison.Ordinal);
        Assert.NotEmpty(labels["org.opencontainers.image.description"]!);
    }
}
