using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace MnemoLite.Client;

/// <summary>What an API key looks like: <c>mnemo_ID_SECRET</c>. The id is public and names the key in lists and logs.</summary>
public static class ApiKey
{
    private const string Prefix = "mnemo_";
    private const int IdLength = 16, SecretBytes = 32;
    private static readonly int Length = Prefix.Length + IdLength + 1 + Base64Url.GetEncodedLength(SecretBytes);

    /// <summary>Makes a key with a secret of 256 random bits.</summary>
    public static (string Id, string Key) Create()
    {
        var id = RandomNumberGenerator.GetHexString(IdLength, lowercase: true);
        return (id, $"{Prefix}{id}_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes))}");
    }

    /// <summary>The id of what looks like a key.</summary>
    public static bool TryReadId(string key, out string id)
    {
        var isKey = key.Length == Length && key.StartsWith(Prefix, StringComparison.Ordinal) && key[Prefix.Length + IdLength] == '_';
        id = isKey ? key.Substring(Prefix.Length, IdLength) : "";
        return isKey;
    }

    /// <summary>What is stored of a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="spaces">The spaces it is bound to; null where it opens all.</param>
    /// <remarks>SHA-256 at once, without a salt: it has 256 random bits, so there is no dictionary that a slow hash would make long to try, and no two
    /// keys are alike that a salt would tell apart; every request pays for it. It is of the spaces too, so that a release that does not know them yet
    /// takes a bound key for a wrong one, not for one that opens everything.</remarks>
    public static byte[] Hash(string key, IReadOnlyList<string>? spaces = null) =>
        SHA256.HashData(Encoding.UTF8.GetBytes(spaces is null ? key : $"{key} {string.Join(' ', spaces)}"));
}

/// <summary>What a key allows; each scope has those before it.</summary>
public static class Scopes
{
    /// <summary>To read, search and look at how the service is.</summary>
    public const string Read = "read";

    /// <summary>To remember, change and forget.</summary>
    public const string Write = "write";

    /// <summary>To do what concerns everyone: partition the store, empty caches.</summary>
    public const string Admin = "admin";

    /// <summary>All of them, the least first.</summary>
    public static IReadOnlyList<string> All { get; } = [Read, Write, Admin];
}

/// <summary>What the one who asks may do.</summary>
/// <param name="KeysRequired">Whether the service answers only those who have a key.</param>
/// <param name="Scope">One of <see cref="Scopes"/>.</param>
public sealed record Access(bool KeysRequired, string Scope)
{
    /// <summary>The id of the key that was sent.</summary>
    public string? Id { get; init; }

    /// <summary>What its owner calls it.</summary>
    public string? Name { get; init; }

    /// <summary>Until when it is good; null: until it is revoked.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The spaces it is bound to, the first of which is where it is unless a request says otherwise; null: it may go into any.</summary>
    public IReadOnlyList<string>? Spaces { get; init; }
}
