namespace MnemoLite.Client;

/// <summary>How things are, by the <c>metadata.severity</c> of the events of the last 24 hours.</summary>
/// <param name="Status"><c>critical</c> with a critical event among them, else <c>degraded</c> with a warning, else <c>operational</c>.</param>
/// <param name="Timestamp">When this was found out.</param>
/// <param name="Summary">How many events of each severity.</param>
public sealed record MonitoringStatus(string Status, DateTimeOffset Timestamp, SeveritySummary Summary);

/// <summary>How many events have each severity.</summary>
/// <param name="Critical">Those of severity <c>critical</c>.</param>
/// <param name="Warning">Those of severity <c>warning</c>.</param>
/// <param name="Info">Those of severity <c>info</c>.</param>
public sealed record SeveritySummary(long Critical, long Warning, long Info);

/// <summary>An event of severity <c>critical</c>.</summary>
/// <param name="Id">The event.</param>
/// <param name="Timestamp">When it happened.</param>
/// <param name="Age">How long ago that is, in words: <c>5m ago</c>.</param>
/// <param name="Content">What is remembered.</param>
/// <param name="Metadata">What is known about it.</param>
public sealed record CriticalEvent(Guid Id, DateTimeOffset Timestamp, string Age, JsonText Content, JsonText Metadata);

/// <summary>How many events there were in an hour or a day.</summary>
/// <param name="Time">When the hour or day begins, in UTC.</param>
/// <param name="Count">How many events.</param>
public sealed record TimelineBucket(DateTimeOffset Time, long Count);

/// <summary>What the events of a period are about; the most frequent labels first.</summary>
/// <param name="BySeverity">By <c>metadata.severity</c>.</param>
/// <param name="ByProject">By <c>metadata.project</c>.</param>
/// <param name="ByCategory">By <c>metadata.category</c>.</param>
public sealed record EventDistribution(
    IReadOnlyList<LabelCount> BySeverity, IReadOnlyList<LabelCount> ByProject, IReadOnlyList<LabelCount> ByCategory);

/// <summary>How many events have a value in their metadata.</summary>
/// <param name="Label">The value.</param>
/// <param name="Count">How many events.</param>
public sealed record LabelCount(string Label, long Count);

/// <summary>The store in four numbers.</summary>
/// <param name="TotalEvents">How many events there are.</param>
/// <param name="DbSizeMb">What the database takes on disk, in MiB.</param>
/// <param name="CacheHitRatio">The share of blocks that PostgreSQL found in its shared buffers, 0..1; 1 where none was asked for.</param>
/// <param name="ActiveConnections">How many connections are running a statement.</param>
public sealed record MonitoringMetrics(long TotalEvents, double DbSizeMb, double CacheHitRatio, int ActiveConnections);
