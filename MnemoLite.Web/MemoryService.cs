using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Http.Resilience;
using MnemoLite.Client;
using Polly;

namespace MnemoLite.Web;

/// <summary>The way to the API.</summary>
internal static class MemoryService
{
    /// <summary>As much as the API takes: a memory typed into the form, or a page's state, travels over the circuit in one
    /// message.</summary>
    public const long MaxBodyBytes = 4 * 1024 * 1024;

    /// <summary>Adds <see cref="MnemoLiteClient"/>, with the key of the person who is signed in and in their space. Someone is waiting at the page, so
    /// retries are quick and few, and only for safe methods.</summary>
    public static void AddMemoryService(this IServiceCollection services)
    {
        services.AddSingleton<MemoryClients>();
        services.AddTransient(services =>
        {
            var signedIn = services.GetRequiredService<SignedIn>();
            return services.GetRequiredService<MemoryClients>().Create(signedIn.Key, signedIn.Space);
        });
        services.AddHttpClient(MemoryClients.Name, http => http.BaseAddress = new Uri("https+http://api"))
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(2) })
            .AddStandardResilienceHandler(resilience =>
            {
                // who asks too much, or sends wrong keys, is told so at once, and is no reason to ask for nobody any more
                resilience.Retry.ShouldHandle = attempt => ValueTask.FromResult(IsServiceAway(attempt.Outcome));
                resilience.CircuitBreaker.ShouldHandle = attempt => ValueTask.FromResult(IsServiceAway(attempt.Outcome));
                resilience.Retry.DisableForUnsafeHttpMethods();
                resilience.Retry.MaxRetryAttempts = 2;
                resilience.Retry.Delay = TimeSpan.FromMilliseconds(150);
                resilience.CircuitBreaker.BreakDuration = TimeSpan.FromSeconds(1); // open pages ask until it is back, and are to see it soon
            });
    }

    private static bool IsServiceAway(Outcome<HttpResponseMessage> outcome) =>
        HttpClientResiliencePredicates.IsTransient(outcome) && outcome.Result?.StatusCode != HttpStatusCode.TooManyRequests;

    /// <summary>Where a browser or an agent of this machine reaches the API.</summary>
    public static string Address(IConfiguration configuration) =>
        (configuration["services:api:http:0"] ?? configuration["services:api:https:0"] ?? "http://localhost:8001").TrimEnd('/');

    /// <summary>What a command line of curl takes to be in that space.</summary>
    public static string CurlOption(string? space) => space is null or Spaces.Default ? "" : $" -H '{Spaces.Header}: {space}'";

    /// <summary>Whether the failure means that the service cannot answer now, and may answer later.</summary>
    public static bool IsAway(Exception failure) => failure switch
    {
        MnemoLiteException refused => (int)refused.StatusCode is >= 500 or 429,
        HttpRequestException or ExecutionRejectedException or System.Text.Json.JsonException => true,
        _ => false,
    };
}

/// <summary>Makes clients of the API.</summary>
internal sealed class MemoryClients(IHttpClientFactory http)
{
    public const string Name = "api";

    /// <summary>A client with that key and in that space; without one in that of the key.</summary>
    public MnemoLiteClient Create(string? key, string? space = null)
    {
        var client = http.CreateClient(Name);
        if (key is not null)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        if (space is not null)
            client.DefaultRequestHeaders.Add(Spaces.Header, space);
        return new(client);
    }
}
