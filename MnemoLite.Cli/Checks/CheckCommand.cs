using System.CommandLine;

namespace MnemoLite.Cli.Checks;

/// <summary>The command <c>check</c>.</summary>
internal static class CheckCommand
{
    public static Command Create() => new("check", "Try out what runs, as its user would.")
    {
        Create("quick", "Whether everything answers.", (check, cancellationToken) => check.QuickAsync(cancellationToken)),
        Create("full", "quick, and whether a memory of its own is kept, found and forgotten.", (check, cancellationToken) => check.FullAsync(cancellationToken)),
        Create("load", "full, and whether it is fast enough for twenty users for ten seconds.",
            (check, cancellationToken) => check.LoadAsync(TimeSpan.FromSeconds(10), cancellationToken)),
    };

    private static Command Create(string name, string description, Func<SystemCheck, CancellationToken, Task> run)
    {
        var command = new Command(name, description) { DataFolder.Option };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var running = parsed.GetValue(DataFolder.Option)!.GetRunning();
            using var check = new SystemCheck(running.Api, running.Web);
            await run(check, cancellationToken);
            return check.List.Finish();
        });
        return command;
    }
}
