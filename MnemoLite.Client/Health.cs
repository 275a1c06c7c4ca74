namespace MnemoLite.Client;

/// <summary>How the service is.</summary>
/// <param name="Status"><c>healthy</c>, or <c>degraded</c> when the database is away.</param>
/// <param name="Timestamp">When this was found out.</param>
/// <param name="DurationMs">How long it took, in milliseconds.</param>
/// <param name="Database">Whether the database answers.</param>
/// <param name="Services">The parts, by name.</param>
public sealed record Health(
    string Status, DateTimeOffset Timestamp, double DurationMs, bool Database, IReadOnlyDictionary<string, ServiceHealth> Services);

/// <summary>How one part of the service is.</summary>
/// <param name="Status"><c>ok</c>, <c>starting</c>, <c>behind</c> or <c>error</c>.</param>
public sealed record ServiceHealth(string Status)
{
    /// <summary>The version of the software behind it.</summary>
    public string? Version { get; init; }

    /// <summary>The id of the embedding model.</summary>
    public string? Model { get; init; }

    /// <summary>The length of the model's embeddings.</summary>
    public int? Dimension { get; init; }

    /// <summary>How many events still wait for their embedding, where it is made outside the service.</summary>
    public long? Pending { get; init; }

    /// <summary>For how many events it was given up.</summary>
    public long? Failed { get; init; }

    /// <summary>What is wrong.</summary>
    public string? Detail { get; init; }
}

/// <summary>Whether the service takes requests.</summary>
/// <param name="Status"><c>ok</c> or <c>unavailable</c>.</param>
/// <param name="Message">The same as a sentence.</param>
/// <param name="Checks">What it depends on, by name.</param>
public sealed record Readiness(string Status, string Message, IReadOnlyDictionary<string, bool> Checks);
