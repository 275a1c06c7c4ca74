using MnemoLite.Cli;
using MnemoLite.Cli.Deployments;

namespace MnemoLite.Tests.Cli;

/// <summary>The releases of a data folder are known again, and which of them runs.</summary>
public sealed class ReleaseFolderTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mnemolite-test-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void What_was_rolled_back_does_not_start_by_itself()
    {
        var releases = new ReleaseFolder(new DataFolder(_folder.FullName));
        var (first, second) = (Stage("one"), Stage("two"));
        releases.MakeCurrent(first);
        releases.MakeCurrent(second);
        Assert.Equal(first.Name, releases.Former!.Name);
        releases.RollBack();
        Assert.Equal(first.Name, releases.Current!.Name);
        Assert.Null(releases.Former);
        Assert.True(Stage("two").IsWithdrawn);
        Assert.False(Stage("three").IsWithdrawn);
        releases.RemoveOld();
        Assert.True(Stage("two").IsWithdrawn);

        Release Stage(string content) => releases.Stage(Programs(content), TimeProvider.System);
    }

    [Fact]
    public void The_same_build_is_the_same_release_without_what_is_for_other_machines()
    {
        var releases = new ReleaseFolder(new DataFolder(_folder.FullName));
        var first = releases.Stage(Programs("one"), TimeProvider.System);
        var programs = Programs("one");
        var other = programs.CreateSubdirectory(Path.Combine("MnemoLite.Api", "release", "runtimes", "of-another-machine"));
        File.WriteAllText(Path.Combine(other.FullName, "library"), "");
        Assert.Equal(first.Name, releases.Stage(programs, TimeProvider.System).Name);
        Assert.True(File.Exists(Path.Combine(first.Path, "MnemoLite.Api", "MnemoLite.Api.dll")));
    }

    [Fact]
    public void A_folder_without_programs_is_no_release()
    {
        var releases = new ReleaseFolder(new DataFolder(_folder.FullName));
        var exception = Assert.Throws<CommandException>(() => releases.Stage(_folder, TimeProvider.System));
        Assert.Contains("dotnet publish", exception.Message, StringComparison.Ordinal);
    }

    private DirectoryInfo Programs(string content)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder.FullName, "published", content));
        var api = folder.CreateSubdirectory(Path.Combine("MnemoLite.Api", "release"));
        File.WriteAllText(Path.Combine(api.FullName, "MnemoLite.Api.dll"), content);
        File.WriteAllText(Path.Combine(api.FullName, "MnemoLite.Api.runtimeconfig.json"), "{}");
        return folder;
    }
}
