namespace MnemoLite.Client;

/// <summary>One of many events to be stored: a new one, or one of an export, whose id and time are kept.</summary>
public sealed record BatchEvent
{
    /// <summary>Its id, if it has one already; made from its time otherwise.</summary>
    public Guid? Id { get; init; }

    /// <summary>When it happened, 1970 or later; now, if not given.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    /// <summary>What to remember.</summary>
    public required JsonText Content { get; init; }

    /// <summary>What is known about it.</summary>
    public JsonText Metadata { get; init; }

    /// <summary>The meaning of the content, if the caller has its own; made from the content's text otherwise.</summary>
    public float[]? Embedding { get; init; }
}

/// <summary>What became of the events of a batch.</summary>
/// <param name="Created">How many are stored now that were not before.</param>
/// <param name="Existing">How many were stored already, with the same id and the same values; nothing was done for them.</param>
/// <param name="Failed">How many could not be stored.</param>
/// <param name="Errors">Why, for the first 1,000 of them.</param>
/// <param name="Ids">The ids of the created ones, in their order.</param>
public sealed record BatchResult(int Created, int Existing, int Failed, IReadOnlyList<BatchError> Errors, IReadOnlyList<Guid> Ids);

/// <summary>An event of a batch that was not stored.</summary>
/// <param name="Index">Its place in the batch, from 0; empty lines do not count.</param>
/// <param name="Detail">What is wrong with it, and what would be right.</param>
public sealed record BatchError(int Index, string Detail);
