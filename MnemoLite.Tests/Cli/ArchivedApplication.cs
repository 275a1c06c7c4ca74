using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.Testing;
using MnemoLite.Cli.Backups;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Cli;

/// <summary>The whole application with an archive of its WAL, and backups by itself.</summary>
public sealed class ArchivedApplication : IAsyncLifetime
{
    private DistributedApplication? _app;

    public DirectoryInfo Folder { get; } = RunningApplication.DataDirectory();

    /// <summary>A path that a shell would take apart.</summary>
    public DirectoryInfo ArchiveFolder => new(Path.Combine(Folder.FullName, "the owner's archive, 100 %"));

    public DirectoryInfo Wal => new(Path.Combine(ArchiveFolder.FullName, "wal"));

    public HttpClient Http { get; private set; } = null!;

    public MnemoLiteClient Client { get; private set; } = null!;

    public string ConnectionString { get; private set; } = null!;

    internal Archive Archive => new(ArchiveFolder);

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Starts it, and waits for its first base backup.</summary>
    public async ValueTask InitializeAsync()
    {
        var data = new DirectoryInfo(Path.Combine(Folder.FullName, "data"));
        _app = await RunningApplication.StartAsync(
            data, $"--MnemoLite:Archive={ArchiveFolder.FullName}", "--MnemoLite:Backup:Every=1d", "--MnemoLite:Backup:Keep=100");
        Http = _app.CreateHttpClient("api");
        Client = new MnemoLiteClient(Http);
        ConnectionString = (await _app.GetConnectionStringAsync("mnemolite", Cancelled))!;
        await Eventually.UntilAsync(() => Task.FromResult(BackupFolder.List(Archive.Bases).Count > 0));
    }

    public async ValueTask DisposeAsync()
    {
        Http?.Dispose();
        if (_app is not null)
            await _app.DisposeAsync();
        Folder.Delete(recursive: true);
    }

    /// <summary>Stores an event.</summary>
    public async Task<Stored> RememberAsync()
    {
        var stored = await Client.CreateAsync(new NewEvent { Content = JsonText.From(new { text = $"Archived {Guid.NewGuid()}" }) }, Cancelled);
        return new(stored.Id, DateTimeOffset.Parse(await ReadAsync("SELECT clock_timestamp()::text"), CultureInfo.InvariantCulture));
    }

    /// <summary>Begins a new segment of the WAL; the name of the one before.</summary>
    public async Task<string> SwitchAsync()
    {
        await ReadAsync("SELECT pg_create_restore_point('test')::text");
        return await ReadAsync("SELECT pg_walfile_name(pg_switch_wal())");
    }

    /// <summary>Has everything archived that was written until now; the last segment.</summary>
    public async Task<FileInfo> ArchiveAsync()
    {
        var segment = Path.Combine(Wal.FullName, $"{await SwitchAsync()}.gz");
        await Eventually.UntilAsync(() => Task.FromResult(File.Exists(segment)));
        return new(segment);
    }

    public async Task<string> ReadAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(ConnectionString);
        await connection.OpenAsync(Cancelled);
        await using var command = new NpgsqlCommand(sql, connection);
        return (string)(await command.ExecuteScalarAsync(Cancelled))!;
    }
}

/// <summary>An event.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Time">When it was there, by the database's clock.</param>
public sealed record Stored(Guid Id, DateTimeOffset Time);
