using System.Diagnostics;

namespace MnemoLite.Tests;

/// <summary>A folder beside the tests with what a lock file of npm names.</summary>
internal static class NpmFolder
{
    private static readonly SemaphoreSlim Alone = new(1);

    /// <summary>Installs it, unless that was done already.</summary>
    public static async Task InstallAsync(string folder)
    {
        await Alone.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            var installed = new FileInfo(Path.Combine(folder, "node_modules", ".package-lock.json"));
            if (installed.Exists && installed.LastWriteTimeUtc > File.GetLastWriteTimeUtc(Path.Combine(folder, "package-lock.json")))
                return;
            var (exitCode, output) = await RunAsync(folder, "npm", ["ci", "--no-audit", "--no-fund"]);
            Assert.True(exitCode == 0, output);
        }
        finally
        {
            Alone.Release();
        }
    }

    /// <summary>Runs a program there; what it wrote to both its outputs.</summary>
    public static async Task<(int ExitCode, string Output)> RunAsync(string folder, string program, string[] arguments, string? input = null)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(3));
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = input is not null,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(patience.Token);
            var errors = process.StandardError.ReadToEndAsync(patience.Token);
            if (input is not null)
            {
                await process.StandardInput.WriteAsync(input.AsMemory(), patience.Token);
                process.StandardInput.Close();
            }
            await process.WaitForExitAsync(patience.Token);
            return (process.ExitCode, await output + await errors);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
