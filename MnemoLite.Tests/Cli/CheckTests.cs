using System.Net;
using System.Net.Sockets;
using MnemoLite.Cli.Checks;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Cli;

/// <summary>A check tells a system that is well from one that is not, and leaves nothing behind.</summary>
public sealed class CheckTests(RunningApplication application)
{
    private static readonly JsonText OwnEvents = JsonText.Parse("""{"mnemolite_check": {"$exists": true}}""");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_healthy_system_passes_and_keeps_nothing_of_it()
    {
        using var check = new SystemCheck(application.Http.BaseAddress!, application.Web);
        await check.LoadAsync(TimeSpan.FromSeconds(1), Cancelled);
        // how fast it is depends on what else the machine does
        var failed = check.List.Results.Where(result => !result.Passed && !result.What.StartsWith("P95", StringComparison.Ordinal));
        Assert.Empty(failed);
        Assert.Contains(check.List.Results, result => result.What == "It is found by meaning");
        Assert.Contains(check.List.Results, result => result.What.StartsWith("20 users are served", StringComparison.Ordinal));
        Assert.Empty((await application.Client.SearchAsync(new SearchRequest { Filter = OwnEvents }, Cancelled)).Events);
        Assert.Empty((await application.Client.ListNodesAsync("mnemolite_check", cancellationToken: Cancelled)).Nodes);
    }

    [Fact]
    public async Task A_dashboard_that_does_not_answer_fails_alone_and_nothing_is_kept()
    {
        using var check = new SystemCheck(application.Http.BaseAddress!, NobodyListens());
        await check.FullAsync(Cancelled);
        Assert.Equal("The dashboard answers", Assert.Single(check.List.Results, result => !result.Passed).What);
        Assert.Equal(1, check.List.Finish());
    }

    [Fact]
    public async Task An_address_that_does_not_answer_fails_every_check()
    {
        using var check = new SystemCheck(NobodyListens(), NobodyListens());
        await check.FullAsync(Cancelled);
        Assert.True(check.List.Results.Count > 10);
        Assert.All(check.List.Results, result => Assert.False(result.Passed));
        Assert.Equal(1, check.List.Finish());
    }

    [Fact]
    public async Task An_interrupted_check_keeps_nothing()
    {
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        using var check = new SystemCheck(application.Http.BaseAddress!, application.Web);
        Task? checking = null;
        await foreach (var change in application.Client.WatchAsync(Cancelled))
        {
            if (change.EventType == "ready")
                checking = check.FullAsync(interrupt.Token);
            else if (change.EventType == "created" && change.Data.Event!.Metadata.ToElement().TryGetProperty("mnemolite_check", out _))
                break;
        }
        await interrupt.CancelAsync();
        if (await Record.ExceptionAsync(() => checking!) is { } exception) // none where it was through before the change was heard of
            Assert.IsAssignableFrom<OperationCanceledException>(exception);
        Assert.Contains(check.List.Results, result => result is { What: "It is forgotten", Passed: true });
        Assert.Empty((await application.Client.SearchAsync(new SearchRequest { Filter = OwnEvents }, Cancelled)).Events);
    }

    private static Uri NobodyListens()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return new Uri($"http://localhost:{((IPEndPoint)listener.LocalEndpoint).Port}");
    }
}
