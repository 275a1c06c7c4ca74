namespace MnemoLite.Api.Embeddings;

/// <summary>The sentence encoder itself: tokens in, vectors of length 1 out. Safe for concurrent use; runs on the caller's thread.</summary>
internal abstract class UseLiteModel : IDisposable
{
    /// <summary>How many numbers a vector has.</summary>
    public const int Dimension = 512;

    /// <summary>How many tokens the model reads; the rest of a longer row would be lost.</summary>
    public const int MaxTokens = 128;

    /// <summary>The faster of the two on this processor.</summary>
    /// <param name="path">The ONNX file.</param>
    public static UseLiteModel Load(string path) => Int16Matrix.IsSupported ? new UseLiteInt16Model(path) : new UseLiteOnnxModel(path);

    /// <summary>Encodes the rows together.</summary>
    /// <param name="rows">The tokens of each row, at most <see cref="MaxTokens"/>.</param>
    /// <param name="vectors">Takes one vector a row, one after the other.</param>
    public abstract void Encode(ReadOnlySpan<ReadOnlyMemory<int>> rows, Memory<float> vectors);

    /// <inheritdoc/>
    public abstract void Dispose();
}
