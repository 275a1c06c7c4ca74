using System.Runtime.InteropServices;

namespace MnemoLite.Api.Embeddings;

/// <summary>
/// The directions that a model's embeddings have most of, each of length 1 and at a right angle to the others. Along them an embedding is short, and
/// what is near it is near its short form: the index of the short ones is smaller and faster (docs/search.md).
/// </summary>
/// <param name="Values"><see cref="Count"/> times as many numbers as an embedding has, one direction after the other.</param>
internal sealed record EmbeddingDirections(float[] Values)
{
    /// <summary>How many numbers a short embedding has: <c>events.embedding_short</c>.</summary>
    public const int Count = 128;

    /// <summary>How many of them are along the first directions, in a store that is new; the others tell the space (0017_short_forms_in_space.sql).</summary>
    public const int OfMeaning = 120;

    /// <summary>The first <see cref="OfMeaning"/> directions.</summary>
    public float[] First => Values[..(Values.Length / Count * OfMeaning)];

    /// <param name="file">As <c>./mnemolite bench directions</c> writes it: 16-bit floating point numbers.</param>
    public static EmbeddingDirections Load(string file) =>
        new(Array.ConvertAll(MemoryMarshal.Cast<byte, Half>(File.ReadAllBytes(file)).ToArray(), value => (float)value));
}
