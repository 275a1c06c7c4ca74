using MnemoLite.Bench.Load;
using MnemoLite.Client;
using ModelContextProtocol.Client;

namespace MnemoLite.Bench.Soak;

/// <summary>
/// Clients beside the requests, to which a leak would most likely be tied: subscribers of the changes, most of whom stay and one of whom comes and
/// goes; agents that open an MCP session, ask and leave; a person who opens one page of the dashboard after the other.
/// </summary>
internal sealed class SoakClients(SeparateApplication application, Dataset dataset, TimeProvider clock)
{
    private const int Subscribers = 4;
    private const int Agents = 2;
    private static readonly TimeSpan Visit = TimeSpan.FromSeconds(5), Pause = TimeSpan.FromSeconds(1);
    private static readonly string[] Pages = ["", "search", "graph", "import", "monitoring", "system"];
    private readonly Count _streams = new(), _sessions = new(), _pages = new();
    private int _told;

    /// <summary>Changes the subscribers were told of.</summary>
    public int Told => _told;

    /// <summary>Sessions of agents that are over.</summary>
    public int Sessions => _sessions.Done;

    /// <summary>Pages that were opened.</summary>
    public int OpenedPages => _pages.Done;

    public async Task RunAsync(CancellationToken ended) => await Task.WhenAll(
    [
        .. Enumerable.Range(0, Subscribers).Select(_ => RepeatAsync(_streams, SubscribeAsync, ended)),
        RepeatAsync(_streams, SubscribeForAWhileAsync, ended),
        .. Enumerable.Range(0, Agents).Select(agent => new Random(dataset.Seed + agent)).Select(random => RepeatAsync(_sessions, cancelled => AskAsync(random, cancelled), ended)),
        OpenPagesAsync(ended),
    ]);

    public IEnumerable<Row> ToRows() =>
    [
        _streams.ToRow("event streams cut", $"{_told:N0} changes told to {Subscribers} that stay and one of {Visit.TotalSeconds:0} s"),
        _sessions.ToRow("MCP sessions failed", $"of {_sessions.Done + _sessions.Failed:N0}, {Agents} at a time"),
        _pages.ToRow("pages of the dashboard failed", $"of {_pages.Done + _pages.Failed:N0}"),
    ];

    private async Task SubscribeAsync(CancellationToken cancellationToken)
    {
        using var http = new HttpClient { BaseAddress = application.Api, Timeout = Timeout.InfiniteTimeSpan };
        await foreach (var change in new MnemoLiteClient(http).WatchAsync(cancellationToken))
        {
            if (change.EventType is not ("ready" or "heartbeat"))
                Interlocked.Increment(ref _told);
        }
        cancellationToken.ThrowIfCancellationRequested();
        throw new IOException("The stream of changes ended.");
    }

    private async Task SubscribeForAWhileAsync(CancellationToken cancellationToken)
    {
        using var leaving = new CancellationTokenSource(Visit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(leaving.Token, cancellationToken);
        try
        {
            await SubscribeAsync(either.Token);
        }
        catch (OperationCanceledException) when (leaving.IsCancellationRequested)
        {
            // it has seen enough
        }
    }

    private async Task AskAsync(Random random, CancellationToken cancellationToken)
    {
        var transport = new HttpClientTransport(new() { Endpoint = new Uri(application.Api, "mcp"), TransportMode = HttpTransportMode.StreamableHttp });
        await using var agent = await McpClient.CreateAsync(transport, cancellationToken: cancellationToken);
        await agent.ListToolsAsync(cancellationToken: cancellationToken);
        var answer = await agent.CallToolAsync(
            "recall", new Dictionary<string, object?> { ["query"] = dataset.Question(random), ["limit"] = 5 }, cancellationToken: cancellationToken);
        if (answer.IsError is true)
            throw new IOException("The agent was refused.");
    }

    private async Task OpenPagesAsync(CancellationToken ended)
    {
        using var http = new HttpClient { BaseAddress = application.Web };
        var next = 0;
        await RepeatAsync(
            _pages,
            async cancellationToken =>
            {
                using var page = await http.GetAsync(new Uri(Pages[next++ % Pages.Length], UriKind.Relative), cancellationToken);
                page.EnsureSuccessStatusCode();
                await page.Content.ReadAsByteArrayAsync(cancellationToken);
            },
            ended);
    }

    private async Task RepeatAsync(Count count, Func<CancellationToken, Task> visit, CancellationToken ended)
    {
        while (!ended.IsCancellationRequested)
        {
            try
            {
                await visit(ended);
                count.Succeed();
            }
            catch (Exception) when (ended.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                count.Fail(exception);
            }
            await Task.Delay(Pause, clock, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private sealed class Count
    {
        private int _done, _failed;
        private string? _problem;

        public int Done => _done;

        public int Failed => _failed;

        public void Succeed() => Interlocked.Increment(ref _done);

        public void Fail(Exception exception)
        {
            Interlocked.Increment(ref _failed);
            _problem ??= exception.Message;
        }

        public Row ToRow(string name, string detail) => new($"soak: {name}", _failed, "", _problem is null ? detail : $"{detail}; {_problem}") { AtMost = 0 };
    }
}
