using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Events;

/// <summary>A single event, or that there is none of that id.</summary>
internal sealed record EventBasis(string Space, Guid Id) : IAnswerBasis
{
    public int Size => 40;

    public bool TakeIn(Write write) =>
        write.Kind is not (ChangeKind.Created or ChangeKind.Updated or ChangeKind.Deleted) || !write.Ids.Contains(Id);
}
