using System.ComponentModel.DataAnnotations;

namespace MnemoLite.Api.Security;

/// <summary>Section <c>Limits</c>.</summary>
internal sealed class LimitOptions
{
    public const string Section = "Limits";

    /// <summary>Requests a second that one key may make, or one address where keys are not required, and five times as many at once; 0: any number.
    /// By default 1,000 where keys are required, else any number.</summary>
    [Range(0, 1_000_000)]
    public int? RequestsPerSecond { get; set; }

    /// <summary>Searches that are made at the same time in this instance; answers that are in the cache do not count.</summary>
    [Range(1, 10_000)]
    public int ConcurrentSearches { get; set; } = 32;

    /// <summary>Searches that wait for their turn; those beyond are refused.</summary>
    [Range(0, 100_000)]
    public int WaitingSearches { get; set; } = 500;
}
