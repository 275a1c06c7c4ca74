using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.OnnxRuntime.Tensors;
using Microsoft.ML.Tokenizers;

namespace MnemoLite.Api.Embeddings;

/// <summary>
/// A sentence encoder of a folder, in process: BERT-like models with WordPiece, and models with SentencePiece. Where the model gives a vector a
/// token, their mean is taken; where it gives one a text, that. All are brought to length 1.
/// </summary>
/// <remarks>A text's tokens beyond the model's length (512, or <c>max_position_embeddings</c> of <c>config.json</c>) are left out.</remarks>
internal sealed class OnnxEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private const string ModelFile = "model.onnx", WordPieceFile = "vocab.txt";
    private const int BatchTexts = 32;
    private static readonly string[] SentencePieceFiles = ["sentencepiece.bpe.model", "spiece.model", "tokenizer.model"];
    private static readonly string[] KnownInputs = ["input_ids", "attention_mask", "token_type_ids"];

    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly Func<string, IReadOnlyList<int>> _tokenize;
    private readonly string _output;
    private readonly int _maxTokens, _padding;
    private readonly EmbeddingGeneratorMetadata _metadata;

    /// <param name="folder">One in which <see cref="FindMissing"/> finds nothing missing.</param>
    /// <exception cref="NotSupportedException">The model wants other inputs than tokens, or gives something else than 32-bit numbers.</exception>
    public OnnxEmbeddingGenerator(string folder)
    {
        var file = Path.Combine(folder, ModelFile);
        using (var options = new Microsoft.ML.OnnxRuntime.SessionOptions { IntraOpNumThreads = 1, InterOpNumThreads = 1 })
            _session = new(file, options);
        if (_session.InputNames.Except(KnownInputs).FirstOrDefault() is { } unknown)
            throw new NotSupportedException($"{file} wants an input {unknown}; known are {string.Join(", ", KnownInputs)}.");
        _output = _session.OutputNames.FirstOrDefault(name => name is "sentence_embedding") ?? _session.OutputNames[0];
        if (_session.OutputMetadata[_output] is { ElementDataType: not TensorElementType.Float } or { Dimensions.Length: not (2 or 3) })
            throw new NotSupportedException($"{file} must give a 32-bit vector for each token or for each text.");
        (_tokenize, _padding) = ReadTokenizer(folder);
        _maxTokens = Math.Min(512, ReadJson(folder, "config.json", "max_position_embeddings") is { ValueKind: JsonValueKind.Number } most ? most.GetInt32() : 512);
        var id = $"{Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder)))}-{HashOf(file)}";
        _metadata = new("onnx", null, id, Encode(["dimension"])[0].Length);
    }

    /// <summary>What a folder lacks to be a model; null if nothing.</summary>
    public static string? FindMissing(string folder) =>
        !Directory.Exists(folder) ? "there is no such folder"
        : !File.Exists(Path.Combine(folder, ModelFile)) ? $"it has no {ModelFile}"
        : !File.Exists(Path.Combine(folder, WordPieceFile)) && FindSentencePiece(folder) is null
            ? $"it has no tokenizer: {WordPieceFile}, or one of {string.Join(", ", SentencePieceFiles)}"
        : null;

    /// <summary>Why a folder in which nothing is missing is no model all the same; null if it is one.</summary>
    public static string? FindUnreadable(string folder)
    {
        try
        {
            using var generator = new OnnxEmbeddingGenerator(folder);
            return null;
        }
        catch (Exception exception) // whatever ONNX Runtime and the tokenizers say of a file that is no model
        {
            return $"it cannot be read: {exception.Message.ReplaceLineEndings(" ").TrimEnd('.')}";
        }
    }

    /// <inheritdoc/>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var embeddings = new GeneratedEmbeddings<Embedding<float>>();
        foreach (var batch in values.Chunk(BatchTexts))
        {
            cancellationToken.ThrowIfCancellationRequested();
            embeddings.AddRange(Encode(batch).Select(vector => new Embedding<float>(vector) { ModelId = _metadata.DefaultModelId }));
            await Task.Yield();
        }
        return embeddings;
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        _runOptions.Dispose();
    }

    private float[][] Encode(string[] texts)
    {
        var rows = Array.ConvertAll(texts, text => Cut(_tokenize(text)));
        var width = Math.Max(1, rows.Max(row => row.Count));
        var (ids, mask) = (new long[rows.Length * width], new long[rows.Length * width]);
        Array.Fill(ids, _padding);
        for (var row = 0; row < rows.Length; row++)
        {
            for (var i = 0; i < rows[row].Count; i++)
                (ids[row * width + i], mask[row * width + i]) = (rows[row][i], 1);
        }
        long[] shape = [rows.Length, width];
        using var idValues = OrtValue.CreateTensorValueFromMemory(ids, shape);
        using var maskValues = OrtValue.CreateTensorValueFromMemory(mask, shape);
        using var typeValues = OrtValue.CreateTensorValueFromMemory(new long[ids.Length], shape);
        var inputs = _session.InputNames.ToDictionary(
            name => name, name => name switch { "input_ids" => idValues, "attention_mask" => maskValues, _ => typeValues });
        using var outputs = _session.Run(_runOptions, inputs, [_output]);
        var numbers = outputs[0].GetTensorDataAsSpan<float>();
        var perText = outputs[0].GetTensorTypeAndShape().Shape.Length == 2;
        var dimension = (int)outputs[0].GetTensorTypeAndShape().Shape[^1];
        var vectors = new float[rows.Length][];
        for (var row = 0; row < rows.Length; row++)
        {
            var vector = vectors[row] = new float[dimension];
            var places = perText ? 1 : rows[row].Count;
            for (var i = 0; i < places; i++)
                TensorPrimitives.Add(vector, numbers.Slice((perText ? row : row * width + i) * dimension, dimension), vector);
            TensorPrimitives.Divide(vector, Math.Max(TensorPrimitives.Norm<float>(vector), 1e-12f), vector); // the sum has the mean's direction
        }
        return vectors;
    }

    /// <summary>The first tokens, and the last, which ends the text.</summary>
    private IReadOnlyList<int> Cut(IReadOnlyList<int> tokens) =>
        tokens.Count <= _maxTokens ? tokens : [.. tokens.Take(_maxTokens - 1), tokens[^1]];

    private static (Func<string, IReadOnlyList<int>> Tokenize, int Padding) ReadTokenizer(string folder)
    {
        if (FindSentencePiece(folder) is not { } pieces)
        {
            var lowerCase = ReadJson(folder, "tokenizer_config.json", "do_lower_case")?.ValueKind != JsonValueKind.False;
            var words = BertTokenizer.Create(Path.Combine(folder, WordPieceFile), new BertOptions { LowerCaseBeforeTokenization = lowerCase });
            return (text => words.EncodeToIds(text, addSpecialTokens: true), words.PaddingTokenId);
        }
        using var file = File.OpenRead(pieces);
        var tokenizer = SentencePieceTokenizer.Create(file, true, true, null);
        // XLM-RoBERTa's own numbers: start 0, padding 1, end 2, unknown 3, and every other piece one more than in the file.
        return ReadJson(folder, "tokenizer_config.json", "tokenizer_class")?.GetString()?.StartsWith("XLMRoberta", StringComparison.Ordinal) == true
            ? (text => [.. tokenizer.EncodeToIds(text).Select(id =>
                id == tokenizer.BeginningOfSentenceId ? 0 : id == tokenizer.EndOfSentenceId ? 2 : id == tokenizer.UnknownId ? 3 : id + 1)], 1)
            : (text => tokenizer.EncodeToIds(text), 0);
    }

    private static string? FindSentencePiece(string folder) =>
        SentencePieceFiles.Select(name => Path.Combine(folder, name)).FirstOrDefault(File.Exists);

    private static JsonElement? ReadJson(string folder, string name, string property)
    {
        var file = Path.Combine(folder, name);
        return File.Exists(file) && JsonElement.Parse(File.ReadAllBytes(file)).TryGetProperty(property, out var value) ? value : null;
    }

    private static string HashOf(string file)
    {
        using var stream = File.OpenRead(file);
        return Convert.ToHexStringLower(SHA256.HashData(stream))[..8];
    }
}
