using System.Text.Json.Nodes;
using MnemoLite.Cli;
using MnemoLite.Cli.Backups;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Cli;

/// <summary>A backup holds what was stored, and is known to.</summary>
public sealed class BackupTests(RunningApplication application) : IDisposable
{
    private readonly Guid _run = Guid.NewGuid();
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mnemolite-backup-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private DirectoryInfo Place => new(Path.Combine(_folder.FullName, "backups"));

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task What_is_written_meanwhile_does_not_make_a_backup_inconsistent()
    {
        var own = await RememberAsync();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var writers = Enumerable.Range(0, 4).Select(_ => WriteUntilAsync(enough.Token)).ToList();
        var backup = await BackUpAsync();
        await enough.CancelAsync();
        var written = await Task.WhenAll(writers);
        Assert.All(written, one => Assert.True(one > 0));
        await using var server = await RestoreAsync(backup);
        await using var connection = new NpgsqlConnection($"{server.ConnectionString}mnemolite");
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand("SELECT content = $2::jsonb FROM events WHERE id = $1", connection) { Parameters = { new() { Value = own.Id }, new() { Value = own.Content.ToString() } } };
        Assert.Equal(true, await command.ExecuteScalarAsync(Cancelled));
        await using var ofWriters = new NpgsqlCommand("SELECT count(*) FROM events WHERE content->>'text' LIKE $1", connection)
        {
            Parameters = { new() { Value = $"Backed up {_run}%" } },
        };
        Assert.InRange((long)(await ofWriters.ExecuteScalarAsync(Cancelled))!, 1, written.Sum()); // the first, and not yet all of theirs
    }

    [Fact]
    public async Task A_backup_that_lacks_something_is_found_out()
    {
        await RememberAsync();
        var backup = await BackUpAsync();
        var manifest = Path.Combine(backup.FullName, "manifest.json");
        var json = JsonNode.Parse(await File.ReadAllTextAsync(manifest, Cancelled))!;
        var events = json["tables"]!.AsArray().Single(table => (string?)table!["name"] == "events")!;
        events["rows"] = (long)events["rows"]! + 1;
        await File.WriteAllTextAsync(manifest, json.ToJsonString(), Cancelled);
        var exception = await Assert.ThrowsAsync<CommandException>(() => RestoreAsync(backup));
        Assert.EndsWith("different are: events.", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_damaged_dump_is_found_out()
    {
        await RememberAsync();
        var backup = await BackUpAsync();
        await using (var dump = File.OpenWrite(Path.Combine(backup.FullName, "database.dump")))
            dump.SetLength(dump.Length / 2);
        var exception = await Assert.ThrowsAsync<CommandException>(() => RestoreAsync(backup));
        Assert.StartsWith("pg_restore failed: ", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_newest_backups_are_kept()
    {
        var made = new List<DirectoryInfo>();
        for (var i = 0; i < 3; i++)
            made.Add(await BackUpAsync());
        Place.CreateSubdirectory("mnemolite-of-someone-else");
        BackupFolder.RemoveOldest(Place, 2);
        Assert.Equal(
            made.Skip(1).Select(backup => backup.Name).Append("mnemolite-of-someone-else").Order(StringComparer.Ordinal),
            Place.GetDirectories().Select(backup => backup.Name).Order(StringComparer.Ordinal));
    }

    private Task<Event> RememberAsync() =>
        application.Client.CreateAsync(
            new NewEvent { Content = JsonText.From(new { text = $"Backed up {_run} {Guid.NewGuid()}, \"with\" signs: \\ äß 漢字" }) }, Cancelled);

    private async Task<int> WriteUntilAsync(CancellationToken enough)
    {
        var written = 0;
        for (; !enough.IsCancellationRequested; written++)
            await RememberAsync();
        return written;
    }

    private Task<DirectoryInfo> BackUpAsync() =>
        Backup.CreateAsync(application.ConnectionString, PostgresBinaries.Newest(), Place, TimeProvider.System, Cancelled);

    /// <summary>Restores aside, as 'verify' does.</summary>
    private Task<TemporaryServer> RestoreAsync(DirectoryInfo backup) =>
        BackupCommand.RestoreAsync(backup, null, Path.Combine(_folder.FullName, $"{Guid.NewGuid():n}"), Cancelled);
}
