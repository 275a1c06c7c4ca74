using System.Security.Claims;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Authentication;
using MnemoLite.Client;

namespace MnemoLite.Api.Security;

/// <summary>A key that is not revoked.</summary>
internal sealed class StoredKey
{
    private readonly byte[] _hash;
    private readonly string[]? _spaces;

    public StoredKey(string id, string name, string scope, byte[] hash, DateTimeOffset? expiresAt, string[]? spaces)
    {
        (Id, Name, Scope, _hash, ExpiresAt) = (id, name, scope, hash, expiresAt);
        (_spaces, Spaces) = (spaces, spaces is null ? null : Array.ConvertAll(spaces, space => new Space(space, IsBound: true)));
        Ticket = new(new ClaimsPrincipal(new KeyIdentity(this)), KeyAuthentication.Scheme);
    }

    public string Id { get; }

    public string Name { get; }

    public string Scope { get; }

    public DateTimeOffset? ExpiresAt { get; }

    /// <summary>The spaces it is bound to; null where it opens all.</summary>
    public Space[]? Spaces { get; }

    /// <summary>Who comes with this key.</summary>
    public AuthenticationTicket Ticket { get; }

    /// <summary>Whether it is this key; in a time that tells nothing about it.</summary>
    public bool Is(string key) => CryptographicOperations.FixedTimeEquals(ApiKey.Hash(key, _spaces), _hash);

    public bool IsExpired(DateTimeOffset now) => ExpiresAt <= now;
}

/// <summary>A key as who it stands for: a claim for every scope that it has.</summary>
internal sealed class KeyIdentity(StoredKey key) : ClaimsIdentity(
    [
        new(ClaimTypes.Name, key.Name),
        .. Scopes.All.TakeWhile(scope => scope != key.Scope).Append(key.Scope).Select(scope => new Claim(ScopeClaim, scope)),
    ],
    KeyAuthentication.Scheme)
{
    public const string ScopeClaim = "scope";

    public StoredKey Key { get; } = key;
}
