using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Local;

/// <summary>
/// The engine's own address, for its commands and its page. Only who can read the file <c>host</c> of the data folder knows where it is and the
/// token that every request needs.
/// </summary>
internal sealed class HostServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _file;
    private readonly byte[] _token = Encoding.ASCII.GetBytes(RandomNumberGenerator.GetHexString(32, lowercase: true));

    public HostServer(string dataDirectory, int? port, Action<WebApplication> map)
    {
        _file = Path.Combine(dataDirectory, "host");
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port ?? 0}");
        _app = builder.Build();
        _app.Use(RequireTokenAsync);
        map(_app);
    }

    public string Token => Encoding.ASCII.GetString(_token);

    /// <summary>Where it listens, once it is started.</summary>
    public Uri Address => new(_app.Urls.First());

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await _app.StartAsync(cancellationToken);
        File.Delete(_file);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        await using var file = new FileStream(_file, options);
        await JsonSerializer.SerializeAsync(file, new { address = Address, token = Token }, cancellationToken: cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        File.Delete(_file);
        await _app.DisposeAsync();
    }

    private Task RequireTokenAsync(HttpContext context, RequestDelegate next)
    {
        const string Scheme = "Bearer ";
        var header = context.Request.Headers.Authorization.ToString();
        if (header.StartsWith(Scheme, StringComparison.Ordinal) && CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(header[Scheme.Length..]), _token))
            return next(context);
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        return Task.CompletedTask;
    }
}
