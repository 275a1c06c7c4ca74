using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace MnemoLite.Tests.Unit;

/// <summary>Whether others than this machine can reach a service, whichever way it was told where to listen.</summary>
public sealed class ListeningTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(false, "urls", "http://localhost:8001")]
    [InlineData(false, "urls", "http://127.0.0.1:8001;http://[::1]:8001;https://localhost:8443")]
    [InlineData(false, "urls", "http://unix:/run/mnemolite.sock")]
    [InlineData(false, "urls", "http://localhost:8001", "http_ports", "8080")]
    [InlineData(false, "Kestrel:Endpoints:A:Url", "https://localhost:8443", "http_ports", "8080")]
    [InlineData(true, "urls", "http://0.0.0.0:8001")]
    [InlineData(true, "urls", "http://[::]:8001")]
    [InlineData(true, "urls", "http://*:8001")]
    [InlineData(true, "urls", "http://+:8001")]
    [InlineData(true, "urls", "http://192.168.1.7:8001")]
    [InlineData(true, "urls", "http://memory.example.org:8001")]
    [InlineData(true, "urls", "http://localhost:8001; https://*:8443")]
    [InlineData(true, "http_ports", "8080")]
    [InlineData(true, "https_ports", "8443;9443")]
    [InlineData(true, "urls", "http://localhost:8001", "Kestrel:Endpoints:A:Url", "https://0.0.0.0:8443")]
    public void It_knows_whether_others_can_reach_it(bool beyond, params string[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.Chunk(2).Select(setting => KeyValuePair.Create(setting[0], (string?)setting[1]))).Build();
        Assert.Equal(beyond, new Listening(configuration).BeyondLoopback);
    }
}
