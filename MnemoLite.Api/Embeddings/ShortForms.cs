using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace MnemoLite.Api.Embeddings;

/// <summary>
/// The short forms that a store has of its embeddings: what they have along its directions and, in a store that is new enough, their space. Those that
/// are stored are made by 0017_short_forms_in_space.sql.
/// </summary>
/// <param name="directions">The directions of the store, one in each row.</param>
internal sealed class ShortForms(float[,] directions)
{
    /// <summary>SQL: the directions of the store; null where it has none.</summary>
    public const string Directions = "(SELECT array_agg(direction::real[] ORDER BY place) FROM directions)";

    /// <summary>SQL: whether the store has an HNSW index of its short forms.</summary>
    public const string HasIndex = "EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('events_embedding_short') AND indisvalid)";

    /// <summary>How many numbers the embeddings have.</summary>
    public int Dimension => directions.GetLength(1);

    /// <summary>How many numbers of a short form tell the meaning.</summary>
    public int OfMeaning => directions.GetLength(0);

    /// <summary>Whether they tell the space, too.</summary>
    public bool TellSpace => OfMeaning == EmbeddingDirections.OfMeaning;

    /// <summary>What an embedding has along each of the directions, as <c>along_directions</c> says it: here it takes the processor no time to speak of.</summary>
    /// <param name="embedding"><see cref="Dimension"/> numbers, as a vector of any length but 0.</param>
    public float[] Along(ReadOnlySpan<float> embedding)
    {
        var unit = new float[embedding.Length];
        TensorPrimitives.Divide(embedding, Math.Max(MathF.Abs(TensorPrimitives.MaxMagnitude(embedding)), float.Epsilon), unit); // so that no square is too large
        TensorPrimitives.Divide(unit, Math.Max(TensorPrimitives.Norm<float>(unit), float.Epsilon), unit);
        var along = new float[directions.GetLength(0)];
        for (var place = 0; place < along.Length; place++)
            along[place] = TensorPrimitives.Dot(MemoryMarshal.CreateReadOnlySpan(ref directions[place, 0], Dimension), unit);
        return along;
    }
}
