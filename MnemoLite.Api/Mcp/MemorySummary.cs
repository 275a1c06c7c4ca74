using MnemoLite.Client;

namespace MnemoLite.Api.Mcp;

/// <summary>What is stored, at a glance.</summary>
/// <param name="Memories">How many memories there are.</param>
/// <param name="Oldest">The time of the first, if there is one.</param>
/// <param name="Newest">The time of the last, if there is one.</param>
/// <param name="Nodes">How many things the graph has.</param>
/// <param name="Edges">How many relations between them.</param>
/// <param name="Metadata">The metadata's most used keys, with the most used values of each.</param>
/// <param name="Latest">The newest memories.</param>
internal sealed record MemorySummary(
    long Memories, DateTimeOffset? Oldest, DateTimeOffset? Newest, long Nodes, long Edges, IReadOnlyList<MetadataKey> Metadata,
    IReadOnlyList<Event> Latest);

/// <summary>A key of the metadata and what it is used for.</summary>
/// <param name="Key">The key.</param>
/// <param name="Values">Its most used values.</param>
internal sealed record MetadataKey(string Key, IReadOnlyList<MetadataValue> Values);

/// <summary>A value of a metadata key.</summary>
/// <param name="Value">The value, as text.</param>
/// <param name="Count">How many memories have it.</param>
internal sealed record MetadataValue(string Value, long Count);
