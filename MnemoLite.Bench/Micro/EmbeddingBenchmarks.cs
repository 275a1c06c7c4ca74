using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.AI;
using MnemoLite.Api.Embeddings;
using MnemoLite.Bench.Retrieval;

namespace MnemoLite.Bench.Micro;

/// <summary>The tokenizer and the model that ships.</summary>
[MemoryDiagnoser]
public class EmbeddingBenchmarks : IDisposable
{
    private const int BatchSize = 32;
    private readonly UnigramTokenizer _tokenizer = UnigramTokenizer.Load(Path.Combine(UseLiteEmbeddingGenerator.DefaultFolder, "vocab.json"));
    private readonly UseLiteEmbeddingGenerator _generator = new(UseLiteEmbeddingGenerator.DefaultFolder);
    private readonly string[] _batch = [.. LabelledSet.Load(LabelledSet.Folder).Memories.Take(BatchSize).Select(memory => memory.Text)];
    private string _sentence = "";
    private string _long = "";

    /// <summary>Makes a text of the 128 tokens that the model reads at once.</summary>
    [GlobalSetup]
    public void MakeTexts()
    {
        _sentence = "The cat sleeps on the sofa in the afternoon.";
        var words = string.Join(' ', _batch).Split(' ');
        var count = words.Length;
        while (_tokenizer.Encode(string.Join(' ', words[..count])).Length > 128)
            count--;
        _long = string.Join(' ', words[..count]);
    }

    /// <summary>The tokenizer, a sentence.</summary>
    [Benchmark]
    public int TokenizeSentence() => _tokenizer.Encode(_sentence).Length;

    /// <summary>The tokenizer, 128 tokens.</summary>
    [Benchmark]
    public int Tokenize128Tokens() => _tokenizer.Encode(_long).Length;

    /// <summary>The model, a sentence.</summary>
    [Benchmark]
    public Task<ReadOnlyMemory<float>> EmbedSentence() => _generator.GenerateVectorAsync(_sentence);

    /// <summary>The model, 128 tokens.</summary>
    [Benchmark]
    public Task<ReadOnlyMemory<float>> Embed128Tokens() => _generator.GenerateVectorAsync(_long);

    /// <summary>The model, memories together; the time is for one.</summary>
    [Benchmark(OperationsPerInvoke = BatchSize)]
    public Task<GeneratedEmbeddings<Embedding<float>>> EmbedBatch() => _generator.GenerateAsync(_batch);

    /// <inheritdoc/>
    public void Dispose()
    {
        _generator.Dispose();
        GC.SuppressFinalize(this);
    }
}
