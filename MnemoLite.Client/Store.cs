namespace MnemoLite.Client;

/// <summary>What the store holds, and what is being done to it.</summary>
/// <param name="Model">The id of the model its embeddings are of.</param>
/// <param name="Dimension">How many numbers an embedding has.</param>
/// <param name="Events">How many events there are.</param>
/// <param name="Pending">For how many an embedding is still to be made.</param>
/// <param name="Failed">For how many it was given up.</param>
/// <param name="SizeBytes">What events and their indexes take on disk.</param>
public sealed record StoreState(string Model, int Dimension, long Events, long Pending, long Failed, long SizeBytes)
{
    /// <summary>How far embedding everything again has come, while that goes on.</summary>
    public Reembedding? Reembedding { get; init; }

    /// <summary>The partitions, where events are partitioned by month.</summary>
    public IReadOnlyList<StorePartition>? Partitions { get; init; }
}

/// <summary>A month of events, or those whose id tells no month that has one.</summary>
/// <param name="Name">The table in the database.</param>
/// <param name="Events">How many events it has.</param>
/// <param name="SizeBytes">What it takes on disk, its indexes included.</param>
public sealed record StorePartition(string Name, long Events, long SizeBytes);

/// <summary>Everything is being embedded again with another model; until it is done, the other's embeddings answer.</summary>
/// <param name="Model">The id of the model the store goes over to.</param>
/// <param name="Dimension">How many numbers an embedding of it has.</param>
/// <param name="Done">How many events are embedded with it, those without a text among them.</param>
/// <param name="Total">Of how many.</param>
public sealed record Reembedding(string Model, int Dimension, long Done, long Total);
