using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;

namespace MnemoLite.Api.Embeddings;

/// <summary>
/// Embeddings without a model, for tests: each word is a fixed random direction and a text is the sum of its words,
/// so texts that share words are near and others about at right angles. The same on every machine and in every run.
/// </summary>
internal sealed class MockEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>The model's name in the store.</summary>
    public const string ModelId = "mock";

    /// <summary>How many numbers a vector has: the bits of a SHA-512 hash.</summary>
    private const int Dimension = SHA512.HashSizeInBits;

    private static readonly EmbeddingGeneratorMetadata Metadata = new("mock", null, ModelId, Dimension);

    /// <inheritdoc/>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(
            values.Select(text => new Embedding<float>(Embed(text)) { ModelId = ModelId, CreatedAt = DateTimeOffset.UtcNow })));
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(EmbeddingGeneratorMetadata) ? Metadata
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static float[] Embed(string text)
    {
        var vector = new float[Dimension];
        var words = 0;
        for (int start = 0, end; start < text.Length; start = end + 1)
        {
            end = start;
            while (end < text.Length && char.IsLetterOrDigit(text[end]))
                end++;
            if (end > start)
            {
                AddWord(vector, text[start..end].ToLowerInvariant());
                words++;
            }
        }
        if (words == 0)
            AddWord(vector, text);
        TensorPrimitives.Divide(vector, TensorPrimitives.Norm(vector), vector);
        return vector;
    }

    /// <summary>Adds 1 or −1 to each number, as the bits of the word's hash say.</summary>
    private static void AddWord(Span<float> vector, string word)
    {
        var hash = SHA512.HashData(Encoding.UTF8.GetBytes(word));
        for (var i = 0; i < vector.Length; i++)
            vector[i] += (hash[i / 8] >> (i % 8) & 1) == 1 ? 1 : -1;
    }
}
