using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Events;

/// <summary>A single event, or that there is none of that id.</summary>
internal sealed record EventBasis(string Space, Guid Id) : IAnswerBasis
{
    /// <summary>The transaction of the change that the answer is what it made of the event; 0 where it was read.</summary>
    public ulong WrittenBy { get; init; }

    public int Size => 48;

    public WriteEffect TakeIn(Write write) =>
        write.Xid == WrittenBy || write.Kind is not (ChangeKind.Created or ChangeKind.Updated or ChangeKind.Deleted) || !write.Ids.Contains(Id)
            ? WriteEffect.None
            : WriteEffect.Unknown;
}
