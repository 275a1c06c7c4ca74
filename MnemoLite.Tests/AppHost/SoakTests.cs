using MnemoLite.Bench.Load;
using MnemoLite.Bench.Retrieval;
using MnemoLite.Bench.Soak;
using MnemoLite.Client;

namespace MnemoLite.Tests.AppHost;

/// <summary>A long run, but short: that it sees every process, and that its clients are served.</summary>
public sealed class SoakTests
{
    [Fact]
    public async Task A_long_run_sees_what_every_process_takes()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var data = RunningApplication.DataDirectory();
        await using (var application = await SeparateApplication.StartAsync(data, [$"--LocalHosting:DataDirectory={data.FullName}"], cancellationToken))
        {
            var sampler = new SoakSampler(application, TimeProvider.System);
            var clients = new SoakClients(application, new Dataset(LabelledSet.Load(LabelledSet.Folder), 1), TimeProvider.System);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var running = Task.WhenAll(sampler.RunAsync(TimeSpan.FromSeconds(1), ended.Token), clients.RunAsync(ended.Token));

            using var http = new HttpClient { BaseAddress = application.Api };
            var client = new MnemoLiteClient(http);
            await Eventually.UntilAsync(async () =>
            {
                await client.CreateAsync(new() { Content = JsonText.Parse("""{"text": "the soak is told of this"}""") }, cancellationToken);
                return clients is { Told: >= 5, Sessions: >= 2, OpenedPages: >= 2 };
            });
            await ended.CancelAsync();
            await running;

            Assert.All(clients.ToRows(), row => Assert.True(row.Passed, $"{row.Name}: {row.Value} {row.Detail}"));
            Assert.Equal(0, sampler.Restarts);
            var seen = sampler.Series.Select(series => $"{series.Of}: {series.Name}").ToHashSet();
            foreach (var of in (string[])["API", "dashboard", "PostgreSQL", "AppHost"])
                Assert.Superset(new HashSet<string>([$"{of}: memory", $"{of}: threads"]), seen);
            Assert.Superset(new HashSet<string>(["API: open files", "API: sockets", "API: heap", "dashboard: heap", "AppHost: heap", "PostgreSQL: connections", "all: temporary files", "all: disk"]), seen);
            Assert.All(sampler.Series, series => Assert.All(series.Points, point => Assert.True(point.Value > 0, $"{series.Of}: {series.Name} is {point.Value}.")));
        }
        data.Delete(recursive: true);
    }
}
