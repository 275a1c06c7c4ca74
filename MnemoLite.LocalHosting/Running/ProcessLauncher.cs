using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Aspire.Hosting.Local;

/// <summary>What to run.</summary>
/// <param name="FileName">The program.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="StopSignal">The signal that ends it in good order: <c>TERM</c>, <c>INT</c>.</param>
internal sealed record ProcessSpec(string FileName, IReadOnlyList<string> Arguments, string StopSignal = "TERM")
{
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    public string WorkingDirectory { get; init; } = "/";

    /// <summary>The user to become, where this process may do so; null to stay who it is.</summary>
    public string? User { get; init; }

    /// <summary>What the program reads; nothing if null.</summary>
    public string? Input { get; init; }
}

/// <summary>
/// Starts processes that end with this one, even when it is killed: the kernel sends each its stop signal when the thread that started it
/// ends (<c>prctl(PR_SET_PDEATHSIG)</c>), so all are started by one thread that lives as long as the process.
/// </summary>
internal sealed partial class ProcessLauncher : IDisposable
{
    private readonly BlockingCollection<(ProcessStartInfo Info, TaskCompletionSource<Process> Started)> _requests = [];

    public ProcessLauncher() => new Thread(Launch) { IsBackground = true, Name = "Process launcher" }.Start();

    public async Task<Process> StartAsync(ProcessSpec spec, Action<string> log, CancellationToken cancellationToken)
    {
        var info = new ProcessStartInfo("setsid")
        {
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] user = spec.User is null ? [] : ["--reuid", spec.User, "--regid", spec.User, "--init-groups"];
        foreach (var argument in (IEnumerable<string>)["setpriv", .. user, "--pdeathsig", spec.StopSignal, "--", spec.FileName, .. spec.Arguments])
            info.ArgumentList.Add(argument);
        foreach (var (name, value) in spec.Environment)
            info.Environment[name] = value;

        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        _requests.Add((info, started), cancellationToken);
        var process = await started.Task;
        process.OutputDataReceived += (_, line) => Log(line.Data);
        process.ErrorDataReceived += (_, line) => Log(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        if (spec.Input is not null)
            await process.StandardInput.WriteAsync(spec.Input);
        process.StandardInput.Close();
        return process;

        void Log(string? line)
        {
            if (!string.IsNullOrWhiteSpace(line))
                log(line);
        }
    }

    /// <summary>Runs a program to its end.</summary>
    /// <exception cref="DistributedApplicationException">It failed; the message has what it printed.</exception>
    public async Task RunAsync(ProcessSpec spec, CancellationToken cancellationToken)
    {
        var output = new ConcurrentQueue<string>();
        using var process = await StartAsync(spec, output.Enqueue, cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            throw new DistributedApplicationException($"{spec.FileName} failed ({process.ExitCode}): {string.Join('\n', output)}");
    }

    /// <summary>Asks the process to end, and after the grace period makes it.</summary>
    public static async Task StopAsync(Process process, string signal, TimeSpan grace)
    {
        _ = Kill(process.Id, signal == "INT" ? 2 : 15);
        using var patience = new CancellationTokenSource(grace);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    public void Dispose() => _requests.CompleteAdding();

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);

    private void Launch()
    {
        foreach (var (info, started) in _requests.GetConsumingEnumerable())
        {
            try
            {
                started.SetResult(Process.Start(info)!);
            }
            catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or IOException)
            {
                started.SetException(new DistributedApplicationException($"{info.FileName} could not be started: {exception.Message}", exception));
            }
        }
    }
}
