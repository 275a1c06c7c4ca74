using System.CommandLine;

namespace MnemoLite.Cli.Backups;

/// <summary>The commands <c>backup</c>, <c>verify</c> and <c>restore</c>.</summary>
internal static class BackupCommand
{
    private static readonly Argument<DirectoryInfo> BackupFolder = new("backup") { Description = "The folder of a backup.", HelpName = "BACKUP" };

    public static Command CreateBackup()
    {
        var to = new Option<DirectoryInfo?>("--to") { Description = "Where backups are kept; else 'backups' in the data folder.", HelpName = "DIR" };
        var keep = new Option<int?>("--keep") { Description = "Remove the oldest beyond so many, once this one is whole.", HelpName = "N" };
        keep.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1)
                result.AddError("--keep needs a number of at least 1.");
        });
        var command = new Command("backup", "Write everything that is stored into a folder, as of one moment, while others write.") { DataFolder.Option, to, keep };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var data = parsed.GetValue(DataFolder.Option)!;
            var folder = parsed.GetValue(to) ?? new DirectoryInfo(Path.Combine(data.Path, "backups"));
            var backup = await Backup.CreateAsync(data.GetConnectionString(), PostgresBinaries.OfCluster(data.FindCluster()!), folder, TimeProvider.System, cancellationToken);
            if (parsed.GetValue(keep) is { } number)
                Backup.RemoveOldest(folder, number);
            Console.WriteLine($"The backup is {backup.FullName}. That it can be restored is proved by: ./mnemolite verify {backup.FullName}");
        });
        return command;
    }

    public static Command CreateVerify()
    {
        var command = new Command("verify", "Prove a backup: restore it aside, and compare every table with what was backed up.") { BackupFolder };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var backup = Backup.Open(parsed.GetValue(BackupFolder)!);
            var aside = Directory.CreateTempSubdirectory("mnemolite-verify-");
            try
            {
                await using var cluster = await TemporaryServer.InitializeAsync(PostgresBinaries.Newest(), Path.Combine(aside.FullName, "postgres"), cancellationToken);
                await backup.RestoreAsync(cluster, cancellationToken);
            }
            finally
            {
                aside.Delete(recursive: true);
            }
        });
        return command;
    }

    public static Command CreateRestore()
    {
        var command = new Command("restore", "Restore a backup into a new data folder, to be started with 'up'.") { BackupFolder, DataFolder.Option };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var backup = Backup.Open(parsed.GetValue(BackupFolder)!);
            var data = parsed.GetValue(DataFolder.Option)!;
            if (data.FindCluster() is not null)
                throw new CommandException($"{data.Path} holds memories already. Restore into a new folder: --data DIR");
            var made = PrepareFolder(data.Path);
            var cluster = Path.Combine(data.Path, "postgres");
            try
            {
                await using (var server = await TemporaryServer.InitializeAsync(PostgresBinaries.Newest(), $"{cluster}.new", cancellationToken))
                {
                    await backup.RestoreAsync(server, cancellationToken);
                    await server.StopAsync();
                    await WritePasswordAsync($"{cluster}.password", server.Password, cancellationToken);
                }
                Directory.Move($"{cluster}.new", cluster);
            }
            catch
            {
                if (Directory.Exists($"{cluster}.new"))
                    Directory.Delete($"{cluster}.new", recursive: true);
                if (made)
                    Directory.Delete(data.Path, recursive: true);
                throw;
            }
            Console.WriteLine($"Restored. Start it: ./mnemolite up --data {data.Path}");
        });
        return command;
    }

    /// <summary>Makes the folder as 'up' would, and says whether it was made.</summary>
    private static bool PrepareFolder(string path)
    {
        var made = !Directory.Exists(path);
        if (!made && Directory.EnumerateFileSystemEntries(path).Any(entry => Path.GetFileName(entry) is not ("lock" or "backups" or "logs")))
            throw new CommandException($"{path} holds something else. Restore into a new folder: --data DIR");
        Backup.MakePrivate(path);
        File.Open(Path.Combine(path, "lock"), FileMode.OpenOrCreate).Dispose();
        return made;
    }

    private static async Task WritePasswordAsync(string file, string password, CancellationToken cancellationToken)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await using var writer = new StreamWriter(file, options);
        await writer.WriteAsync(password.AsMemory(), cancellationToken);
    }
}
