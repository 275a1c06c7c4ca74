using System.Globalization;
using System.Threading.RateLimiting;
using Microsoft.Extensions.Options;

namespace MnemoLite.Api.Security;

/// <summary>How much one may ask of the service.</summary>
internal static class Limits
{
    private const int DefaultRate = 1000, Burst = 5;

    public static void AddLimits(this IHostApplicationBuilder builder, bool keysRequired)
    {
        var options = builder.AddSettings<LimitOptions>(LimitOptions.Section);
        builder.Services.AddSingleton<SearchLimiter>();
        options.RequestsPerSecond ??= keysRequired ? DefaultRate : 0;
        if (options.RequestsPerSecond is not (> 0 and var rate))
            return;
        builder.Services.AddRateLimiter(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = (rejected, _) =>
            {
                rejected.HttpContext.Response.Headers.RetryAfter = Seconds(rejected.Lease);
                return ValueTask.CompletedTask;
            };
            limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, object>(http => RateLimitPartition.GetTokenBucketLimiter(Who(http), _ => new()
            {
                TokenLimit = rate * Burst,
                TokensPerPeriod = rate,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            }));
        });
    }

    public static void UseLimits(this WebApplication app)
    {
        if (app.Services.GetRequiredService<IOptions<LimitOptions>>().Value.RequestsPerSecond > 0)
            app.UseRateLimiter();
    }

    /// <summary>For the header Retry-After.</summary>
    public static string Seconds(RateLimitLease lease)
    {
        var wait = lease.TryGetMetadata(MetadataName.RetryAfter, out var retryAfter) ? retryAfter.TotalSeconds : 0;
        return Math.Max(1, Math.Ceiling(wait)).ToString(CultureInfo.InvariantCulture);
    }

    private static object Who(HttpContext http) =>
        (http.User.Identity as KeyIdentity)?.Key.Id ?? (object?)http.Connection.RemoteIpAddress ?? "this machine";
}

/// <summary>Lets so many searches be made at the same time as <see cref="LimitOptions.ConcurrentSearches"/> says; others wait, in their order.</summary>
internal sealed class SearchLimiter(IOptions<LimitOptions> options) : IDisposable
{
    private readonly ConcurrencyLimiter _limiter = new(new()
    {
        PermitLimit = options.Value.ConcurrentSearches,
        QueueLimit = options.Value.WaitingSearches,
        QueueProcessingOrder = QueueProcessingOrder.OldestFirst,
    });

    /// <summary>Waits for its turn, which ends when the result is disposed.</summary>
    /// <exception cref="TooManySearchesException">Too many wait already.</exception>
    public async ValueTask<IDisposable> EnterAsync(CancellationToken cancellationToken)
    {
        var lease = await _limiter.AcquireAsync(permitCount: 1, cancellationToken);
        if (lease.IsAcquired)
            return lease;
        lease.Dispose();
        throw new TooManySearchesException();
    }

    public void Dispose() => _limiter.Dispose();
}

/// <summary>More searches are under way than the service bears.</summary>
internal sealed class TooManySearchesException() : Exception("Too many searches are under way: try again in a moment.");
