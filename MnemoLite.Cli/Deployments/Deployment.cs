using System.Diagnostics;
using MnemoLite.Cli.Backups;
using MnemoLite.Cli.Checks;
using MnemoLite.Client;

namespace MnemoLite.Cli.Deployments;

/// <summary>Brings another release to what runs on a data folder, without a request that fails, or leaves everything as it was.</summary>
internal sealed class Deployment(DataFolder data, TimeProvider clock) : IDisposable
{
    private const int Users = 4;
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(2), Patience = TimeSpan.FromMinutes(1);
    private const long SpareBytes = 200 << 20;
    private static readonly TimeSpan MeasuredFor = TimeSpan.FromSeconds(3);

    private readonly Engine _engine = Engine.Find(data);
    private readonly RunningInstance _running = data.GetRunning();
    private readonly ReleaseFolder _releases = new(data);
    private readonly HttpClient _http = AccessKey.Connect(data.GetRunning().Api, ConnectPatience, Patience);

    public void Dispose()
    {
        _engine.Dispose();
        _http.Dispose();
    }

    /// <summary>Brings what is published to run.</summary>
    /// <exception cref="CommandException">It was refused or taken back; what ran before runs on.</exception>
    public async Task ApplyAsync(DirectoryInfo published, CancellationToken cancellationToken)
    {
        var former = GetCurrent();
        var store = await Client.GetStoreAsync(cancellationToken);
        RequireSpace(ReleaseFolder.SizeOf(published), store.SizeBytes);
        var release = await Terminal.StepAsync("Copying the release", made => $"The release is {made.Name}, version {made.Version}", _ => Task.Run(() => _releases.Stage(published, clock), cancellationToken));
        if (release.Name == former.Name)
        {
            Terminal.Note("It is what runs already: nothing is to be done.");
            return;
        }
        var before = await MeasureAsync("before", cancellationToken);
        var backup = await Backup.CreateAsync(
            data.GetConnectionString(), PostgresBinaries.OfCluster(data.FindCluster()!), new DirectoryInfo(Path.Combine(data.Path, "backups")), clock, cancellationToken);
        Terminal.Ok($"The backup is {backup.FullName}");
        await TryOnCopyAsync(release, backup, cancellationToken);

        var start = Stopwatch.GetTimestamp();
        try
        {
            await _engine.MoveAsync(release, atOnce: false, cancellationToken);
        }
        catch (CommandException exception)
        {
            throw new CommandException($"The new release did not take over, and {former.Name} runs on: {exception.Message} The log says more: {data.Path}/logs/mnemolite.log", exception);
        }
        ReadLoad after;
        try
        {
            await VerifyAsync(cancellationToken);
            after = await MeasureAsync("after", cancellationToken);
            if (after.Failures > 0)
                throw new CommandException($"{after.Failures:N0} of {after.Requests:N0} requests failed.");
        }
        catch (Exception exception)
        {
            await _engine.MoveAsync(former, atOnce: true, CancellationToken.None);
            if (exception is OperationCanceledException)
                throw;
            throw new CommandException($"The new release was taken back, and {former.Name} runs again: {exception.Message}", exception);
        }
        _releases.MakeCurrent(release);
        _releases.RemoveOld();
        Terminal.Ok($"{release.Name} runs ({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s from the first instance to here)");
        Table.Write(["", "before", "after"],
            ["Release", former.Name, release.Name], ["Version", Release.Short(before.Version), Release.Short(after.Version)],
            ["P50", Milliseconds(before, 50), Milliseconds(after, 50)], ["P95", Milliseconds(before, 95), Milliseconds(after, 95)],
            ["P99", Milliseconds(before, 99), Milliseconds(after, 99)], ["Requests/s", $"{before.Rate:N0}", $"{after.Rate:N0}"],
            ["Memory of the API", Mebibytes(before), Mebibytes(after)]);
        Console.WriteLine("Back to the former release: ./mnemolite deploy rollback");
    }

    /// <summary>Returns to the former release.</summary>
    /// <exception cref="CommandException">There is none, or it does not become healthy.</exception>
    public async Task RollBackAsync(CancellationToken cancellationToken)
    {
        var former = _releases.Former ?? throw new CommandException("There is no former release to return to.");
        var current = GetCurrent();
        var start = Stopwatch.GetTimestamp();
        await _engine.MoveAsync(former, atOnce: true, cancellationToken);
        _releases.RollBack();
        Terminal.Ok($"{former.Name} (version {former.Version}) runs again, {Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s after the command");
        Terminal.Note($"{current.Name} will not start by itself; 'deploy apply' or a new build brings it or its successor.");
    }

    /// <summary>Measures what runs, and changes nothing.</summary>
    public async Task MeasureAsync(int users, TimeSpan duration, CancellationToken cancellationToken)
    {
        var store = await Client.GetStoreAsync(cancellationToken);
        var load = await Terminal.StepAsync($"{users} users ask for {duration.TotalSeconds:0} s", load => $"{users} users asked for {duration.TotalSeconds:0} s", progress =>
            ReadLoad.PutOnAsync(Client, users, duration, progress, cancellationToken));
        Table.Write(["", ""],
            [
                ["Release", _releases.Current?.Name ?? "-"], ["Version", Release.Short(load.Version)], ["Events", $"{store.Events:N0}"],
                ["Store", $"{store.SizeBytes / 1048576.0:N1} MiB"], ["Requests", $"{load.Requests:N0}, {load.Failures:N0} failed"],
                ["Requests/s", $"{load.Rate:N0}"], ["P50", Milliseconds(load, 50)], ["P95", Milliseconds(load, 95)], ["P99", Milliseconds(load, 99)],
                .. load.Caches.Select(cache => new[] { $"Hits of {cache.Cache}", cache.Asked == 0 ? "-" : $"{100.0 * cache.Hits / cache.Asked:0.0} % of {cache.Asked:N0}" }),
                ["Memory of the API", Mebibytes(load)],
            ]);
        if (load.Failures > 0)
            throw new CommandException($"{load.Failures:N0} of {load.Requests:N0} requests failed.");
    }

    private MnemoLiteClient Client => new(_http);

    private Release GetCurrent() => _releases.Current ?? throw new CommandException("What runs is no release: stop it, and start it again with ./mnemolite up");

    /// <summary>The release, a backup and a copy of the database have to find room.</summary>
    private void RequireSpace(long release, long database)
    {
        var needed = release + (2 * database) + SpareBytes;
        var free = new DriveInfo(data.Path).AvailableFreeSpace;
        if (free < needed)
            throw new CommandException($"It needs {needed / 1e9:0.0} GB of the disk for the release, a backup and a copy of the database; {free / 1e9:0.0} GB are free.");
        Terminal.Ok($"The disk has room ({free / 1e9:N0} GB free, {needed / 1e9:0.0} GB needed)");
    }

    /// <summary>Proves the backup, and that the release starts with its settings and brings a copy of the store up to its schema.</summary>
    private async Task TryOnCopyAsync(Release release, DirectoryInfo backup, CancellationToken cancellationToken)
    {
        var aside = Directory.CreateTempSubdirectory("mnemolite-deploy-");
        try
        {
            await using var server = await TemporaryServer.InitializeAsync(PostgresBinaries.OfCluster(data.FindCluster()!), Path.Combine(aside.FullName, "postgres"), cancellationToken);
            await Backup.Open(backup).RestoreAsync(server, cancellationToken);
            await Terminal.StepAsync("Starting the release on the copy", () => "The release runs on a copy of the store, with its migrations",
                () => _engine.TryAsync(release, $"{server.ConnectionString}mnemolite", cancellationToken));
        }
        catch (CommandException exception)
        {
            release.Delete();
            throw new CommandException($"The release was refused, and nothing was changed: {exception.Message} The log says more: {data.Path}/logs/mnemolite.log", exception);
        }
        finally
        {
            aside.Delete(recursive: true);
        }
    }

    private async Task VerifyAsync(CancellationToken cancellationToken)
    {
        using var check = new SystemCheck(_running.Api, _running.Web);
        await check.FullAsync(cancellationToken);
        if (check.List.Results.FirstOrDefault(result => !result.Passed) is { } failed)
            throw new CommandException($"\"{failed.What}\" did not hold.");
    }

    private Task<ReadLoad> MeasureAsync(string when, CancellationToken cancellationToken) =>
        Terminal.StepAsync($"Measuring {when}", load => $"Measured {when}: {load.Requests:N0} requests, {load.Failures:N0} failed", progress =>
            ReadLoad.PutOnAsync(Client, Users, MeasuredFor, progress, cancellationToken));

    private static string Milliseconds(ReadLoad load, int percent) => $"{load.Percentile(percent):0.0} ms";

    private static string Mebibytes(ReadLoad load) => $"{load.Memory / 1048576.0:N0} MiB";
}
