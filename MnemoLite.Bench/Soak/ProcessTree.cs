using System.Globalization;

namespace MnemoLite.Bench.Soak;

/// <summary>A process, as <c>/proc</c> tells of it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="CommandLine">How it was started; a backend of PostgreSQL says here what it is.</param>
/// <param name="ResidentKilobytes">Memory in use, with what is shared or mapped from files.</param>
/// <param name="PrivateKilobytes">Memory in use that is its own.</param>
/// <param name="Threads">How many threads it has.</param>
/// <param name="Descriptors">How many files, sockets and the like it has open; null where they are another user's business.</param>
/// <param name="Sockets">How many of these are sockets.</param>
internal sealed record ProcessLook(int Id, string CommandLine, long ResidentKilobytes, long PrivateKilobytes, int Threads, int? Descriptors, int? Sockets);

/// <summary>A process and all that descend from it; Linux.</summary>
internal static class ProcessTree
{
    public static IReadOnlyList<ProcessLook> Read(int root)
    {
        var parents = new Dictionary<int, int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && TryRead($"{folder}/stat") is { } stat)
                parents[id] = int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture);
        }
        return [.. parents.Keys.Where(Descends).Select(Look).OfType<ProcessLook>()];

        bool Descends(int id)
        {
            while (id != root && parents.TryGetValue(id, out var parent))
                id = parent;
            return id == root;
        }
    }

    private static ProcessLook? Look(int id)
    {
        if (TryRead($"/proc/{id}/status") is not { } status || TryRead($"/proc/{id}/cmdline") is not { } commandLine)
            return null; // it has ended meanwhile
        var fields = status.Split('\n').Select(line => line.Split(':', 2)).Where(pair => pair.Length == 2).ToDictionary(pair => pair[0], pair => pair[1]);
        if (!fields.ContainsKey("VmRSS"))
            return null; // it is about to end
        var descriptors = Descriptors(id);
        return new(
            id, commandLine.Replace('\0', ' '), Number("VmRSS"), Number("RssAnon"), (int)Number("Threads"), descriptors?.Count,
            descriptors?.Count(target => target.StartsWith("socket:", StringComparison.Ordinal)));

        long Number(string field) => long.Parse(fields[field].Replace("kB", "", StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture);
    }

    private static List<string>? Descriptors(int id)
    {
        try
        {
            return [.. new DirectoryInfo($"/proc/{id}/fd").EnumerateFileSystemInfos().Select(link => link.LinkTarget ?? "")];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A file of a process; null where it has ended, or is another user's.</summary>
    public static string? TryRead(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
