using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.Local;

namespace MnemoLite.Tests.AppHost;

/// <summary>The API alone, or the dashboard alone, as a process with settings of its own.</summary>
internal sealed partial class ApiProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly TaskCompletionSource<Uri> _address = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ApiProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => Read(line.Data);
        process.ErrorDataReceived += (_, line) => Read(line.Data);
    }

    public int ProcessId => _process.Id;

    public string Output => string.Join('\n', _output);

    /// <summary>Where the API was built to.</summary>
    public static string ApiFolder => FolderOf("MnemoLite.Api");

    public static ApiProcess Start(params string[] settings) => StartFrom(ApiFolder, settings);

    /// <summary>An API of another folder.</summary>
    public static ApiProcess StartFrom(string folder, params string[] settings) => StartProject(folder, "MnemoLite.Api", settings);

    /// <summary>The dashboard, which looks for the API at that address.</summary>
    public static ApiProcess StartDashboard(Uri api, params string[] settings) =>
        StartProject(FolderOf("MnemoLite.Web"), "MnemoLite.Web", [$"--services:api:http:0={api}", .. settings]);

    private static string FolderOf(string project) =>
        Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", project, Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/'))));

    private static ApiProcess StartProject(string folder, string project, params string[] settings) =>
        Start(new ProcessStartInfo("dotnet", [$"{project}.dll", $"--urls=http://127.0.0.1:{FreePort.Take()}", .. settings])
        {
            WorkingDirectory = folder,
            Environment = { ["ASPNETCORE_ENVIRONMENT"] = "Test" },
        });

    /// <summary>The one or the other, started in a way of its own.</summary>
    public static ApiProcess Start(ProcessStartInfo start)
    {
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        var api = new ApiProcess(Process.Start(start)!);
        api._process.BeginOutputReadLine();
        api._process.BeginErrorReadLine();
        return api;
    }

    /// <summary>Where it listens, once it does.</summary>
    public Task<Uri> FindAddressAsync(CancellationToken cancellationToken) => _address.Task.WaitAsync(Patience, cancellationToken);

    public async Task<int> WaitForExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).WaitAsync(Patience, cancellationToken);
        return _process.ExitCode;
    }

    /// <summary>A client of the API once it is ready to serve.</summary>
    public async Task<HttpClient> ConnectAsync(CancellationToken cancellationToken)
    {
        var http = new HttpClient { BaseAddress = await FindAddressAsync(cancellationToken) };
        for (var deadline = Stopwatch.StartNew(); ;)
        {
            try
            {
                using var answer = await http.GetAsync(new Uri("/alive/ready", UriKind.Relative), cancellationToken);
                if (answer.IsSuccessStatusCode)
                    return http;
            }
            catch (HttpRequestException exception)
            {
                throw new InvalidOperationException($"It does not answer any more, and said:{Environment.NewLine}{Output}", exception);
            }
            Assert.True(deadline.Elapsed < Patience, Output);
            await Task.Delay(50, cancellationToken);
        }
    }

    /// <summary>Asks it to end, and waits until it has.</summary>
    public async Task StopAsync()
    {
        using var ask = Process.Start("kill", ["-TERM", _process.Id.ToString(CultureInfo.InvariantCulture)]);
        await _process.WaitForExitAsync().WaitAsync(Patience);
    }

    /// <summary>Ends it by SIGKILL.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private void Read(string? line)
    {
        if (line is null)
            return;
        _output.Enqueue(line);
        if (Listening().Match(line) is { Success: true } match)
            _address.TrySetResult(new Uri(match.Groups[1].Value.Replace("0.0.0.0", "127.0.0.1", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"listening on: (https?://(?:127\.0\.0\.1|0\.0\.0\.0):\d+)")]
    private static partial Regex Listening();
}
