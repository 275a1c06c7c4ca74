using System.Data.Common;

namespace MnemoLite.Api.Errors;

/// <summary>The database took a part of a batch and then no more.</summary>
internal sealed class BatchInterruptedException(int created, DbException cause) : Exception(cause.Message, cause)
{
    /// <summary>How many of its events are stored.</summary>
    public int Created { get; } = created;
}
