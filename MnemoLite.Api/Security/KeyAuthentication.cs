using System.Net;
using System.Text.Encodings.Web;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.Options;
using MnemoLite.Client;

namespace MnemoLite.Api.Security;

/// <summary>Takes the key of <c>Authorization: Bearer KEY</c>.</summary>
internal sealed class KeyAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, KeyRing keys, FailedAttempts failed,
    ILogger<KeyAuthentication> log) : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public new const string Scheme = "Bearer";
    private const string Start = $"{Scheme} ", Challenge = $"{Scheme} realm=\"MnemoLite\"";
    private string? _retryAfter;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var header = Request.Headers.Authorization.ToString();
        if (!header.StartsWith(Start, StringComparison.OrdinalIgnoreCase))
            return AuthenticateResult.NoResult();
        var sent = header[Start.Length..].Trim();
        var key = ApiKey.TryReadId(sent, out var id) ? await keys.FindAsync(id, Context.RequestAborted) : null;
        if (key is null || !key.Is(sent))
            return Refuse("it is none, or revoked");
        if (key.IsExpired(TimeProvider.GetUtcNow()))
            return Refuse($"{id} has expired");
        keys.NoteUse(id);
        return AuthenticateResult.Success(key.Ticket);
    }

    /// <summary>A wrong key: counted, and told in the log, for as long as they are not too many.</summary>
    private AuthenticateResult Refuse(string reason)
    {
        var address = Context.Connection.RemoteIpAddress ?? IPAddress.None;
        using var lease = failed.Limiter.AttemptAcquire(address);
        if (lease.IsAcquired)
            Log.WrongKey(log, address, reason);
        else
            _retryAfter = Limits.Seconds(lease);
        return AuthenticateResult.Fail("The key is wrong.");
    }

    protected override async Task HandleChallengeAsync(AuthenticationProperties properties)
    {
        var result = await HandleAuthenticateOnceSafeAsync();
        if (_retryAfter is not null)
        {
            Response.StatusCode = StatusCodes.Status429TooManyRequests;
            Response.Headers.RetryAfter = _retryAfter;
            return;
        }
        Response.StatusCode = StatusCodes.Status401Unauthorized;
        Response.Headers.WWWAuthenticate = result.None ? Challenge : $"{Challenge}, error=\"invalid_token\"";
    }

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties)
    {
        var needed = Context.GetEndpoint()?.Metadata.GetMetadata<IAuthorizeData>()?.Policy ?? Scopes.Admin;
        Response.StatusCode = StatusCodes.Status403Forbidden;
        Response.Headers.WWWAuthenticate = $"{Challenge}, error=\"insufficient_scope\", scope=\"{needed}\"";
        return Task.CompletedTask;
    }
}

/// <summary>How many wrong keys an address may send: a right one is always let in, whoever else tries from there.</summary>
internal sealed class FailedAttempts : IDisposable
{
    private const int AMinute = 10;

    public PartitionedRateLimiter<IPAddress> Limiter { get; } = PartitionedRateLimiter.Create<IPAddress, IPAddress>(
        address => RateLimitPartition.GetFixedWindowLimiter(address, _ => new() { PermitLimit = AMinute, Window = TimeSpan.FromMinutes(1) }));

    public void Dispose() => Limiter.Dispose();
}
