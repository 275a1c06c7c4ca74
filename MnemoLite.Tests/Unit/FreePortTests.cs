using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Aspire.Hosting.Local;

namespace MnemoLite.Tests.Unit;

public sealed class FreePortTests
{
    [Fact]
    public async Task Ports_are_free_all_different_and_none_that_an_outgoing_connection_takes()
    {
        const string Range = "/proc/sys/net/ipv4/ip_local_port_range";
        var below = File.Exists(Range)
            ? int.Parse((await File.ReadAllTextAsync(Range, TestContext.Current.CancellationToken)).Split()[0], CultureInfo.InvariantCulture)
            : 49_152;
        var ports = Enumerable.Range(0, 50).Select(_ => FreePort.Take()).ToList();
        Assert.All(ports, port => Assert.InRange(port, 1024, below - 1));
        Assert.Distinct(ports);
        Assert.All(ports, port => Assert.True(FreePort.IsFree(port)));
    }

    [Fact]
    public void A_port_that_somebody_listens_at_is_not_free()
    {
        using var listener = new TcpListener(IPAddress.Loopback, FreePort.Take());
        listener.Start();
        Assert.False(FreePort.IsFree(((IPEndPoint)listener.LocalEndpoint).Port));
    }
}
