using System.Diagnostics;
using Aspire.Hosting.Local;
using MnemoLite.Client;

namespace MnemoLite.Tests.AppHost;

public sealed class KilledTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killing_the_AppHost_amid_writes_loses_no_acknowledged_event_and_leaves_no_process()
    {
        var data = RunningApplication.DataDirectory();
        var port = FreePort.Take();
        using var http = new HttpClient { BaseAddress = new Uri($"http://localhost:{port}") };
        var client = new MnemoLiteClient(http);

        using var first = Start(data, port);
        await WaitUntilHealthyAsync(client, first);
        var children = Descendants(first.Id);
        Assert.Contains(children, process => process.Command.Contains("MnemoLite.Api.dll", StringComparison.Ordinal));
        Assert.Contains(children, process => process.Command.Contains("postgres", StringComparison.Ordinal));

        var acknowledged = await WriteUntilKilledAsync(client, first);
        Assert.NotEmpty(acknowledged);
        await WaitUntilAsync(() => children.TrueForAll(child => !IsAlive(child)), "the children end");

        using var second = Start(data, port);
        await WaitUntilHealthyAsync(client, second);
        foreach (var id in acknowledged)
            Assert.NotNull(await client.GetAsync(id, Cancelled));

        using (var terminate = Process.Start("kill", ["-TERM", second.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
            await terminate.WaitForExitAsync(Cancelled);
        await second.WaitForExitAsync(Cancelled).WaitAsync(Patience, Cancelled);
        Assert.Equal(0, second.ExitCode);
        data.Delete(recursive: true);
    }

    private static async Task<List<Guid>> WriteUntilKilledAsync(MnemoLiteClient client, Process appHost)
    {
        const int Writers = 8;
        const int BeforeTheKill = 200;
        var acknowledged = new List<Guid>();
        var gate = new Lock();
        var enough = new TaskCompletionSource();
        var writers = Enumerable.Range(0, Writers).Select(async writer =>
        {
            for (var i = 0; ; i++)
            {
                try
                {
                    var content = JsonText.From(new Dictionary<string, string> { ["text"] = $"writer {writer} noted fact {i}" });
                    var created = await client.CreateAsync(new() { Content = content }, Cancelled);
                    lock (gate)
                    {
                        acknowledged.Add(created.Id);
                        if (acknowledged.Count == BeforeTheKill)
                            enough.SetResult();
                    }
                }
                catch (Exception exception) when (exception is HttpRequestException or MnemoLiteException or IOException)
                {
                    return;
                }
            }
        }).ToList();
        await enough.Task.WaitAsync(Patience, Cancelled);
        appHost.Kill();
        await appHost.WaitForExitAsync(Cancelled);
        await Task.WhenAll(writers).WaitAsync(Patience, Cancelled);
        return acknowledged;
    }

    private static Process Start(DirectoryInfo data, int apiPort)
    {
        var assembly = typeof(Projects.MnemoLite_AppHost).Assembly.Location;
        string[] arguments =
        [
            Path.Combine(AppHostOutput(assembly), Path.GetFileName(assembly)), "--environment=Test", $"--LocalHosting:DataDirectory={data.FullName}",
            $"--MnemoLite:ApiPort={apiPort}", $"--MnemoLite:WebPort={FreePort.Take()}",
        ];
        var info = new ProcessStartInfo("dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        var process = Process.Start(info)!;
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    /// <summary>The AppHost's own build folder, which has what it needs to run alone, beside the tests' one.</summary>
    private static string AppHostOutput(string assembly)
    {
        var here = new DirectoryInfo(Path.GetDirectoryName(assembly)!);
        return Path.Combine(here.Parent!.Parent!.FullName, Path.GetFileNameWithoutExtension(assembly), here.Name);
    }

    private static async Task WaitUntilHealthyAsync(MnemoLiteClient client, Process appHost) =>
        await WaitUntilAsync(
            async () =>
            {
                Assert.False(appHost.HasExited, "the AppHost ended");
                try
                {
                    return (await client.HealthAsync(Cancelled)).Status == "healthy";
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            },
            "the API is healthy");

    private static Task WaitUntilAsync(Func<bool> condition, string what) => WaitUntilAsync(() => Task.FromResult(condition()), what);

    private static async Task WaitUntilAsync(Func<Task<bool>> condition, string what)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var start = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < Patience, $"it took too long until {what}");
            await timer.WaitForNextTickAsync(Cancelled);
        }
    }

    private static List<(int Id, string Start, string Command)> Descendants(int root)
    {
        var all = Directory.GetDirectories("/proc")
            .Select(folder => int.TryParse(Path.GetFileName(folder), out var id) ? id : 0)
            .Where(id => id > 0)
            .Select(Describe)
            .OfType<(int Id, int Parent, string Start, string Command)>()
            .ToList();
        var found = new List<(int Id, string Start, string Command)>();
        var parents = new Queue<int>([root]);
        while (parents.TryDequeue(out var parent))
        {
            foreach (var child in all.Where(process => process.Parent == parent))
            {
                found.Add((child.Id, child.Start, child.Command));
                parents.Enqueue(child.Id);
            }
        }
        return found;
    }

    private static bool IsAlive((int Id, string Start, string Command) process) => Describe(process.Id) is { } now && now.Start == process.Start;

    /// <summary>Reads /proc: the parent is field 4 of stat, the state field 3, the start time field 22; a zombie is not alive.</summary>
    private static (int Id, int Parent, string Start, string Command)? Describe(int id)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            var command = File.ReadAllText($"/proc/{id}/cmdline").Replace('\0', ' ');
            return fields[0] == "Z" ? null : (id, int.Parse(fields[1], System.Globalization.CultureInfo.InvariantCulture), fields[19], command);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
