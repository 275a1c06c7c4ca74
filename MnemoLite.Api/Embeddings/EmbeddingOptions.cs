using System.ComponentModel.DataAnnotations;

namespace MnemoLite.Api.Embeddings;

/// <summary>Section <c>Embedding</c>; the environment variable EMBEDDING_MODE goes before its <see cref="Mode"/>.</summary>
internal class EmbeddingOptions : IValidatableObject
{
    public const string Section = "Embedding";
    public const string Onnx = "onnx";
    public const string OpenAI = "openai";
    public const string Mock = "mock";

    /// <summary>The name of the section, for what is said of its values.</summary>
    protected virtual string Name => Section;

    /// <summary>
    /// <c>onnx</c>: a model in process, the one that ships or that of <see cref="Folder"/>; <c>openai</c>: an endpoint that speaks OpenAI's
    /// protocol (Ollama, llama.cpp, vLLM, …); <c>mock</c>: hashes of words, for tests.
    /// </summary>
    public string Mode { get; set; } = Onnx;

    /// <summary>
    /// Mode onnx: a folder with <c>model.onnx</c>, and <c>vocab.txt</c> (WordPiece) or <c>sentencepiece.bpe.model</c>, <c>spiece.model</c> or
    /// <c>tokenizer.model</c> (SentencePiece); the model that ships, if not given.
    /// </summary>
    public string? Folder { get; set; }

    /// <summary>Mode openai: the address before <c>/embeddings</c>, such as <c>http://localhost:11434/v1</c>.</summary>
    public string? Endpoint { get; set; }

    /// <summary>Mode openai: the model's name.</summary>
    public string? Model { get; set; }

    /// <summary>Mode openai: how many numbers a vector of the model has.</summary>
    [Range(1, 4000)]
    public int? Dimension { get; set; }

    /// <summary>Mode openai: the key, if the endpoint wants one.</summary>
    public string? ApiKey { get; set; }

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (Mode is not (Onnx or OpenAI or Mock))
            yield return new($"{Name}:Mode{(Name == Section ? " (or EMBEDDING_MODE)" : "")} is \"{Mode}\": it must be {Onnx}, {OpenAI} or {Mock}.");
        if (Mode == Onnx && Folder is { Length: > 0 } && (OnnxEmbeddingGenerator.FindMissing(Folder) ?? OnnxEmbeddingGenerator.FindUnreadable(Folder)) is { } wrong)
            yield return new($"{Name}:Folder is \"{Folder}\": {wrong}.");
        if (Mode == Onnx && string.IsNullOrEmpty(Folder) && UseLiteEmbeddingGenerator.FindDamaged(UseLiteEmbeddingGenerator.DefaultFolder) is { } damaged)
            yield return new($"The model that ships is damaged, and would give wrong vectors: {damaged} is not the file that was published. Install MnemoLite again.");
        if (Mode != OpenAI)
            yield break;
        if (!Uri.TryCreate(Endpoint, UriKind.Absolute, out var endpoint) || endpoint.Scheme is not ("http" or "https"))
            yield return new($"{Name}:Endpoint is \"{Endpoint}\": it must be an address such as http://localhost:11434/v1.");
        if (string.IsNullOrWhiteSpace(Model))
            yield return new($"{Name}:Model is missing: it must be the name the endpoint knows the model by.");
        if (Dimension is null)
            yield return new($"{Name}:Dimension is missing: it must be how many numbers a vector of the model has, from 1 to 4000.");
    }
}

/// <summary>Section <c>NextEmbedding</c>: the model everything is to be embedded with again, while that of <see cref="EmbeddingOptions"/> answers.</summary>
internal sealed class NextEmbeddingOptions : EmbeddingOptions
{
    public const string NextSection = "NextEmbedding";

    protected override string Name => NextSection;
}
