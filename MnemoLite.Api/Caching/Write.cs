using System.Text.Json;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Caching;

/// <summary>What an event is to searches, ready to be compared with many of them.</summary>
/// <param name="Timestamp">When it was.</param>
/// <param name="Metadata">What is known about it.</param>
/// <param name="Embedding">Its meaning, if it has one.</param>
/// <param name="Words">The lexemes it is found by; null where they are too many to be kept.</param>
internal sealed record EventVersion(DateTimeOffset Timestamp, JsonElement Metadata, float[]? Embedding, IReadOnlySet<string>? Words);

/// <summary>A committed change, as far as answers may depend on it.</summary>
/// <param name="Space">Where.</param>
/// <param name="Xid">Its transaction: a snapshot tells whether an answer saw it.</param>
/// <param name="Kind">What happened.</param>
/// <param name="Ids">To which events, or nodes; the two ends of an edge.</param>
internal sealed record Write(string Space, ulong Xid, ChangeKind Kind, IReadOnlyList<Guid> Ids)
{
    /// <summary>The event as it was; null where that is not known.</summary>
    public EventVersion? Before { get; init; }

    /// <summary>The event as it is now; null where that is not known, or there is none any more.</summary>
    public EventVersion? After { get; init; }

    /// <summary>Whether the event's meaning and words stay what they were.</summary>
    public bool MetadataOnly { get; init; }

    /// <summary>Its place among the writes of this process.</summary>
    internal long Sequence { get; set; }
}
