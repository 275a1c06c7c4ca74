using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Local;

/// <summary>
/// The engine's own address, for its commands, its page and the traces of what it runs. Only who can read the file <c>host</c> of the data folder
/// knows where it is and the token that every request needs; the link to the page gives a browser a cookie that is for looking only.
/// </summary>
internal sealed class HostServer : IAsyncDisposable
{
    public const string TracesPath = "/v1/traces";
    private readonly WebApplication _app;
    private readonly string _file;
    private readonly byte[] _token = Encoding.ASCII.GetBytes(RandomNumberGenerator.GetHexString(32, lowercase: true));

    public HostServer(string dataDirectory, int? port, Action<WebApplication> map)
    {
        _file = Path.Combine(dataDirectory, "host");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port ?? 0}");
        builder.Services.AddHostFiltering(filter => filter.AllowedHosts = ["127.0.0.1", "localhost"]); // no name that a website can point here
        _app = builder.Build();
        _app.UseHostFiltering();
        _app.Use(RequireTokenAsync);
        map(_app);
    }

    public string Token => Encoding.ASCII.GetString(_token);

    /// <summary>What can send traces, and do nothing else.</summary>
    public string TracesToken => Derive("traces");

    /// <summary>Where it listens, once it is started.</summary>
    public Uri Address => new(_app.Urls.First());

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _app.StartAsync(cancellationToken);
        File.Delete(_file);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        await using var file = new FileStream(_file, options);
        await JsonSerializer.SerializeAsync(file, new { address = Address, token = Token, page = new Uri(Address, $"/login?t={Derive("page")}") }, cancellationToken: cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        File.Delete(_file);
        await _app.DisposeAsync();
    }

    private Task RequireTokenAsync(HttpContext context, RequestDelegate next)
    {
        var (request, response) = (context.Request, context.Response);
        var cookie = $"mnemolite-{context.Connection.LocalPort}"; // a cookie is sent to every port of its host
        response.Headers.ContentSecurityPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Referrer-Policy"] = "no-referrer";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
        response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsGet(request.Method) && request.Path == "/login" && Is(request.Query["t"], Derive("page")))
        {
            response.Cookies.Append(cookie, Derive("page"), new() { HttpOnly = true, SameSite = SameSiteMode.Strict });
            response.Redirect("/");
            return Task.CompletedTask;
        }
        const string Scheme = "Bearer ";
        var header = request.Headers.Authorization.ToString();
        var bearer = header.StartsWith(Scheme, StringComparison.Ordinal) ? header[Scheme.Length..] : null;
        if (Is(bearer, Token) || (request.Path == TracesPath && Is(bearer, TracesToken))
            || (HttpMethods.IsGet(request.Method) && Is(request.Cookies[cookie], Derive("page"))))
            return next(context);
        response.StatusCode = StatusCodes.Status401Unauthorized;
        return response.WriteAsync("Open the link that ./mnemolite status prints.");
    }

    private string Derive(string purpose) => Convert.ToHexStringLower(HMACSHA256.HashData(_token, Encoding.ASCII.GetBytes(purpose)));

    private static bool Is(string? given, string expected) =>
        given is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(given), Encoding.UTF8.GetBytes(expected));
}
