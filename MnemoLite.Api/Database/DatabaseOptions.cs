using System.ComponentModel.DataAnnotations;

namespace MnemoLite.Api.Database;

/// <summary>Section <c>Database</c>.</summary>
internal sealed class DatabaseOptions
{
    public const string Section = "Database";

    /// <summary>Connections the pool holds at most, those on demand included.</summary>
    [Range(1, 1000)]
    public int MaxPoolSize { get; set; } = 30;

    /// <summary>Seconds a command may take.</summary>
    [Range(1, 3600)]
    public int CommandTimeoutSeconds { get; set; } = 30;

    /// <summary>How many candidates an HNSW search keeps: more finds better and takes longer.</summary>
    [Range(1, 1000)]
    public int HnswEfSearch { get; set; } = 100;
}
