using System.Diagnostics;
using MnemoLite.Api.Embeddings;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Faults;

/// <summary>A model that is not what it was gives no vectors at all.</summary>
public sealed class DamagedModelTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("use-lite-fp16.onnx")]
    [InlineData("vocab.json")]
    [InlineData("directions.f16")]
    public void One_bit_that_is_not_as_published_is_noticed(string file)
    {
        var folder = Directory.CreateTempSubdirectory("mnemolite-test-");
        foreach (var one in new DirectoryInfo(UseLiteEmbeddingGenerator.DefaultFolder).GetFiles())
            one.CopyTo(Path.Combine(folder.FullName, one.Name));
        Assert.Null(UseLiteEmbeddingGenerator.FindDamaged(folder.FullName));

        using (var stream = File.Open(Path.Combine(folder.FullName, file), FileMode.Open))
        {
            stream.Position = stream.Length / 2;
            var one = stream.ReadByte();
            stream.Position--;
            stream.WriteByte((byte)(one ^ 1));
        }
        Assert.Equal(file, UseLiteEmbeddingGenerator.FindDamaged(folder.FullName));
        File.Delete(Path.Combine(folder.FullName, file));
        Assert.Equal(file, UseLiteEmbeddingGenerator.FindDamaged(folder.FullName));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task A_service_does_not_start_with_the_model_that_ships_damaged()
    {
        var copy = new DirectoryInfo($"{ApiProcess.ApiFolder}-{Guid.NewGuid():N}");
        using (var linking = Process.Start("cp", ["-al", ApiProcess.ApiFolder, copy.FullName]))
            await linking.WaitForExitAsync(Cancelled);
        var model = Path.Combine(copy.FullName, "models", "use-lite", "use-lite-fp16.onnx");
        File.Delete(model);
        await File.WriteAllTextAsync(model, "half a model", Cancelled);
        await using var api = ApiProcess.StartFrom(copy.FullName);
        Assert.Equal(1, await api.WaitForExitAsync(Cancelled));
        Assert.Contains("use-lite-fp16.onnx is not the file that was published", api.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", api.Output, StringComparison.Ordinal);
        copy.Delete(recursive: true);
    }

    [Fact]
    public async Task A_service_does_not_start_with_a_model_of_a_folder_that_cannot_be_read()
    {
        var folder = Directory.CreateTempSubdirectory("mnemolite-test-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "model.onnx"), "no model", Cancelled);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "vocab.txt"), "[UNK]", Cancelled);
        await using var api = ApiProcess.Start($"--Embedding:Folder={folder.FullName}");
        Assert.Equal(1, await api.WaitForExitAsync(Cancelled));
        Assert.Contains("Embedding:Folder", api.Output, StringComparison.Ordinal);
        Assert.Contains("cannot be read", api.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", api.Output, StringComparison.Ordinal);
        folder.Delete(recursive: true);
    }
}
