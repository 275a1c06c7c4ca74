using Microsoft.Extensions.AI;

namespace MnemoLite.Api.Embeddings;

/// <summary>The generator outside the process cannot be reached, or answers nothing of use.</summary>
internal sealed class EmbeddingsAwayException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The generator outside the process takes no text like this.</summary>
internal sealed class EmbeddingRefusedException(string message) : Exception(message);

/// <summary>What became of a text that was to be embedded.</summary>
/// <param name="Vector">Its embedding; null where it has none, or not yet.</param>
/// <param name="IsPending">Whether it is to be made later.</param>
internal readonly record struct Embedded(float[]? Vector, bool IsPending);

/// <summary>Makes the embeddings of what is stored and of what is asked, all of one model.</summary>
internal sealed class Embedder(IEmbeddingGenerator<string, Embedding<float>> generator, EmbeddingModel model) : IDisposable
{
    private static readonly TimeSpan QueryPatience = TimeSpan.FromSeconds(3);

    public EmbeddingModel Model => model;

    /// <summary>For texts to be stored: an empty one has no embedding; with a generator outside the process all others are pending.</summary>
    public async Task<Embedded[]> EmbedAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken)
    {
        if (!model.InProcess)
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
            var made = await generator.GenerateAsync(filled.ConvertAll(i => texts[i]), cancellationToken: cancellationToken);
            foreach (var (i, embedding) in filled.Zip(made))
                vectors[i] = embedding.Vector.ToArray();
        }
        return vectors;
    }

    /// <summary>For a query.</summary>
    /// <exception cref="EmbeddingsAwayException">The generator does not answer within three seconds.</exception>
    public async Task<float[]> EmbedQueryAsync(string query, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        if (!model.InProcess)
            patience.CancelAfter(QueryPatience);
        try
        {
            return (await generator.GenerateVectorAsync(query, cancellationToken: patience.Token)).ToArray();
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

    public void Dispose() => generator.Dispose();
}
