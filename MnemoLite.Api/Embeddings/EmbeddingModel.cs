using MnemoLite.Api.Errors;

namespace MnemoLite.Api.Embeddings;

/// <summary>The model in use: embeddings of different models cannot be compared.</summary>
/// <param name="Id">Its name in the store.</param>
/// <param name="Dimension">How many numbers a vector has.</param>
/// <param name="InProcess">Whether it runs here; one outside may be slow or away, and nothing that is stored waits for it.</param>
internal sealed record EmbeddingModel(string Id, int Dimension, bool InProcess)
{
    /// <summary>The vector, if it can be compared with the model's.</summary>
    /// <exception cref="InvalidRequestException">It cannot.</exception>
    public float[] Check(float[] embedding)
    {
        if (embedding.Length != Dimension)
            throw InvalidRequestException.Field("embedding", $"must have {Dimension} numbers, not {embedding.Length}");
        if (!Array.TrueForAll(embedding, float.IsFinite))
            throw InvalidRequestException.Field("embedding", "must have finite numbers only");
        return Array.Exists(embedding, value => value != 0)
            ? embedding
            : throw InvalidRequestException.Field("embedding", "must not be all zeros: it would have no direction to compare");
    }
}
