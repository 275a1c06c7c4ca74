using System.ComponentModel.DataAnnotations;

namespace MnemoLite.Api.Caching;

/// <summary>Section <c>Caching</c>: how long answers are kept at most, and how many; the file of each environment has its values.</summary>
internal sealed class CachingOptions
{
    public const string Section = "Caching";

    /// <summary>Seconds an event is kept.</summary>
    [Range(1, 86_400)]
    public int EventSeconds { get; set; } = 60;

    /// <summary>Events kept in each instance.</summary>
    [Range(1, 1_000_000)]
    public int EventItems { get; set; } = 500;

    /// <summary>Seconds an answer to a search is kept.</summary>
    [Range(1, 86_400)]
    public int SearchSeconds { get; set; } = 30;

    /// <summary>Answers to searches kept in each instance.</summary>
    [Range(1, 1_000_000)]
    public int SearchItems { get; set; } = 200;

    /// <summary>Seconds a part of the graph is kept.</summary>
    [Range(1, 86_400)]
    public int GraphSeconds { get; set; } = 120;

    /// <summary>Parts of the graph kept in each instance.</summary>
    [Range(1, 1_000_000)]
    public int GraphItems { get; set; } = 100;

    /// <summary>Seconds for which the last answer is given again while the database is away; 0 for never.</summary>
    [Range(0, 86_400)]
    public int StaleSeconds { get; set; } = 600;

    /// <summary>Milliseconds that Redis, where it is configured, may take to answer; then the database does.</summary>
    [Range(1, 10_000)]
    public int RedisMilliseconds { get; set; } = 30;
}
