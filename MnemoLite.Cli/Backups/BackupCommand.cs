using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Npgsql;

namespace MnemoLite.Cli.Backups;

/// <summary>The commands <c>backup</c>, <c>verify</c> and <c>restore</c>.</summary>
internal static class BackupCommand
{
    private static readonly Argument<DirectoryInfo> What = new("backup") { Description = "The folder of a backup, or an archive.", HelpName = "BACKUP" };

    public static Command CreateBackup()
    {
        var to = new Option<DirectoryInfo?>("--to") { Description = "Where backups are kept; else 'backups' in the data folder.", HelpName = "DIR" };
        var archive = new Option<DirectoryInfo?>("--archive")
        {
            Description = "The archive given to 'up': make a base backup there, to restore any time after it.",
            HelpName = "DIR",
        };
        var keep = new Option<int?>("--keep") { Description = "Remove the oldest beyond so many, once this one is whole.", HelpName = "N" };
        keep.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1)
                result.AddError("--keep needs a number of at least 1.");
        });
        var every = new Option<TimeSpan?>("--every")
        {
            Description = "Go on: a backup that often, as 90m, 24h or 7d.",
            HelpName = "TIME",
            CustomParser = result => ParseInterval(result),
        };
        var command = new Command("backup", "Write everything that is stored into a folder, as of one moment, while others write.")
        {
            DataFolder.Option, to, archive, keep, every,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(to) is not null && result.GetValue(archive) is not null)
                result.AddError("A backup goes either to --to, or to an --archive.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var data = parsed.GetValue(DataFolder.Option)!;
            var archiveFolder = parsed.GetValue(archive);
            var place = parsed.GetValue(to) ?? new DirectoryInfo(Path.Combine(data.Path, "backups"));
            if (parsed.GetValue(every) is not { } interval)
            {
                await BackUpAsync(cancellationToken);
                return;
            }
            var made = BackupFolder.List(archiveFolder is null ? place : new Archive(archiveFolder).Bases);
            await new BackupSchedule(interval, TimeProvider.System).RunAsync(made is [var last, ..] ? last.Time : null, BackUpAsync, cancellationToken);

            Task BackUpAsync(CancellationToken cancellationToken) => archiveFolder is null
                ? CreateAsync(data, place, parsed.GetValue(keep), cancellationToken)
                : CreateBaseAsync(data, archiveFolder, parsed.GetValue(keep), cancellationToken);
        });
        return command;
    }

    public static Command CreateVerify()
    {
        var command = new Command("verify", "Prove a backup: restore it aside, and compare every table with what was backed up.") { What };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var aside = Directory.CreateTempSubdirectory("mnemolite-verify-");
            try
            {
                await using var server = await RestoreAsync(parsed.GetValue(What)!, null, Path.Combine(aside.FullName, "postgres"), cancellationToken);
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
        var at = new Option<DateTimeOffset?>("--at")
        {
            Description = "The time to go back to, UTC where it has no offset; needs an archive, which else is restored to its end.",
            HelpName = "TIME",
            CustomParser = result =>
            {
                if (DateTimeOffset.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                    return time;
                result.AddError($"'{result.Tokens[0].Value}' is not a time, as 2026-05-01T13:30:00+02:00 is.");
                return null;
            },
        };
        var command = new Command("restore", "Restore a backup or an archive into a new data folder, to be started with 'up'.") { What, at, DataFolder.Option };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var data = parsed.GetValue(DataFolder.Option)!;
            if (data.FindCluster() is not null)
                throw new CommandException($"{data.Path} holds memories already. Restore into a new folder: --data DIR");
            var made = PrepareFolder(data.Path);
            var cluster = Path.Combine(data.Path, "postgres");
            try
            {
                await using (var server = await RestoreAsync(parsed.GetValue(What)!, parsed.GetValue(at), $"{cluster}.new", cancellationToken))
                {
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

    private static async Task CreateAsync(DataFolder data, DirectoryInfo place, int? keep, CancellationToken cancellationToken)
    {
        var (connectionString, bin) = await FindDatabaseAsync(data, cancellationToken);
        var backup = await Backup.CreateAsync(connectionString, bin, place, TimeProvider.System, cancellationToken);
        await LeaveTimeAsync(connectionString, cancellationToken);
        if (keep is { } number)
            BackupFolder.RemoveOldest(place, number);
        Console.WriteLine($"The backup is {backup.FullName}. That it can be restored is proved by: ./mnemolite verify {backup.FullName}");
    }

    private static async Task CreateBaseAsync(DataFolder data, DirectoryInfo folder, int? keep, CancellationToken cancellationToken)
    {
        var (connectionString, bin) = await FindDatabaseAsync(data, cancellationToken);
        var archive = new Archive(folder);
        var backup = await archive.CreateBaseAsync(connectionString, bin, TimeProvider.System, cancellationToken);
        await LeaveTimeAsync(connectionString, cancellationToken);
        if (keep is { } number)
            await archive.RemoveOldestAsync(number, bin, cancellationToken);
        Console.WriteLine($"The base backup is {backup.FullName}. Any time from now on is restored by: ./mnemolite restore {folder.FullName} --at TIME --data NEW");
    }

    /// <summary>Restores into a new cluster, whose server runs then.</summary>
    internal static async Task<TemporaryServer> RestoreAsync(DirectoryInfo folder, DateTimeOffset? at, string cluster, CancellationToken cancellationToken)
    {
        if (Archive.Is(folder))
            return await new Archive(folder).RecoverAsync(cluster, at, cancellationToken);
        var backup = Backup.Open(folder);
        if (at is not null)
            throw new CommandException($"{folder.FullName} is the backup of one moment: --at needs the folder given as --archive to 'up'.");
        var server = await TemporaryServer.InitializeAsync(PostgresBinaries.Newest(), cluster, cancellationToken);
        try
        {
            await backup.RestoreAsync(server, cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>The database that the AppHost names to what it starts, else the one of the data folder; and the programs of its version.</summary>
    private static async Task<(string ConnectionString, string Bin)> FindDatabaseAsync(DataFolder data, CancellationToken cancellationToken)
    {
        var connectionString = Environment.GetEnvironmentVariable("ConnectionStrings__mnemolite") ?? data.GetConnectionString();
        await using var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync(cancellationToken);
        return (connectionString, PostgresBinaries.OfVersion(connection.PostgreSqlVersion.Major));
    }

    /// <summary>Has the database know of its backup, so that the service can tell how old it is.</summary>
    private static async Task LeaveTimeAsync(string connectionString, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection($"{connectionString};Pooling=false");
        await connection.OpenAsync(cancellationToken);
        await using var command = new NpgsqlCommand(
            "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET mnemolite.last_backup = %L', current_database(), now()); END $$", connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static TimeSpan? ParseInterval(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (text.Length > 1 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is > 0 and < 10_000)
        {
            switch (text[^1])
            {
                case 'm':
                    return TimeSpan.FromMinutes(number);
                case 'h':
                    return TimeSpan.FromHours(number);
                case 'd':
                    return TimeSpan.FromDays(number);
            }
        }
        result.AddError($"'{text}' is not how often, as 90m, 24h or 7d is.");
        return null;
    }

    /// <summary>Makes the folder as 'up' would, and says whether it was made.</summary>
    private static bool PrepareFolder(string path)
    {
        var made = !Directory.Exists(path);
        if (!made && Directory.EnumerateFileSystemEntries(path).Any(entry => Path.GetFileName(entry) is not ("lock" or "backups" or "logs")))
            throw new CommandException($"{path} holds something else. Restore into a new folder: --data DIR");
        BackupFolder.MakePrivate(path);
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
