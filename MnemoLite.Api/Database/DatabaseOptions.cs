using System.ComponentModel.DataAnnotations;

namespace MnemoLite.Api.Database;

/// <summary>Section <c>Database</c>; the file of each environment, <c>appsettings.*.json</c>, has its values.</summary>
internal sealed class DatabaseOptions : IValidatableObject
{
    public const string Section = "Database";

    /// <summary>Connections the pool keeps open once it has them.</summary>
    [Range(0, 1000)]
    public int MinPoolSize { get; set; } = 20;

    /// <summary>Connections the pool holds at most, those on demand included.</summary>
    [Range(1, 1000)]
    public int MaxPoolSize { get; set; } = 30;

    /// <summary>Seconds after which PostgreSQL stops a statement.</summary>
    [Range(1, 3600)]
    public int StatementTimeoutSeconds { get; set; } = 30;

    /// <summary>
    /// How many candidates an HNSW search keeps: more finds better and takes longer. Half as many again as the 100 a search looks at, as the index has few
    /// neighbours of each vector, and those that were deleted count until they are vacuumed: with one too few the index is read on.
    /// </summary>
    [Range(1, 1000)]
    public int HnswEfSearch { get; set; } = 150;

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (MinPoolSize > MaxPoolSize)
            yield return new($"{Section}:MinPoolSize is {MinPoolSize}: it must be from 0 to MaxPoolSize, which is {MaxPoolSize}.");
    }
}
