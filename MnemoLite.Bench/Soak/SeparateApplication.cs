using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MnemoLite.Bench.Soak;

/// <summary>The whole application with its AppHost as a process, as <c>./mnemolite up</c> runs it; Linux.</summary>
internal sealed class SeparateApplication : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output;

    private SeparateApplication(DirectoryInfo data, Process process, ConcurrentQueue<string> output, int apiPort, int webPort)
    {
        (Data, _process, _output) = (data, process, output);
        (Api, Web) = (new($"http://localhost:{apiPort}"), new($"http://localhost:{webPort}"));
    }

    public DirectoryInfo Data { get; }

    /// <summary>Where the application's processes keep what is temporary, and nobody else does.</summary>
    public DirectoryInfo Temporary => new(TemporaryOf(Data));

    public Uri Api { get; }

    public Uri Web { get; }

    /// <summary>The AppHost's process; all others descend from it.</summary>
    public int ProcessId => _process.Id;

    /// <summary>Starts it and waits until the dashboard is there, which waits for the rest.</summary>
    public static async Task<SeparateApplication> StartAsync(DirectoryInfo data, IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        var (apiPort, webPort) = (FreePort(), FreePort());
        Directory.CreateDirectory(TemporaryOf(data));
        var info = new ProcessStartInfo("setpriv")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["TMPDIR"] = TemporaryOf(data) },
        };
        string[] line =
        [
            "--pdeathsig", "TERM", "--", "dotnet", ProgramPath("MnemoLite.AppHost"), .. arguments, $"--LocalHosting:Release={MakeRelease(data)}", $"--MnemoLite:ApiPort={apiPort}", $"--MnemoLite:WebPort={webPort}",
            $"--MnemoLite:WebKeys={Path.Combine(data.FullName, "web-keys")}",
        ];
        foreach (var argument in line)
            info.ArgumentList.Add(argument);
        var output = new ConcurrentQueue<string>();
        var application = new SeparateApplication(data, await StartAsync(info, output), output, apiPort, webPort);
        try
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
            var start = Stopwatch.GetTimestamp();
            while (!await IsAliveAsync(http, application.Web, cancellationToken))
            {
                if (application._process.HasExited || Stopwatch.GetElapsedTime(start) > Patience)
                    throw new InvalidOperationException($"MnemoLite did not start:\n{string.Join('\n', output)}");
                await Task.Delay(100, cancellationToken);
            }
            return application;
        }
        catch
        {
            await application.DisposeAsync();
            throw;
        }
    }

    /// <summary>Stops it in good order.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using var stop = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            await stop.WaitForExitAsync();
        }
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    /// <summary>By a thread that lives as long as the process: its end would be told to the process as the benchmark's.</summary>
    private static Task<Process> StartAsync(ProcessStartInfo info, ConcurrentQueue<string> output)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        new Thread(Run) { IsBackground = true, Name = "AppHost" }.Start();
        return started.Task;

        void Run()
        {
            try
            {
                var process = Process.Start(info)!;
                process.OutputDataReceived += (_, line) => Keep(line.Data);
                process.ErrorDataReceived += (_, line) => Keep(line.Data);
                process.BeginOutputReadLine();
                process.BeginErrorReadLine();
                started.SetResult(process);
                process.WaitForExit();
            }
            catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or InvalidOperationException)
            {
                started.TrySetException(new InvalidOperationException($"MnemoLite could not be started: {exception.Message}", exception));
            }
        }

        void Keep(string? line)
        {
            output.Enqueue(line ?? "");
            if (output.Count > 100)
                output.TryDequeue(out _);
        }
    }

    private static async Task<bool> IsAliveAsync(HttpClient http, Uri web, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await http.GetAsync(new Uri(web, "alive"), cancellationToken);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>A release that is what was built: what is started from one has the proxy before it.</summary>
    private static string MakeRelease(DirectoryInfo data)
    {
        var release = data.CreateSubdirectory("release").FullName;
        foreach (var project in (string[])["MnemoLite.Api", "MnemoLite.Web"])
            File.CreateSymbolicLink(Path.Combine(release, project), Path.GetDirectoryName(ProgramPath(project))!);
        return release;
    }

    private static string ProgramPath(string project)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", project, configuration, $"{project}.dll"));
    }

    private static string TemporaryOf(DirectoryInfo data) => Path.Combine(data.FullName, "tmp");

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
