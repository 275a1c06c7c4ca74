using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Double;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Bench.Directions;

/// <summary>
/// Finds the directions that embeddings of the model that ships have most of: the first eigenvectors of the mean of v·vᵀ over the embeddings v of
/// many texts (models/README.md).
/// </summary>
internal static class PrincipalDirections
{
    private const int TextsAtOnce = 256;

    public static async Task<int> RunAsync(Dictionary<string, string> options)
    {
        if (!options.TryGetValue("--texts", out var texts) || !options.TryGetValue("--out", out var file))
            throw new ArgumentException("directions needs --texts FILE, with a text a line, and --out FILE.");
        var moment = await SumAsync(await File.ReadAllLinesAsync(texts));
        var found = DenseMatrix.OfArray(moment).Evd(Symmetricity.Symmetric); // eigenvalues from the smallest to the largest
        var kept = found.EigenValues.Reverse().Take(EmbeddingDirections.Count).Sum(value => value.Real) / found.EigenValues.Sum(value => value.Real);
        var values = found.EigenVectors.EnumerateColumns().Reverse().Take(EmbeddingDirections.Count)
            .SelectMany(direction => direction.Select(value => (Half)value)).ToArray();
        await File.WriteAllBytesAsync(file, MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        Console.WriteLine($"{EmbeddingDirections.Count} directions, which have {kept:P1} of the embeddings' squared length: {file}");
        return 0;
    }

    private static async Task<double[,]> SumAsync(string[] texts)
    {
        using var generator = new UseLiteEmbeddingGenerator(UseLiteEmbeddingGenerator.DefaultFolder);
        var sum = new double[UseLiteModel.Dimension, UseLiteModel.Dimension];
        var done = 0;
        foreach (var chunk in texts.Chunk(TextsAtOnce))
        {
            foreach (var embedding in await generator.GenerateAsync(chunk))
                Add(embedding.Vector.Span, sum);
            Progress.OfConsole.Show($"Embedding {done += chunk.Length} of {texts.Length}");
        }
        Progress.OfConsole.Clear();
        return sum;
    }

    private static void Add(ReadOnlySpan<float> vector, double[,] sum)
    {
        Span<double> wide = stackalloc double[vector.Length];
        TensorPrimitives.ConvertTruncating(vector, wide);
        for (var i = 0; i < wide.Length; i++)
        {
            var row = MemoryMarshal.CreateSpan(ref sum[i, 0], wide.Length);
            TensorPrimitives.MultiplyAdd(wide, wide[i], row, row);
        }
    }
}
