using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Caching.Memory;

namespace MnemoLite.Api.Embeddings;

/// <summary>The generator outside the process cannot be reached, or answers nothing of use.</summary>
internal sealed class EmbeddingsAwayException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The generator outside the process takes no text like this.</summary>
internal sealed class EmbeddingRefusedException(string message) : Exception(message);

/// <summary>What became of a text that was to be embedded.</summary>
/// <param name="Vector">Its embedding; null where it has none, or not yet.</param>
/// <param name="IsPending">Whether it is to be made later.</param>
internal readonly record struct Embedded(float[]? Vector, bool IsPending);

/// <summary>
/// Makes the embeddings of what is stored and of what is asked, all of one model. Its spans and its metric have OpenTelemetry's names for
/// generative AI; no text is in them.
/// </summary>
internal sealed class Embedder : IDisposable
{
    private const string Operation = "embeddings";
    private const int MostKnownQueries = 1000, LongestKnownQuery = 500;
    private static readonly TimeSpan QueryPatience = TimeSpan.FromSeconds(3);

    private readonly IEmbeddingGenerator<string, Embedding<float>> _generator;
    private readonly MemoryCache _queries = new(new MemoryCacheOptions { SizeLimit = MostKnownQueries });
    private readonly TimeProvider _clock;
    private readonly string _spanName;
    private readonly KeyValuePair<string, object?>[] _tags;
    private readonly Histogram<double> _duration;

    public Embedder(IEmbeddingGenerator<string, Embedding<float>> generator, bool inProcess, Meter meter, TimeProvider clock)
    {
        (_generator, _clock) = (generator, clock);
        var metadata = generator.GetService<EmbeddingGeneratorMetadata>()!;
        Model = new(metadata.DefaultModelId!, metadata.DefaultModelDimensions!.Value, inProcess);
        Directions = generator.GetService<EmbeddingDirections>();
        _spanName = $"{Operation} {Model.Id}";
        _tags = [new("gen_ai.operation.name", Operation), new("gen_ai.provider.name", metadata.ProviderName), new("gen_ai.request.model", Model.Id)];
        _duration = meter.CreateHistogram<double>("gen_ai.client.operation.duration", "s", "How long it takes to embed what is given at once.");
    }

    public EmbeddingModel Model { get; }

    /// <summary>What the model's embeddings are shortened along; null where they are not.</summary>
    public EmbeddingDirections? Directions { get; }

    /// <summary>For texts to be stored: an empty one has no embedding; with a generator outside the process all others are pending.</summary>
    public async Task<Embedded[]> EmbedAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        if (!Model.InProcess)
            return [.. texts.Select(text => new Embedded(null, IsPending: text.Length > 0))];
        return [.. (await EmbedNowAsync(texts, cancellationToken)).Select(vector => new Embedded(vector, IsPending: false))];
    }

    /// <summary>The same, however long it takes; an empty text has none.</summary>
    /// <exception cref="EmbeddingsAwayException">The generator cannot be reached.</exception>
    /// <exception cref="EmbeddingRefusedException">The generator does not take one of the texts.</exception>
    public async Task<float[]?[]> EmbedNowAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        var vectors = new float[]?[texts.Count];
        var filled = Enumerable.Range(0, texts.Count).Where(i => texts[i].Length > 0).ToList();
        if (filled.Count > 0)
        {
            var made = await GenerateAsync(filled.ConvertAll(i => texts[i]), cancellationToken);
            foreach (var (i, embedding) in filled.Zip(made))
                vectors[i] = embedding.Vector.ToArray();
        }
        return vectors;
    }

    /// <summary>For a query; of one that was asked before it is known. Not to be changed.</summary>
    /// <exception cref="EmbeddingsAwayException">The generator does not answer within three seconds.</exception>
    public async Task<float[]> EmbedQueryAsync(string query, CancellationToken cancellationToken)
    {
        if (_queries.TryGetValue(query, out float[]? known))
            return known!;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (!Model.InProcess)
            patience.CancelAfter(QueryPatience);
        try
        {
            var made = (await GenerateAsync([query], patience.Token))[0].Vector.ToArray();
            return query.Length <= LongestKnownQuery ? _queries.Set(query, made, new MemoryCacheEntryOptions { Size = 1 }) : made;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new EmbeddingsAwayException("The embedding endpoint does not answer.");
        }
        catch (EmbeddingRefusedException refused)
        {
            throw new EmbeddingsAwayException(refused.Message);
        }
    }

    public void Dispose()
    {
        _generator.Dispose();
        _queries.Dispose();
    }

    private async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(List<string> texts, CancellationToken cancellationToken)
    {
        var tags = new TagList(_tags);
        using var span = Tracing.Source.StartActivity(Model.InProcess ? ActivityKind.Internal : ActivityKind.Client, tags: _tags, name: _spanName);
        span?.SetTag("gen_ai.embeddings.dimension.count", Model.Dimension).SetTag("mnemolite.embeddings.texts", texts.Count);
        var start = _clock.GetTimestamp();
        try
        {
            var made = await _generator.GenerateAsync(texts, cancellationToken: cancellationToken);
            span?.SetTag("gen_ai.usage.input_tokens", made.Usage?.InputTokenCount);
            return made;
        }
        catch (Exception exception)
        {
            tags.Add("error.type", exception.GetType().Name);
            span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", exception.GetType().Name);
            throw;
        }
        finally
        {
            _duration.Record(_clock.GetElapsedTime(start).TotalSeconds, tags);
        }
    }
}
