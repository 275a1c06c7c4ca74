using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Security;

/// <summary>What goes with every answer, and how it travels.</summary>
public sealed class TransportTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("api", "/v1/events/", HttpStatusCode.OK)]
    [InlineData("api", "/v1/events/?limit=0", HttpStatusCode.UnprocessableEntity)]
    [InlineData("api", "/no/such/path", HttpStatusCode.NotFound)]
    [InlineData("api", "/scalar/", HttpStatusCode.OK)]
    [InlineData("web", "/", HttpStatusCode.OK)]
    [InlineData("web", "/no/such/page", HttpStatusCode.NotFound)]
    [InlineData("web", "/app.css", HttpStatusCode.OK)]
    public async Task Every_answer_has_the_headers_that_keep_browsers_strict(string service, string path, HttpStatusCode status)
    {
        using var http = new HttpClient { BaseAddress = service == "api" ? app.Http.BaseAddress : app.Web };
        using var answer = await http.GetAsync(path, Cancelled);
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("nosniff", Assert.Single(answer.Headers.GetValues("X-Content-Type-Options")));
        Assert.Equal("no-referrer", Assert.Single(answer.Headers.GetValues("Referrer-Policy")));
        Assert.Equal("DENY", Assert.Single(answer.Headers.GetValues("X-Frame-Options")));
        var directives = Assert.Single(answer.Headers.GetValues("Content-Security-Policy")).Split("; ").ToDictionary(
            directive => directive.Split(' ')[0], directive => directive.Split(' ')[1..]);
        Assert.Equal(["'none'"], directives["frame-ancestors"]);
        var scripts = directives.GetValueOrDefault("script-src") ?? directives["default-src"];
        Assert.All(scripts, source => Assert.True(source is "'none'" or "'self'" || source.StartsWith("'nonce-", StringComparison.Ordinal), source));
        Assert.False(answer.Headers.Contains("Server"));
    }

    [Fact]
    public async Task No_other_site_may_read_answers()
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, "/v1/events/");
        request.Headers.Add("Origin", "http://localhost:3000");
        request.Headers.Add("Access-Control-Request-Method", "POST");
        using var answer = await app.Http.SendAsync(request, Cancelled);
        Assert.DoesNotContain(answer.Headers, header => header.Key.StartsWith("Access-Control-", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task It_speaks_TLS_with_the_certificate_of_the_configuration()
    {
        var folder = Directory.CreateTempSubdirectory("mnemolite-tls-");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var (pem, keyPem) = (Path.Combine(folder.FullName, "tls.crt"), Path.Combine(folder.FullName, "tls.key"));
        await File.WriteAllTextAsync(pem, certificate.ExportCertificatePem(), Cancelled);
        await File.WriteAllTextAsync(keyPem, key.ExportPkcs8PrivateKeyPem(), Cancelled);
        await using var api = ApiProcess.Start(
            $"--ConnectionStrings:mnemolite={app.ConnectionString}", "--Kestrel:Endpoints:Https:Url=https://127.0.0.1:0",
            $"--Kestrel:Certificates:Default:Path={pem}", $"--Kestrel:Certificates:Default:KeyPath={keyPem}");
        var address = await api.FindAddressAsync(Cancelled);
        Assert.Equal("https", address.Scheme);
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, shown, _, _) => shown!.Thumbprint == certificate.Thumbprint,
        };
        using var http = new HttpClient(handler) { BaseAddress = address };
        using var answer = await http.GetAsync("/alive", Cancelled);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.True(answer.Headers.Contains("Strict-Transport-Security"));
        folder.Delete(recursive: true);
    }
}
