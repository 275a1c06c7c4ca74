using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using MnemoLite.Cli;
using MnemoLite.Cli.Deployments;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Cli;

/// <summary>Another release takes over, or is refused or taken back, and nobody who uses the memory notices.</summary>
public sealed class DeploymentTests(DeploymentTests.RunningRelease app, ITestOutputHelper output) : IClassFixture<DeploymentTests.RunningRelease>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task No_request_fails_while_a_release_takes_over_and_while_it_is_rolled_back()
    {
        var first = app.Releases.Current!;
        using var users = new Users(app.Client, 10);
        await users.AnswerAsync(100);
        using var deployment = new Deployment(app.Data, TimeProvider.System);
        await deployment.ApplyAsync(app.Publish(files => File.WriteAllText(Path.Combine(files, "MnemoLite.Api", "release", "note.txt"), "next")), Cancelled);
        var next = app.Releases.Current!;
        Assert.NotEqual(first.Name, next.Name);
        await RunsAsync(next);
        var duringApply = users.Answered;
        await users.AnswerAsync(100);

        await deployment.RollBackAsync(Cancelled);
        await RunsAsync(first);
        Assert.Equal(first.Name, app.Releases.Current!.Name);
        Assert.Null(app.Releases.Former);
        await users.AnswerAsync(100);
        await users.LeaveAsync();
        Assert.Empty(users.Failures);
        output.WriteLine($"{duringApply:N0} requests answered until the release ran, {users.Answered:N0} until it was rolled back, {users.Failures.Count} failed");
    }

    [Fact]
    public async Task A_release_that_does_not_run_on_a_copy_of_the_store_is_refused()
    {
        var before = app.Releases.Current!;
        using var deployment = new Deployment(app.Data, TimeProvider.System);
        var broken = app.Publish(files => File.WriteAllText(Directory.GetFiles(Path.Combine(files, "MnemoLite.Api", "release", "models"), "*.onnx", SearchOption.AllDirectories)[0], "no model"));
        var exception = await Assert.ThrowsAsync<CommandException>(() => deployment.ApplyAsync(broken, Cancelled));
        Assert.StartsWith("The release was refused, and nothing was changed", exception.Message, StringComparison.Ordinal);
        await RunsAsync(before);
        Assert.Equal(before.Name, app.Releases.Current!.Name);
    }

    [Fact]
    public async Task A_release_whose_dashboard_does_not_start_is_taken_back_with_its_api()
    {
        var before = app.Releases.Current!;
        using var users = new Users(app.Client, 4);
        using var deployment = new Deployment(app.Data, TimeProvider.System);
        var broken = app.Publish(files => File.WriteAllText(Path.Combine(files, "MnemoLite.Web", "release", "MnemoLite.Web.dll"), "no program"));
        var exception = await Assert.ThrowsAsync<CommandException>(() => deployment.ApplyAsync(broken, Cancelled));
        Assert.StartsWith($"The new release did not take over, and {before.Name} runs on: web-", exception.Message, StringComparison.Ordinal);
        await RunsAsync(before);
        Assert.Equal(before.Name, app.Releases.Current!.Name);
        await users.LeaveAsync();
        Assert.Empty(users.Failures);
    }

    [Fact]
    public async Task Who_interrupts_a_deployment_has_the_former_release_back()
    {
        var before = app.Releases.Current!;
        var next = app.Releases.Stage(app.Publish(files => File.WriteAllText(Path.Combine(files, "MnemoLite.Api", "release", "note.txt"), "interrupted")), TimeProvider.System);
        using var interrupt = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        using var order = new HttpRequestMessage(HttpMethod.Post, "release") { Content = JsonContent.Create(new { folder = next.Path, atOnce = false }) };
        using (var response = await app.Engine.SendAsync(order, HttpCompletionOption.ResponseHeadersRead, interrupt.Token))
        using (var lines = new StreamReader(await response.Content.ReadAsStreamAsync(interrupt.Token)))
        {
            Assert.Contains("api 1 of 2", await lines.ReadLineAsync(interrupt.Token), StringComparison.Ordinal);
            var second = lines.ReadLineAsync(interrupt.Token);
            await interrupt.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await second); // and so the connection is cut
        }
        await Eventually.UntilAsync(async () => (await app.FindReleasesAsync()) is [var one, var other] && one == before.Path && other == before.Path);
    }

    private async Task RunsAsync(Release release) => Assert.All(await app.FindReleasesAsync(), running => Assert.Equal(release.Path, running));

    /// <summary>Who write, read and search without a pause.</summary>
    private sealed class Users : IDisposable
    {
        private readonly CancellationTokenSource _leave = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        private readonly Task[] _users;
        private int _answered;

        public Users(MnemoLiteClient client, int count) => _users = [.. Enumerable.Range(0, count).Select(user => UseAsync(client, user))];

        public int Answered => Volatile.Read(ref _answered);

        public ConcurrentQueue<Exception> Failures { get; } = [];

        public void Dispose() => _leave.Dispose();

        /// <summary>Waits until so many more requests were answered.</summary>
        public async Task AnswerAsync(int more)
        {
            var until = Answered + more;
            await Eventually.UntilAsync(() => Task.FromResult(Answered >= until || !Failures.IsEmpty));
        }

        public async Task LeaveAsync()
        {
            await _leave.CancelAsync();
            await Task.WhenAll(_users);
        }

        private async Task UseAsync(MnemoLiteClient client, int user)
        {
            while (!_leave.IsCancellationRequested)
            {
                try
                {
                    var text = $"user {user} wrote {Guid.NewGuid()}";
                    var written = await client.CreateAsync(new NewEvent { Content = JsonText.From(new { text }) }, Cancelled);
                    Assert.Equal(written.Id, (await client.GetAsync(written.Id, Cancelled))?.Id);
                    Assert.NotNull(await client.SearchAsync(new SearchRequest { Query = text }, Cancelled));
                    Interlocked.Add(ref _answered, 3);
                }
                catch (Exception exception) when (exception is not OperationCanceledException)
                {
                    Failures.Enqueue(exception);
                }
            }
        }
    }

    /// <summary>The application with two instances of the API, run from a release.</summary>
    public sealed class RunningRelease : IAsyncLifetime
    {
        private readonly DirectoryInfo _data = RunningApplication.DataDirectory(), _published = Directory.CreateTempSubdirectory("mnemolite-published-");
        private DistributedApplication? _app;

        internal DataFolder Data => new(_data.FullName);

        internal ReleaseFolder Releases => new(Data);

        public HttpClient Http { get; private set; } = null!;

        public MnemoLiteClient Client { get; private set; } = null!;

        /// <summary>What LocalHosting is told by.</summary>
        public HttpClient Engine { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            await Task.WhenAll(PublishAsync("MnemoLite.Api"), PublishAsync("MnemoLite.Web"));
            var release = Releases.Stage(_published, TimeProvider.System);
            Releases.MakeCurrent(release);
            _app = await RunningApplication.StartAsync(_data, $"--LocalHosting:Release={release.Path}", "--MnemoLite:ApiReplicas=2");
            Http = _app.CreateHttpClient("api");
            Client = new MnemoLiteClient(Http);
            var stat = await File.ReadAllTextAsync("/proc/self/stat", Cancelled);
            string[] run =
            [
                $"pid={Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}", $"start={stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19]}",
                $"api_port={Http.BaseAddress!.Port}", $"web_port={_app.GetEndpoint("web").Port}",
            ];
            await File.WriteAllLinesAsync(Path.Combine(_data.FullName, "run"), run, Cancelled);
            var host = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(_data.FullName, "host"), Cancelled))!;
            Engine = new HttpClient { BaseAddress = new Uri((string)host["address"]!) };
            Engine.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (string)host["token"]!);
        }

        public async ValueTask DisposeAsync()
        {
            Http?.Dispose();
            Engine?.Dispose();
            if (_app is not null)
                await _app.DisposeAsync();
            _data.Delete(recursive: true);
            _published.Delete(recursive: true);
        }

        /// <summary>What was published, with a change.</summary>
        internal DirectoryInfo Publish(Action<string> change)
        {
            var copy = Directory.CreateDirectory(Path.Combine(_published.FullName, $"changed-{Guid.NewGuid():N}"));
            foreach (var program in _published.GetDirectories("MnemoLite.*"))
            {
                foreach (var file in program.EnumerateFiles("*", SearchOption.AllDirectories))
                {
                    var to = Path.Combine(copy.FullName, Path.GetRelativePath(_published.FullName, file.FullName));
                    Directory.CreateDirectory(Path.GetDirectoryName(to)!);
                    file.CopyTo(to);
                }
            }
            change(copy.FullName);
            return copy;
        }

        /// <summary>The release that each instance of the API is of.</summary>
        internal async Task<IReadOnlyList<string>> FindReleasesAsync()
        {
            var folders = new Dictionary<int, string>();
            for (var i = 0; i < 20 && folders.Count < 2; i++)
            {
                var process = (await Client.GetSystemMetricsAsync(Cancelled)).Process.Id;
                folders[process] = Path.GetDirectoryName(Directory.ResolveLinkTarget($"/proc/{process}/cwd", returnFinalTarget: false)!.FullName)!;
            }
            return [.. folders.Values];
        }

        private async Task PublishAsync(string program)
        {
            var (exitCode, said) = await NpmFolder.RunAsync(
                Deploy.DeployTools.Root, "dotnet",
                ["publish", program, "--configuration", "Release", "--no-build", "--output", Path.Combine(_published.FullName, program, "release"), "-nodeReuse:false"]);
            Assert.True(exitCode == 0, said);
        }
    }
}
