namespace MnemoLite.Tests.Deploy;

/// <summary>The set-up lets PostgreSQL take large pages, unless the machine is small or its owner does not want that.</summary>
public sealed class LargePagesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;

    [Theory]
    [InlineData(2048, 300)]
    [InlineData(32768, 18)]
    public async Task They_are_allowed_from_now_on_and_after_a_restart_of_the_machine(int size, int pages)
    {
        Assert.Contains("large pages", await SetUpAsync(allowed: "0", size: size));
        Assert.Equal($"{pages}\n", Read("allowed"));
        Assert.EndsWith($"\nvm.nr_overcommit_hugepages = {pages}\n", Read("sysctl.d/kept"));
        Assert.Empty(await SetUpAsync(allowed: $"{pages}"));
    }

    [Fact]
    public async Task What_the_owner_wrote_counts()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "sysctl.d"));
        Write("sysctl.d/kept", "vm.nr_overcommit_hugepages = 0\n");
        Assert.Empty(await SetUpAsync(allowed: "0"));
        Assert.Equal("0", Read("allowed"));
        Write("sysctl.d/kept", "vm.nr_overcommit_hugepages=700\n");
        Assert.Contains("large pages", await SetUpAsync(allowed: "0"));
        Assert.Equal("700\n", Read("allowed"));
    }

    [Fact]
    public async Task More_that_were_allowed_before_are_left()
    {
        Assert.Empty(await SetUpAsync(allowed: "2000"));
        Assert.Equal("2000", Read("allowed"));
    }

    [Theory]
    [InlineData(3_900_000, 2048, "false")]
    [InlineData(16_000_000, null, "false")] // the kernel has none
    [InlineData(16_000_000, 2048, "true")] // containers have a PostgreSQL of their own
    public async Task A_machine_that_has_little_use_of_them_is_left_as_it_is(int memory, int? size, string useAspire)
    {
        Assert.Empty(await SetUpAsync("0", memory, size, useAspire));
        Assert.Equal("0", Read("allowed"));
        Assert.False(File.Exists(Path.Combine(_folder, "sysctl.d/kept")));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <returns>What it said.</returns>
    private async Task<string> SetUpAsync(string allowed, int memory = 16_000_000, int? size = 2048, string useAspire = "false")
    {
        Write("allowed", allowed);
        Write("memory", $"MemTotal:       {memory} kB\n{(size is null ? "" : $"Hugepagesize:       {size} kB\n")}");
        var (exitCode, output) = await NpmFolder.RunAsync(_folder, "bash",
        [
            "-euo", "pipefail", "-c",
            """
            source "$1/scripts/terminal.sh"
            source "$1/scripts/setup.sh"
            UseAspire=$2 memory=memory large_pages=allowed large_pages_file=sysctl.d/kept
            allow_large_pages
            """,
            "set-up", DeployTools.Root, useAspire,
        ]);
        Assert.True(exitCode == 0, output);
        return output;
    }

    private string Read(string file) => File.ReadAllText(Path.Combine(_folder, file));

    private void Write(string file, string text) => File.WriteAllText(Path.Combine(_folder, file), text);
}
