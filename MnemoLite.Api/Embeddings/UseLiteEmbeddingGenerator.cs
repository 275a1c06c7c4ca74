using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Extensions.AI;

namespace MnemoLite.Api.Embeddings;

/// <summary>Universal Sentence Encoder Lite, in process: 512 dimensions, English.</summary>
/// <remarks>
/// <para>The model reads 128 tokens (about 90 words). A longer text is cut into even parts, at word starts where one is near;
/// its vector is the mean of the parts' vectors, brought to length 1 (see models/README.md for what was measured).</para>
/// <para>Where <see cref="string.IsNullOrWhiteSpace"/> holds there is nothing to embed: the caller asks that first and stores no vector.
/// The generator itself answers such a text with the model's vector for no tokens, so that one empty text does not fail a batch.</para>
/// <para>It works on the caller's thread; many texts yield it between batches. <see cref="EmbeddingGenerationOptions"/> are not used:
/// there is one model and one size.</para>
/// </remarks>
internal sealed class UseLiteEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    /// <summary>The model's name in the store; other weights, tokens or pooling are another model and need another name.</summary>
    public const string ModelId = "use-lite-fp16";

    /// <summary>What one run may hold, padding included: bounds its time (about 20 ms) and its memory.</summary>
    private const int BatchTokens = 2 * UseLiteModel.MaxTokens;

    /// <summary>How far before its even place a cut may move to a word start.</summary>
    private const int CutSlack = 8;

    private const string ModelFile = "use-lite-fp16.onnx", VocabularyFile = "vocab.json", DirectionsFile = "directions.f16";

    /// <summary>The SHA-256 of the files, as models/README.md has them.</summary>
    private static readonly (string File, string Hash)[] Published =
    [
        (ModelFile, "0E5686FEED7A1813FC6B705A7EC3FAD0D2C27EF7C7867D2A28433B26E39C345B"),
        (VocabularyFile, "1AD860B9720C16CD48E666D664A556B2515C04F5A26A4B53C0372427913B1B8E"),
        (DirectionsFile, "8B555518CC993D9BB5EEBBDECE94362A1B5CBBB68072FEB1B74FBCFFAA55ADF4"),
    ];

    private static readonly EmbeddingGeneratorMetadata Metadata = new("use-lite", null, ModelId, UseLiteModel.Dimension);

    private readonly UnigramTokenizer _tokenizer;
    private readonly UseLiteModel _model;
    private readonly EmbeddingDirections _directions;

    /// <summary>Loads the model; the first run is slower than the others, so embed something before the first request.</summary>
    /// <param name="folder">Holds <c>vocab.json</c>, <c>use-lite-fp16.onnx</c> and <c>directions.f16</c>.</param>
    public UseLiteEmbeddingGenerator(string folder)
    {
        _tokenizer = UnigramTokenizer.Load(Path.Combine(folder, VocabularyFile));
        _model = UseLiteModel.Load(Path.Combine(folder, ModelFile));
        _directions = EmbeddingDirections.Load(Path.Combine(folder, DirectionsFile));
    }

    /// <summary>Where the build puts the model that ships.</summary>
    public static string DefaultFolder { get; } = Path.Combine(AppContext.BaseDirectory, "models", "use-lite");

    /// <summary>The first file of the folder that is not as it was published; null if all are.</summary>
    public static string? FindDamaged(string folder) => Published.FirstOrDefault(one => HashOf(Path.Combine(folder, one.File)) != one.Hash).File;

    /// <inheritdoc/>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var vectors = new List<float[]>();
        var parts = new List<Part>();
        foreach (var text in values)
        {
            AddParts(parts, vectors.Count, _tokenizer.Encode(text));
            vectors.Add(new float[UseLiteModel.Dimension]);
        }

        parts.Sort((a, b) => a.Tokens.Length.CompareTo(b.Tokens.Length)); // like lengths together: little padding
        for (int start = 0, end; start < parts.Count; start = end)
        {
            if (start > 0)
            {
                await Task.Yield();
                cancellationToken.ThrowIfCancellationRequested();
            }
            end = BatchEnd(parts, start);
            EncodeBatch(CollectionsMarshal.AsSpan(parts)[start..end], vectors);
        }
        return ToEmbeddings(vectors, parts);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(EmbeddingGeneratorMetadata) ? Metadata
            : serviceType == typeof(EmbeddingDirections) ? _directions
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _model.Dispose();

    private static string? HashOf(string file)
    {
        if (!File.Exists(file))
            return null;
        using var stream = File.OpenRead(file);
        return Convert.ToHexString(SHA256.HashData(stream));
    }

    private void AddParts(List<Part> parts, int text, int[] tokens)
    {
        // The slack stays free in every part, so a cut that moves left never makes the part behind it too long.
        var count = tokens.Length <= UseLiteModel.MaxTokens
            ? 1
            : (tokens.Length + UseLiteModel.MaxTokens - CutSlack - 1) / (UseLiteModel.MaxTokens - CutSlack);
        for (int part = 1, start = 0; part <= count; part++)
        {
            var end = part == count ? tokens.Length : CutAt(tokens, (int)((long)tokens.Length * part / count));
            parts.Add(new(text, tokens.AsMemory(start..end)));
            start = end;
        }
    }

    /// <summary>The last word start at an even cut or up to <see cref="CutSlack"/> tokens before it; else the even cut itself.</summary>
    private int CutAt(int[] tokens, int even)
    {
        for (var cut = even; cut >= even - CutSlack; cut--)
        {
            if (_tokenizer.StartsWord(tokens[cut]))
                return cut;
        }
        return even;
    }

    private static int BatchEnd(List<Part> parts, int start)
    {
        var end = start + 1;
        while (end < parts.Count && (end - start + 1) * parts[end].Tokens.Length <= BatchTokens)
            end++;
        return end;
    }

    private void EncodeBatch(ReadOnlySpan<Part> batch, List<float[]> vectors)
    {
        var rows = new ReadOnlyMemory<int>[batch.Length];
        for (var i = 0; i < rows.Length; i++)
            rows[i] = batch[i].Tokens;

        var encoded = ArrayPool<float>.Shared.Rent(rows.Length * UseLiteModel.Dimension);
        try
        {
            _model.Encode(rows, encoded);
            for (var i = 0; i < rows.Length; i++)
            {
                var vector = vectors[batch[i].Text];
                TensorPrimitives.Add(vector, encoded.AsSpan(i * UseLiteModel.Dimension, UseLiteModel.Dimension), vector);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(encoded);
        }
    }

    private static GeneratedEmbeddings<Embedding<float>> ToEmbeddings(List<float[]> vectors, List<Part> parts)
    {
        var createdAt = DateTimeOffset.UtcNow;
        var embeddings = new GeneratedEmbeddings<Embedding<float>>(vectors.Count);
        foreach (var vector in vectors)
        {
            TensorPrimitives.Divide(vector, TensorPrimitives.Norm(vector), vector);
            embeddings.Add(new(vector) { ModelId = ModelId, CreatedAt = createdAt });
        }
        embeddings.Usage = new() { InputTokenCount = parts.Sum(part => (long)part.Tokens.Length) };
        return embeddings;
    }

    /// <summary>What one row of a run reads: a whole text, or one of a long text's parts.</summary>
    private readonly record struct Part(int Text, ReadOnlyMemory<int> Tokens);
}
