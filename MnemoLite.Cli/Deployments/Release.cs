using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;

namespace MnemoLite.Cli.Deployments;

/// <summary>What runs: the published files of every program, in a folder of the data folder that no later build touches.</summary>
internal sealed class Release(DirectoryInfo folder)
{
    private const string WithdrawnMark = "withdrawn";

    /// <summary>When it was made and what it is made of: <c>20261125-093012-3f9a2c41</c>.</summary>
    public string Name => folder.Name;

    public string Path => folder.FullName;

    /// <summary>The version of MnemoLite it is, with its commit.</summary>
    public string Version => Short(FileVersionInfo.GetVersionInfo(System.IO.Path.Combine(Path, "MnemoLite.Api", "MnemoLite.Api.dll")).ProductVersion ?? "?");

    /// <summary>Whether it was taken back by a rollback, and must not run by itself.</summary>
    public bool IsWithdrawn => File.Exists(System.IO.Path.Combine(Path, WithdrawnMark));

    /// <summary>A version with the first letters of its commit.</summary>
    public static string Short(string version) => version.IndexOf('+', StringComparison.Ordinal) is var plus and > 0 ? version[..Math.Min(version.Length, plus + 8)] : version;

    public bool IsOf(string fingerprint) => Name.EndsWith(fingerprint, StringComparison.Ordinal);

    public void Withdraw() => File.WriteAllText(System.IO.Path.Combine(Path, WithdrawnMark), "");

    public void Reinstate() => File.Delete(System.IO.Path.Combine(Path, WithdrawnMark));

    public void Delete() => folder.Delete(recursive: true);
}

/// <summary>The releases of a data folder; the files <c>current</c> and <c>former</c> name two of them.</summary>
internal sealed class ReleaseFolder(DataFolder data)
{
    private const string CurrentFile = "current", FormerFile = "former", Unfinished = ".unfinished";
    private readonly string _folder = System.IO.Path.Combine(data.Path, "releases");

    public Release? Current => Find(CurrentFile);

    /// <summary>The one that a rollback returns to.</summary>
    public Release? Former => Find(FormerFile);

    /// <summary>How many bytes a release of the published programs takes.</summary>
    public static long SizeOf(DirectoryInfo published) => FilesOf(published).Sum(file => file.From.Length);

    /// <summary>Finds the release of what is published, or copies it into a new one.</summary>
    public Release Stage(DirectoryInfo published, TimeProvider clock)
    {
        var files = FilesOf(published).ToList();
        if (!files.Exists(file => file.To == "MnemoLite.Api/MnemoLite.Api.dll"))
            throw new CommandException($"{published.FullName} holds no published programs. Publish them: dotnet publish MnemoLite.sln -c Release");
        var fingerprint = FingerprintOf(files);
        if (All().FirstOrDefault(release => release.IsOf(fingerprint)) is { } known)
            return known;
        Backups.BackupFolder.MakePrivate(_folder);
        var name = $"{clock.GetUtcNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture)}-{fingerprint}";
        var folder = new DirectoryInfo(System.IO.Path.Combine(_folder, name));
        var unfinished = $"{folder.FullName}{Unfinished}";
        foreach (var (from, to) in files)
        {
            var copy = System.IO.Path.Combine(unfinished, to);
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(copy)!);
            from.CopyTo(copy, overwrite: true);
        }
        Directory.Move(unfinished, folder.FullName);
        return new(folder);
    }

    /// <summary>The release runs from now on; the one that ran before is the former.</summary>
    public void MakeCurrent(Release release)
    {
        if (Current is { } before && before.Name != release.Name)
            Name(FormerFile, before);
        Name(CurrentFile, release);
        release.Reinstate();
    }

    /// <summary>The former release runs again, and the one that ran is taken back.</summary>
    public void RollBack()
    {
        Current!.Withdraw();
        Name(CurrentFile, Former!);
        File.Delete(PathOf(FormerFile));
    }

    /// <summary>Removes what is neither the current nor the former release, nor taken back; of these the newest stays, to be known again.</summary>
    public void RemoveOld()
    {
        var kept = new[] { Current, Former, All().Where(release => release.IsWithdrawn).MaxBy(release => release.Name, StringComparer.Ordinal) };
        foreach (var release in All().Where(release => !kept.Any(one => one?.Name == release.Name)))
            release.Delete();
        foreach (var unfinished in Directory.GetDirectories(_folder, $"*{Unfinished}"))
            Directory.Delete(unfinished, recursive: true);
    }

    private IEnumerable<Release> All() =>
        !Directory.Exists(_folder)
            ? []
            : new DirectoryInfo(_folder).GetDirectories().Where(folder => !folder.Name.EndsWith(Unfinished, StringComparison.Ordinal)).Select(folder => new Release(folder));

    private Release? Find(string file) =>
        File.Exists(PathOf(file)) && File.ReadAllText(PathOf(file)) is var name ? All().FirstOrDefault(release => release.Name == name) : null;

    private void Name(string file, Release release)
    {
        var next = $"{PathOf(file)}.new";
        File.WriteAllText(next, release.Name);
        File.Move(next, PathOf(file), overwrite: true);
    }

    private string PathOf(string name) => System.IO.Path.Combine(_folder, name);

    /// <summary>The files of the programs, without what is for other machines than this one.</summary>
    private static IEnumerable<(FileInfo From, string To)> FilesOf(DirectoryInfo published)
    {
        foreach (var program in published.Exists ? published.GetDirectories().OrderBy(folder => folder.Name, StringComparer.Ordinal) : Enumerable.Empty<DirectoryInfo>())
        {
            var folder = new DirectoryInfo(System.IO.Path.Combine(program.FullName, "release"));
            if (!File.Exists(System.IO.Path.Combine(folder.FullName, $"{program.Name}.runtimeconfig.json")))
                continue;
            foreach (var file in folder.EnumerateFiles("*", SearchOption.AllDirectories))
            {
                var path = System.IO.Path.GetRelativePath(folder.FullName, file.FullName);
                if (path.Split(System.IO.Path.DirectorySeparatorChar) is not ["runtimes", var runtime, ..] || runtime == RuntimeInformation.RuntimeIdentifier)
                    yield return (file, $"{program.Name}/{path}");
            }
        }
    }

    /// <summary>The same for the same files, whenever and wherever they were published.</summary>
    private static string FingerprintOf(IEnumerable<(FileInfo From, string To)> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (from, to) in files.OrderBy(file => file.To, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(to));
            using var content = from.OpenRead();
            hash.AppendData(SHA256.HashData(content));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset())[..8];
    }
}
