namespace MnemoLite.Client;

/// <summary>One memory: what was said or seen, what is known about it, and when it was.</summary>
public sealed record Event
{
    /// <summary>A version 7 UUID made from <see cref="Timestamp"/>, so ids sort by time.</summary>
    public required Guid Id { get; init; }

    /// <summary>When it happened; microseconds are kept.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>What is remembered.</summary>
    public required JsonText Content { get; init; }

    /// <summary>What is known about it: project, type, severity, anything.</summary>
    public required JsonText Metadata { get; init; }

    /// <summary>The meaning of the content, as long as the model's dimension; absent in lists and where there is no text.</summary>
    public float[]? Embedding { get; init; }

    /// <summary>
    /// <c>pending</c> where the embedding is still to be made, <c>failed</c> where that was given up; absent otherwise. Until it is made the
    /// event is found by words, metadata and time.
    /// </summary>
    public string? EmbeddingState { get; init; }

    /// <summary>1 − cosine distance to what was asked, −1..1; only in answers to a search by meaning.</summary>
    public double? SimilarityScore { get; init; }

    /// <summary>Its place among what is nearest in meaning, from 1; with <see cref="SearchRequest.Explain"/>.</summary>
    public int? SemanticRank { get; init; }

    /// <summary>Its place among what matches by words, from 1; with <see cref="SearchRequest.Explain"/>.</summary>
    public int? KeywordRank { get; init; }

    /// <summary>Cosine distance to what was asked, 0 the same, 2 the opposite; with <see cref="SearchRequest.Explain"/>.</summary>
    public double? Distance { get; init; }

    /// <summary>How well its words match; with <see cref="SearchRequest.Explain"/>.</summary>
    public double? KeywordScore { get; init; }

    /// <summary>What the order is by; with <see cref="SearchRequest.Explain"/>.</summary>
    public double? FusedScore { get; init; }
}

/// <summary>An event to be stored.</summary>
public sealed record NewEvent
{
    /// <summary>What to remember. Its <c>text</c>, or else every string in it, is what a search by meaning looks at.</summary>
    public required JsonText Content { get; init; }

    /// <summary>What is known about it.</summary>
    public JsonText Metadata { get; init; }

    /// <summary>The meaning of the content, if the caller has its own; made from the content's text otherwise.</summary>
    public float[]? Embedding { get; init; }

    /// <summary>When it happened, 1970 or later; now, if not given.</summary>
    public DateTimeOffset? Timestamp { get; init; }
}

/// <summary>What to change in an event; what is not given stays.</summary>
public sealed record EventPatch
{
    /// <summary>Takes the place of the content.</summary>
    public JsonText? Content { get; init; }

    /// <summary>Merged into the metadata, key by key; a key whose value is null is removed.</summary>
    public JsonText? Metadata { get; init; }

    /// <summary>Takes the place of the embedding; made anew from a changed content if not given.</summary>
    public float[]? Embedding { get; init; }
}

/// <summary>What a server-sent event of the live stream carries; its name tells what happened.</summary>
public sealed record EventChange
{
    /// <summary>The event that was created, updated or deleted.</summary>
    public Guid? Id { get; init; }

    /// <summary>The event as it is now, without its embedding; absent when it was deleted.</summary>
    public Event? Event { get; init; }
}

/// <summary>A page of a list, newest first.</summary>
/// <param name="Events">The events of this page.</param>
/// <param name="NextCursor">What to pass as <c>cursor</c> to get the next page; absent on the last one.</param>
public sealed record EventPage(IReadOnlyList<Event> Events, string? NextCursor);

/// <summary>The events just before and just after one, the nearest first.</summary>
/// <param name="Older">Those before it.</param>
/// <param name="Newer">Those after it.</param>
public sealed record EventNeighbours(IReadOnlyList<Event> Older, IReadOnlyList<Event> Newer);
