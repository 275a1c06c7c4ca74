using System.ComponentModel;
using System.Text.Json.Serialization;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Caching;

/// <summary>What a write does to an answer that did not see it.</summary>
internal enum WriteEffect
{
    /// <summary>The answer remains what it is.</summary>
    None,

    /// <summary>The answer is another, and its basis knows what it is made of now.</summary>
    Known,

    /// <summary>The answer may be another.</summary>
    Unknown,
}

/// <summary>What an answer was made of.</summary>
internal interface IAnswerBasis
{
    /// <summary>The space it is of.</summary>
    string Space { get; }

    /// <summary>Takes in a write in its space that the answer did not see, each once and one at a time, none after one whose effect is not known.</summary>
    WriteEffect TakeIn(Write write);

    /// <summary>About how many bytes it takes.</summary>
    int Size { get; }
}

/// <summary>An answer as it goes over the wire, with what is needed to tell whether it is still right.</summary>
/// <param name="Json">The body, UTF-8; null where there is no such thing.</param>
/// <param name="Snapshot">What the database had when it was read.</param>
/// <param name="Basis">What it was made of.</param>
[ImmutableObject(true)]
internal sealed record CachedAnswer<TBasis>(byte[]? Json, Snapshot Snapshot, TBasis Basis) where TBasis : class, IAnswerBasis
{
    private long _checkedUpTo;
    private ulong _outdatedBy;
    private int _presence; // 0: not in the memory yet, 1: in it, 2: it has left

    /// <summary>The last write of this process that it was checked against.</summary>
    [JsonIgnore]
    public long CheckedUpTo
    {
        get => Volatile.Read(ref _checkedUpTo);
        set => Volatile.Write(ref _checkedUpTo, value);
    }

    /// <summary>The transaction that has made it another, or may have; 0 as long as none has.</summary>
    [JsonIgnore]
    public ulong OutdatedBy
    {
        get => Volatile.Read(ref _outdatedBy);
        set => Volatile.Write(ref _outdatedBy, value);
    }

    /// <summary>Whether the basis knows what the answer is made of now, up to the write that it was checked against last.</summary>
    [JsonIgnore]
    public bool IsKnown { get; set; } = true;

    /// <summary>Whether it is made of what a former answer knew, instead of being read anew.</summary>
    [JsonIgnore]
    public bool IsContinued { get; private init; }

    /// <summary>When its basis was read, as this process's clock counts; 0 where another process has read it.</summary>
    [JsonIgnore]
    public long ReadAt { get; set; }

    /// <summary>About how many bytes it takes.</summary>
    [JsonIgnore]
    public int Size => 200 + (Json?.Length ?? 0) + (8 * Snapshot.InProgress.Length) + Basis.Size;

    /// <summary>The answer that takes the place of this one, which a write has outdated, made of what the basis knows now.</summary>
    public CachedAnswer<TBasis> Continue(byte[] json, TBasis basis) => new(json, Snapshot, basis) { CheckedUpTo = CheckedUpTo, ReadAt = ReadAt, IsContinued = true };

    /// <summary>Whether it has come into the memory just now.</summary>
    public bool Enter() => Volatile.Read(ref _presence) == 0 && Interlocked.CompareExchange(ref _presence, 1, 0) == 0;

    /// <summary>Whether it was in the memory until now.</summary>
    public bool Leave() => Interlocked.Exchange(ref _presence, 2) == 1;
}
