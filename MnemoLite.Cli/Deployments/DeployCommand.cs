using System.CommandLine;

namespace MnemoLite.Cli.Deployments;

/// <summary>The command <c>deploy</c>, and <c>stage</c>, by which <c>up</c> finds the release to start.</summary>
internal static class DeployCommand
{
    private static readonly Option<DirectoryInfo> From = new("--from") { Description = "The published programs.", HelpName = "DIR", Required = true };

    public static Command Create()
    {
        var apply = new Command("apply", "Bring the published build to run, without a request that fails; what does not hold is taken back.") { DataFolder.Option, From };
        apply.SetAction(async (parsed, cancellationToken) =>
        {
            using var deployment = new Deployment(parsed.GetValue(DataFolder.Option)!, TimeProvider.System);
            await deployment.ApplyAsync(parsed.GetValue(From)!, cancellationToken);
        });
        var rollback = new Command("rollback", "Return to the former release, within seconds.") { DataFolder.Option };
        rollback.SetAction(async (parsed, cancellationToken) =>
        {
            using var deployment = new Deployment(parsed.GetValue(DataFolder.Option)!, TimeProvider.System);
            await deployment.RollBackAsync(cancellationToken);
        });
        return new("deploy", "Bring another release to what runs, and back.")
        {
            CreateMeasurement("test", "Measure what runs for five seconds; nothing is changed.", users: 4, TimeSpan.FromSeconds(5)),
            apply,
            CreateMeasurement("benchmark", "Put a load of fifty users on what runs for twenty seconds; they only read.", users: 50, TimeSpan.FromSeconds(20)),
            rollback,
        };
    }

    public static Command CreateStage()
    {
        var command = new Command("stage", "Copy the published build into a release, and print the folder of the one to start.") { DataFolder.Option, From };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            var releases = new ReleaseFolder(parsed.GetValue(DataFolder.Option)!);
            var release = releases.Stage(parsed.GetValue(From)!, TimeProvider.System);
            if (release.IsWithdrawn && releases.Current is { } current)
            {
                Console.Error.WriteLine($"This build was rolled back: {current.Name} starts instead. To bring it after all: ./mnemolite deploy apply");
                release = current;
            }
            releases.MakeCurrent(release);
            releases.RemoveOld();
            Console.WriteLine(release.Path);
        });
        return command;
    }

    private static Command CreateMeasurement(string name, string description, int users, TimeSpan duration)
    {
        var command = new Command(name, description) { DataFolder.Option };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using var deployment = new Deployment(parsed.GetValue(DataFolder.Option)!, TimeProvider.System);
            await deployment.MeasureAsync(users, duration, cancellationToken);
        });
        return command;
    }
}
