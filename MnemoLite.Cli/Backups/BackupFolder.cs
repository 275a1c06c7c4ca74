using System.Globalization;

namespace MnemoLite.Cli.Backups;

/// <summary>The folder of a backup, named by its time once it is whole.</summary>
/// <param name="Folder">Where it is.</param>
/// <param name="Time">The time it is named by.</param>
internal sealed record BackupFolder(DirectoryInfo Folder, DateTimeOffset Time)
{
    /// <summary>What the name ends in until the backup is whole.</summary>
    public const string Unfinished = ".unfinished";

    private const string Prefix = "mnemolite-", Format = "yyyyMMdd'T'HHmmssfff'Z'";

    public static string Name(DateTimeOffset time) => $"{Prefix}{time.UtcDateTime.ToString(Format, CultureInfo.InvariantCulture)}";

    /// <summary>The whole ones of a place, the newest first.</summary>
    public static IReadOnlyList<BackupFolder> List(DirectoryInfo place)
    {
        var found = new List<BackupFolder>();
        foreach (var folder in place.Exists ? place.GetDirectories($"{Prefix}*") : [])
        {
            if (DateTimeOffset.TryParseExact(
                    folder.Name[Prefix.Length..], Format, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
                found.Add(new(folder, time));
        }
        return [.. found.OrderByDescending(backup => backup.Time)];
    }

    /// <summary>Removes the oldest of a place beyond so many.</summary>
    public static void RemoveOldest(DirectoryInfo place, int keep)
    {
        var old = List(place).Skip(keep).ToList();
        foreach (var (folder, _) in old)
        {
            folder.MoveTo($"{folder.FullName}{Unfinished}"); // so that half of one is never taken for a backup
            folder.Delete(recursive: true);
        }
        if (old.Count > 0)
            Terminal.Ok($"Removed {old.Count} older than the {keep} newest");
    }

    /// <summary>Makes a folder that only its owner can look into.</summary>
    public static string MakePrivate(string path) =>
        OperatingSystem.IsWindows()
            ? Directory.CreateDirectory(path).FullName
            : Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute).FullName;
}
