using System.Diagnostics;
using System.Text;

namespace MnemoLite.Cli.Backups;

/// <summary>A program of PostgreSQL's.</summary>
internal static class Tool
{
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(20);

    /// <summary>PostgreSQL refuses to run as root; Debian's packages make this user for it.</summary>
    private static readonly string[] PostgresUser =
        Environment.IsPrivilegedProcess ? ["--reuid", "postgres", "--regid", "postgres", "--init-groups"] : [];

    /// <summary>Starts a server that ends with this process, even when it is killed: the kernel stops it when the thread that started it ends.</summary>
    public static Task<Process> StartServerAsync(string program, IEnumerable<string> arguments)
    {
        var started = new TaskCompletionSource<Process>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                var process = Start("setpriv", ["--pdeathsig", "INT", .. PostgresUser, "--", program, .. arguments]);
                started.SetResult(process);
                process.WaitForExit();
            }
            catch (System.ComponentModel.Win32Exception exception)
            {
                started.SetException(new CommandException($"setpriv could not be started: {exception.Message}", exception));
            }
        });
        thread.IsBackground = true;
        thread.Start();
        return started.Task;
    }

    /// <summary>Runs a program to its end; <paramref name="progress"/> hears what it says beside its output, line by line.</summary>
    /// <exception cref="CommandException">It failed; the message has what it said.</exception>
    public static async Task RunAsync(
        string program, IEnumerable<string> arguments, string? password, bool asPostgres, CancellationToken cancellationToken,
        IProgress<string>? progress = null)
    {
        using var process = asPostgres && PostgresUser.Length > 0
            ? Start("setpriv", [.. PostgresUser, "--", program, .. arguments], password)
            : Start(program, arguments, password);
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = ReadAsync(process.StandardError, progress, cancellationToken);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None).WaitAsync(Grace, CancellationToken.None);
            throw;
        }
        await output;
        if (process.ExitCode != 0)
            throw new CommandException($"{Path.GetFileName(program)} failed: {(await error).Trim()}");
    }

    private static async Task<string> ReadAsync(StreamReader reader, IProgress<string>? progress, CancellationToken cancellationToken)
    {
        var text = new StringBuilder();
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            text.AppendLine(line);
            progress?.Report(line.Trim());
        }
        return text.ToString();
    }

    private static Process Start(string program, IEnumerable<string> arguments, string? password = null)
    {
        var info = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        if (password is not null)
            info.Environment["PGPASSWORD"] = password;
        info.Environment["LC_ALL"] = "C.UTF-8";
        return Process.Start(info)!;
    }
}
