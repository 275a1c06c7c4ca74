using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;

namespace Microsoft.Extensions.Hosting;

/// <summary>Where the service listens, by its configuration.</summary>
public sealed class Listening
{
    private readonly string[] _beyond;

    /// <summary>Reads it from the settings that Kestrel reads it from.</summary>
    public Listening(IConfiguration configuration)
    {
        string[] urls =
        [
            .. configuration.GetSection("Kestrel:Endpoints").GetChildren().Select(endpoint => endpoint["Url"]).OfType<string>(),
            .. Parts("urls"),
        ];
        if (urls.Length == 0) // only then ASP.NET Core looks at these
            urls = [.. Parts("http_ports").Concat(Parts("https_ports")).Select(port => $"http://*:{port}")];
        _beyond = [.. urls.Where(url => !IsLoopback(url))];

        IEnumerable<string> Parts(string name) =>
            (configuration[name] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>Whether others than this machine can reach it.</summary>
    public bool BeyondLoopback => _beyond.Length > 0;

    /// <summary>Those of the addresses that they can reach.</summary>
    public string Addresses => string.Join(", ", _beyond);

    /// <summary>Whether a host is this machine, by a name or an address that only it has.</summary>
    public static bool IsLoopbackHost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || IPAddress.TryParse(host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip);

    /// <summary>Kestrel takes a name that is neither localhost nor an address for all addresses.</summary>
    private static bool IsLoopback(string url)
    {
        var address = BindingAddress.Parse(url);
        return address.IsUnixPipe || address.IsNamedPipe || IsLoopbackHost(address.Host);
    }
}
