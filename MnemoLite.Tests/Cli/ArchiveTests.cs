using System.Globalization;
using System.Text.RegularExpressions;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.Time.Testing;
using MnemoLite.Cli;
using MnemoLite.Cli.Backups;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Cli;

/// <summary>From an archive everything is restored as it was at any time.</summary>
public sealed class ArchiveTests(ArchivedApplication application, RunningApplication withoutArchive) : IClassFixture<ArchivedApplication>, IDisposable
{
    private readonly DirectoryInfo _folder = RunningApplication.DataDirectory();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_was_written_until_a_time_is_there_and_nothing_later()
    {
        var before = await application.RememberAsync();
        await BackUpAsync();
        var after = await application.RememberAsync();
        var later = await application.RememberAsync();
        await application.ArchiveAsync();
        await using (var then = await RestoreAsync(after.Time))
            Assert.Equal([before.Id, after.Id], await FindAsync(then, before.Id, after.Id, later.Id));
        await using (var end = await RestoreAsync(null))
            Assert.Equal([before.Id, after.Id, later.Id], await FindAsync(end, before.Id, after.Id, later.Id));
    }

    [Fact]
    public async Task What_is_restored_starts_again_and_goes_on_with_the_archive()
    {
        var (archive, first, second, third, _) = await CopyAsync();
        var data = new DirectoryInfo(Path.Combine(_folder.FullName, "restored"));
        string[] arguments = [archive.FullName, "--at", $"{first.Time:O}", "--data", data.FullName];
        Assert.Equal(0, await BackupCommand.CreateRestore().Parse(arguments).InvokeAsync(new() { EnableDefaultExceptionHandler = false }, Cancelled));

        Event onward;
        await using (var app = await RunningApplication.StartAsync(data, "--MnemoLite:DataVolume=postgres", $"--MnemoLite:Archive={archive.FullName}"))
        {
            using var http = app.CreateHttpClient("api");
            var client = new MnemoLiteClient(http);
            Assert.NotNull(await client.GetAsync(first.Id, Cancelled));
            Assert.Null(await client.GetAsync(second.Id, Cancelled));
            onward = await client.CreateAsync(new NewEvent { Content = JsonText.Parse("""{"text": "it goes on"}""") }, Cancelled);
        }
        await using var server = await RestoreAsync(null, archive);
        Assert.Equal([first.Id, onward.Id], await FindAsync(server, first.Id, second.Id, third.Id, onward.Id));
    }

    [Fact]
    public Task Metrics_tell_how_old_the_last_backup_is_and_how_often_archiving_failed() =>
        Eventually.UntilAsync(async () =>
        {
            var metrics = await application.Http.GetStringAsync("/metrics", Cancelled);
            return Regex.IsMatch(metrics, @"^mnemolite_backup_age_seconds\S* \d", RegexOptions.Multiline)
                && Regex.IsMatch(metrics, @"^mnemolite_archive_failures_total\S* \d", RegexOptions.Multiline);
        });

    [Fact]
    public async Task A_time_before_the_first_base_backup_is_refused()
    {
        var exception = await Assert.ThrowsAsync<CommandException>(() => RestoreAsync(DateTimeOffset.UnixEpoch));
        Assert.StartsWith("The archive begins after that time: its first base backup was whole on 20", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_time_after_the_end_is_refused_with_the_time_of_the_last_change()
    {
        var last = await application.RememberAsync();
        await application.ArchiveAsync();
        var exception = await Assert.ThrowsAsync<CommandException>(() => RestoreAsync(last.Time.AddYears(1)));
        Assert.Matches(@"^The archive ends before that time: its last change is of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. ", exception.Message);
    }

    [Fact]
    public async Task A_gap_is_not_taken_for_the_end()
    {
        var (archive, first, second, third, segment) = await CopyAsync();
        segment.Delete();
        foreach (var at in new DateTimeOffset?[] { null, third.Time })
        {
            var exception = await Assert.ThrowsAsync<CommandException>(() => RestoreAsync(at, archive));
            Assert.StartsWith("The archive has a gap: the WAL between ", exception.Message, StringComparison.Ordinal);
        }
        await using var before = await RestoreAsync(first.Time, archive);
        Assert.Equal([first.Id], await FindAsync(before, first.Id, second.Id, third.Id));
    }

    [Fact]
    public async Task A_damaged_segment_is_not_taken_for_the_end()
    {
        var (archive, _, _, _, segment) = await CopyAsync();
        var content = await File.ReadAllBytesAsync(segment.FullName, Cancelled);
        segment.Delete();
        await File.WriteAllBytesAsync(segment.FullName, content[..(content.Length / 2)], Cancelled);
        var exception = await Assert.ThrowsAsync<CommandException>(() => RestoreAsync(null, archive));
        Assert.Matches($"could not restore file \"{segment.Name[..24]}\".*unexpected end of file", exception.Message);
    }

    [Fact]
    public async Task A_segment_in_the_archive_is_never_overwritten_and_the_WAL_waits_until_it_can_be_archived()
    {
        var kept = await application.RememberAsync();
        var segment = Path.Combine(application.Wal.FullName, $"{await application.ReadAsync("SELECT pg_walfile_name(pg_current_wal_lsn())")}.gz");
        await using (var other = new FileStream(segment, FileMode.CreateNew))
            other.WriteByte(1);
        var failures = await FailuresAsync();
        await application.SwitchAsync();
        await Eventually.UntilAsync(async () => await FailuresAsync() > failures);
        Assert.Equal(1, new FileInfo(segment).Length);
        File.Delete(segment);
        await application.ArchiveAsync();
        await using var server = await RestoreAsync(null);
        Assert.Equal([kept.Id], await FindAsync(server, kept.Id));
        Assert.True(new FileInfo(segment).Length > 1);

        async Task<int> FailuresAsync() => int.Parse(await application.ReadAsync("SELECT failed_count::text FROM pg_stat_archiver"), CultureInfo.InvariantCulture);
    }

    [Fact]
    public async Task The_newest_base_backups_are_kept_with_the_WAL_they_need()
    {
        await application.ArchiveAsync();
        var oldest = await BackUpAsync();
        var first = await application.RememberAsync();
        await BackUpAsync();
        var second = await application.RememberAsync();
        await application.ArchiveAsync();
        await application.Archive.RemoveOldestAsync(2, PostgresBinaries.Newest(), Cancelled);

        Assert.Equal([oldest.FullName], BackupFolder.List(application.Archive.Bases).Skip(1).Select(backup => backup.Folder.FullName));
        var needed = (await File.ReadAllTextAsync(Path.Combine(oldest.FullName, "backup_label"), Cancelled)).Split("(file ")[1][..24];
        Assert.Equal($"{needed}.gz", application.Wal.GetFiles("????????????????????????.gz").Min(file => file.Name));
        await using var server = await RestoreAsync(first.Time);
        Assert.Equal([first.Id], await FindAsync(server, first.Id, second.Id));
    }

    [Fact]
    public async Task A_database_that_does_not_archive_gets_no_base_backup()
    {
        var exception = await Assert.ThrowsAsync<CommandException>(() =>
            new Archive(_folder).CreateBaseAsync(withoutArchive.ConnectionString, PostgresBinaries.Newest(), TimeProvider.System, Cancelled));
        Assert.EndsWith($"./mnemolite up --archive {_folder.FullName}", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_archives_elsewhere_gets_no_base_backup()
    {
        var clock = new FakeTimeProvider();
        var backup = new Archive(_folder).CreateBaseAsync(application.ConnectionString, PostgresBinaries.Newest(), clock, Cancelled);
        await Eventually.UntilAsync(() =>
        {
            clock.Advance(TimeSpan.FromSeconds(10));
            return Task.FromResult(backup.IsCompleted);
        });
        var exception = await Assert.ThrowsAsync<CommandException>(() => backup);
        Assert.StartsWith($"The database's WAL does not come to {_folder.FullName}", exception.Message, StringComparison.Ordinal);
        Assert.Empty(_folder.GetDirectories());
    }

    [Fact]
    public async Task A_backup_of_one_moment_has_no_other_times()
    {
        var backup = await Backup.CreateAsync(withoutArchive.ConnectionString, PostgresBinaries.Newest(), _folder, TimeProvider.System, Cancelled);
        var exception = await Assert.ThrowsAsync<CommandException>(() => RestoreAsync(DateTimeOffset.UtcNow, backup));
        Assert.Contains("--at needs the folder given as --archive", exception.Message, StringComparison.Ordinal);
    }

    private Task<DirectoryInfo> BackUpAsync() =>
        application.Archive.CreateBaseAsync(application.ConnectionString, PostgresBinaries.Newest(), TimeProvider.System, Cancelled);

    /// <summary>Restores aside, as 'restore' does.</summary>
    private Task<TemporaryServer> RestoreAsync(DateTimeOffset? at, DirectoryInfo? archive = null) =>
        BackupCommand.RestoreAsync(archive ?? application.ArchiveFolder, at, Path.Combine(_folder.FullName, $"{Guid.NewGuid():n}"), Cancelled);

    /// <summary>A copy of the archive, as links; and three events, the last of them in a segment of its own, after which comes another.</summary>
    private async Task<(DirectoryInfo Archive, Stored First, Stored Second, Stored Third, FileInfo OfThird)> CopyAsync()
    {
        await BackUpAsync();
        var (first, second) = (await application.RememberAsync(), await application.RememberAsync());
        await application.ArchiveAsync();
        var third = await application.RememberAsync();
        var segment = await application.ArchiveAsync();
        await application.RememberAsync();
        await application.ArchiveAsync();
        var copy = Path.Combine(_folder.FullName, "copy");
        await Tool.RunAsync("cp", ["-al", application.ArchiveFolder.FullName, copy], null, asPostgres: false, Cancelled);
        return (new(copy), first, second, third, new(Path.Combine(copy, "wal", segment.Name)));
    }

    /// <summary>Those of the events that are there, in the order they are given.</summary>
    private static async Task<List<Guid>> FindAsync(TemporaryServer server, params Guid[] ids)
    {
        await using var connection = new NpgsqlConnection($"{server.ConnectionString}mnemolite");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand("SELECT id FROM events WHERE id = ANY ($1) ORDER BY array_position($1, id)", connection)
        {
            Parameters = { new() { Value = ids } },
        };
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        var found = new List<Guid>();
        while (await reader.ReadAsync(Cancelled))
            found.Add(reader.GetGuid(0));
        return found;
    }
}
