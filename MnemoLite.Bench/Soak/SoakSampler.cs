namespace MnemoLite.Bench.Soak;

/// <summary>Looks every few seconds at what the application takes.</summary>
internal sealed class SoakSampler(SeparateApplication application, TimeProvider clock)
{
    public const string Api = "API", Dashboard = "dashboard", Database = "PostgreSQL", Host = "AppHost";
    private static readonly TimeSpan HeapInterval = TimeSpan.FromMinutes(1); // about as often as a full collection comes by itself
    private static readonly string[] Roles = [Api, Dashboard, Database, Host];
    private readonly Dictionary<(string Name, string Of), Series> _series = [];
    private readonly Dictionary<string, HashSet<int>> _processes = new() { [Api] = [], [Dashboard] = [], [Host] = [] };

    private double _nextHeaps;

    /// <summary>All that was seen, as it is shown: the same of each process together.</summary>
    public IReadOnlyList<Series> Series => [.. _series.Values.GroupBy(series => series.Name).SelectMany(group => group)];

    /// <summary>How often a process took the place of one that had ended.</summary>
    public int Restarts => _processes.Values.Sum(ids => Math.Max(0, ids.Count - 1));

    public async Task RunAsync(TimeSpan interval, CancellationToken ended)
    {
        using var timer = new PeriodicTimer(interval, clock);
        var start = clock.GetTimestamp();
        try
        {
            do
                await LookAsync(clock.GetElapsedTime(start).TotalSeconds, ended);
            while (await timer.WaitForNextTickAsync(ended));
        }
        catch (OperationCanceledException) when (ended.IsCancellationRequested)
        {
            // enough was seen
        }
    }

    private async Task LookAsync(double seconds, CancellationToken cancellationToken)
    {
        var processes = ProcessTree.Read(application.ProcessId).ToLookup(Role);
        foreach (var role in Roles.Where(processes.Contains))
        {
            var all = processes[role].ToList();
            // PostgreSQL's processes share the buffers: what they take together is what each has for itself.
            Add("memory", "MB", all.Sum(process => role == Database ? process.PrivateKilobytes : process.ResidentKilobytes) / 1024.0);
            Add("threads", "", all.Sum(process => process.Threads));
            if (all.All(process => process.Descriptors is not null))
            {
                Add("open files", "", all.Sum(process => process.Descriptors!.Value));
                Add("sockets", "", all.Sum(process => process.Sockets!.Value));
            }
            if (role == Database)
                Add("connections", "", all.Count(process => process.CommandLine.Contains('('))); // postgres: USER DATABASE ADDRESS(PORT) …
            else
                _processes[role].UnionWith(all.Select(process => process.Id));

            void Add(string name, string unit, double value) => Keep(seconds, name, role, unit, value);
        }
        if (seconds >= _nextHeaps)
        {
            foreach (var process in processes.Where(group => group.Key is Api or Dashboard or Host).SelectMany(group => group))
            {
                if (application.Temporary.EnumerateFiles($"dotnet-diagnostic-{process.Id}-*-socket").FirstOrDefault() is { } socket
                    && await LiveHeap.ReadAsync(process.Id, socket, cancellationToken) is { } bytes)
                    Keep(seconds, "heap", Role(process)!, "MB", bytes / 1048576.0);
            }
            _nextHeaps = seconds + HeapInterval.TotalSeconds;
        }
        Keep(seconds, "temporary files", "all", "", Files(application.Temporary).Count()
            + application.Data.EnumerateDirectories("pgsql_tmp", new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }).Sum(folder => Files(folder).Count()));
        Keep(seconds, "disk", "all", "MB", Files(application.Data).Sum(Length) / 1048576.0, isJudged: false);
        Keep(seconds, "write-ahead log", Database, "MB", Files(new(Path.Combine(Cluster(), "pg_wal"))).Sum(Length) / 1048576.0, isJudged: false);
    }

    private string Cluster() => application.Data.EnumerateFiles("*.password").Select(file => Path.ChangeExtension(file.FullName, null)).Single();

    private void Keep(double seconds, string name, string of, string unit, double value, bool isJudged = true)
    {
        if (!_series.TryGetValue((name, of), out var series))
            _series.Add((name, of), series = new(name, of, unit, isJudged));
        series.Points.Add(new(Math.Round(seconds, 1), Math.Round(value, 2)));
    }

    private string? Role(ProcessLook process) =>
        process.Id == application.ProcessId ? Host
        : process.CommandLine.Contains("MnemoLite.Api.dll", StringComparison.Ordinal) ? Api
        : process.CommandLine.Contains("MnemoLite.Web.dll", StringComparison.Ordinal) ? Dashboard
        : process.CommandLine.Contains("postgres", StringComparison.Ordinal) ? Database
        : null;

    private static IEnumerable<FileInfo> Files(DirectoryInfo folder) =>
        folder.EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint });

    private static long Length(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (FileNotFoundException)
        {
            return 0; // removed meanwhile
        }
    }
}
