using System.ComponentModel.DataAnnotations;

namespace MnemoLite.Api.Storage;

/// <summary>Section <c>Retention</c>.</summary>
internal sealed class RetentionOptions
{
    public const string Section = "Retention";

    /// <summary>How many full months of events to keep beside the current one; 0: all. Needs partitions.</summary>
    [Range(0, 1200)]
    public int Months { get; set; }
}
