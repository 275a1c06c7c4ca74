using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace MnemoLite.Bench.Load;

/// <summary>A server of this checkout as a process of its own; it ends with the benchmark.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private ServerProcess(Process process, Uri address)
    {
        (_process, Address) = (process, address);
        process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Uri Address { get; }

    /// <summary>From the start of the process until it was ready.</summary>
    public TimeSpan StartTime { get; private set; }

    public static Task<ServerProcess> StartApiAsync(string connectionString, bool asksForKeys, CancellationToken cancellationToken)
    {
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var folder = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "MnemoLite.Api", configuration));
        return StartAsync(Path.Combine(folder, "MnemoLite.Api.dll"), asksForKeys ? ["--Auth:Required=true"] : [], asksForKeys ? "/alive/ready" : "/health", connectionString, cancellationToken);
    }

    /// <summary>Starts it and waits until a path of it answers 200.</summary>
    public static async Task<ServerProcess> StartAsync(
        string assembly, string[] arguments, string readyPath, string connectionString, CancellationToken cancellationToken)
    {
        var address = new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}"));
        var start = Stopwatch.GetTimestamp();
        var server = new ServerProcess(
            Process.Start(new ProcessStartInfo("dotnet", [assembly, .. arguments])
            {
                WorkingDirectory = Path.GetDirectoryName(assembly),
                RedirectStandardInput = true, // its end tells the reference that the benchmark has ended, however it did
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["ASPNETCORE_ENVIRONMENT"] = "Production",
                    ["ASPNETCORE_URLS"] = address.GetLeftPart(UriPartial.Authority),
                    ["ConnectionStrings__mnemolite"] = connectionString,
                },
            })!,
            address);
        try
        {
            using var http = new HttpClient { BaseAddress = address };
            while (!await AnswersAsync(http, readyPath, cancellationToken))
            {
                if (server._process.HasExited || Stopwatch.GetElapsedTime(start) > Patience)
                    throw new InvalidOperationException($"{Path.GetFileName(assembly)} did not start:\n{string.Join('\n', server._output)}");
                await Task.Delay(10, cancellationToken);
            }
            server.StartTime = Stopwatch.GetElapsedTime(start);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static async Task<bool> AnswersAsync(HttpClient http, string path, CancellationToken cancellationToken)
    {
        try
        {
            using var response = await http.GetAsync(new Uri(path, UriKind.Relative), cancellationToken);
            return response.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
