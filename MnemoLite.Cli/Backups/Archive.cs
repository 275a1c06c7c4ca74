using System.Globalization;
using Npgsql;

namespace MnemoLite.Cli.Backups;

/// <summary>
/// A folder with base backups, and the write-ahead log (WAL) that a server archives into it all the time: from both the database is made as it was
/// at any time since the first of them.
/// </summary>
internal sealed class Archive(DirectoryInfo folder)
{
    /// <summary>What a segment of the WAL ends in.</summary>
    private const string Compressed = ".gz";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1), Pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Where its base backups are.</summary>
    public DirectoryInfo Bases { get; } = new(Path.Combine(folder.FullName, "base"));

    private DirectoryInfo Wal { get; } = new(Path.Combine(folder.FullName, "wal"));

    public static bool Is(DirectoryInfo folder) => new Archive(folder).Wal.Exists;

    /// <summary>Copies the database's files while others write; the copy has its name once it is whole and verified.</summary>
    /// <exception cref="CommandException">The server does not archive here, or the copy cannot be made.</exception>
    public async Task<DirectoryInfo> CreateBaseAsync(string connectionString, string bin, TimeProvider clock, CancellationToken cancellationToken)
    {
        var database = new NpgsqlConnectionStringBuilder(connectionString) { Pooling = false };
        await using (var connection = new NpgsqlConnection(database.ConnectionString))
        {
            await connection.OpenAsync(cancellationToken);
            await Terminal.StepAsync(
                "Looking whether the database archives", () => $"The database archives to {Wal.FullName}",
                () => RequireArchivingAsync(connection, clock, cancellationToken));
        }
        var unfinished = BackupFolder.MakePrivate(Path.Combine(Bases.FullName, $"{BackupFolder.Name(clock.GetUtcNow())}{BackupFolder.Unfinished}"));
        try
        {
            string[] arguments =
            [
                $"--pgdata={unfinished}", "--wal-method=stream", "--checkpoint=fast", "--progress", "--host", database.Host!,
                "--port", database.Port.ToString(CultureInfo.InvariantCulture), "--username", database.Username!, "--no-password",
            ];
            await Terminal.StepAsync(
                "Copying the database", () => $"Copied {Size(unfinished) / 1e6:N1} MB",
                progress => Tool.RunAsync(Path.Combine(bin, "pg_basebackup"), arguments, database.Password, asPostgres: false, cancellationToken, progress));
            await Terminal.StepAsync(
                "Verifying the copy", () => "Every file is there as the server sent it",
                () => Tool.RunAsync(Path.Combine(bin, "pg_verifybackup"), ["--quiet", unfinished], null, asPostgres: false, cancellationToken));
            var place = Path.Combine(Bases.FullName, BackupFolder.Name(clock.GetUtcNow())); // when it was whole: from then on every time can be restored
            Directory.Move(unfinished, place);
            return new(place);
        }
        catch
        {
            Directory.Delete(unfinished, recursive: true);
            throw;
        }
    }

    /// <summary>Removes the oldest base backups beyond so many, and the WAL that only they need.</summary>
    public async Task RemoveOldestAsync(int keep, string bin, CancellationToken cancellationToken)
    {
        BackupFolder.RemoveOldest(Bases, keep);
        var oldest = BackupFolder.List(Bases)[^1].Folder;
        string[] arguments = ["-x", Compressed, Wal.FullName, FirstSegment(oldest)];
        await Tool.RunAsync(Path.Combine(bin, "pg_archivecleanup"), arguments, null, asPostgres: false, cancellationToken);
    }

    /// <summary>Makes a cluster as the database was at that time, or at the end of the archive, and reads it through.</summary>
    /// <exception cref="CommandException">The archive does not have that time, or is damaged.</exception>
    public async Task<TemporaryServer> RecoverAsync(string cluster, DateTimeOffset? at, CancellationToken cancellationToken)
    {
        var bases = BackupFolder.List(Bases);
        if (bases.Count == 0)
            throw new CommandException($"{folder.FullName} has no base backup yet. Make one: ./mnemolite backup --archive {folder.FullName}");
        var start = bases.FirstOrDefault(one => at is null || one.Time <= at)?.Folder
            ?? throw new CommandException($"The archive begins after that time: its first base backup was whole on {bases[^1].Time:yyyy-MM-dd HH:mm:ss} UTC.");
        if (at is null)
            RequireEverySegment(start);
        await RequireReadableAsync(cancellationToken);
        await Terminal.StepAsync(
            $"Copying the base backup {start.Name}", () => $"Copied the base backup {start.Name}",
            () => Tool.RunAsync("cp", ["-a", "--reflink=auto", start.FullName, cluster], null, asPostgres: false, cancellationToken));
        var server = await Terminal.StepAsync(
            "Replaying what was written since", _ => "Replayed what was written since", progress => ReplayAsync(start, cluster, at, progress, cancellationToken));
        try
        {
            await using var connection = new NpgsqlConnection($"{server.ConnectionString}mnemolite");
            await connection.OpenAsync(cancellationToken);
            var tables = await Terminal.StepAsync("Reading it", _ => null, progress => TableSum.ReadAllAsync(connection, progress, cancellationToken));
            await using var command = new NpgsqlCommand("SELECT pg_last_xact_replay_timestamp()", connection);
            var last = await command.ExecuteScalarAsync(cancellationToken) is DateTime time ? $"of {time:yyyy-MM-dd HH:mm:ss} UTC" : "in the base backup";
            Terminal.Ok($"{tables.Count} tables with {tables.Sum(table => table.Rows):N0} rows can be read; the last change is {last}");
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    private async Task<TemporaryServer> ReplayAsync(
        DirectoryInfo start, string cluster, DateTimeOffset? at, IProgress<string> progress, CancellationToken cancellationToken)
    {
        try
        {
            return await TemporaryServer.RecoverAsync(PostgresBinaries.OfCluster(cluster), cluster, Wal.FullName, at, Hear, cancellationToken);
        }
        catch (CommandException) when (at is not null)
        {
            RequireEverySegment(start); // a gap is the reason where there is one
            throw;
        }

        void Hear(string line)
        {
            if (line.Split('"') is [var before, var segment, " from archive"] && before.EndsWith("restored log file ", StringComparison.Ordinal))
                progress.Report(segment);
        }
    }

    /// <summary>Sees a segment of the server's WAL arrive here.</summary>
    private async Task RequireArchivingAsync(NpgsqlConnection connection, TimeProvider clock, CancellationToken cancellationToken)
    {
        var start = clock.GetTimestamp();
        if (await ReadAsync("SHOW archive_mode") is not "on")
            throw new CommandException($"The database does not archive its WAL. Start it so: ./mnemolite up --archive {folder.FullName}");
        await ReadAsync("SELECT pg_create_restore_point('mnemolite backup')::text"); // so that there is something to archive
        var segment = await ReadAsync("SELECT pg_walfile_name(pg_switch_wal())");
        while (!File.Exists(Path.Combine(Wal.FullName, $"{segment}{Compressed}")))
        {
            if (clock.GetElapsedTime(start) > Patience)
                throw new CommandException($"The database's WAL does not come to {Wal.FullName}: it archives elsewhere, or fails to, which its log tells.");
            await Task.Delay(Pause, clock, cancellationToken);
        }

        async Task<string> ReadAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            return (string)(await command.ExecuteScalarAsync(cancellationToken))!;
        }
    }

    private async Task RequireReadableAsync(CancellationToken cancellationToken)
    {
        try
        {
            await Tool.RunAsync("ls", [Wal.FullName], null, asPostgres: true, cancellationToken);
        }
        catch (CommandException exception)
        {
            throw new CommandException($"The user 'postgres', as whom PostgreSQL runs, cannot read {Wal.FullName}. Let it: chown -R postgres '{Wal.FullName}'", exception);
        }
    }

    /// <summary>The first segment of the WAL that a base backup needs.</summary>
    private static string FirstSegment(DirectoryInfo start)
    {
        var line = File.ReadLines(Path.Combine(start.FullName, "backup_label")).First(); // START WAL LOCATION: 0/4000028 (file 000000010000000000000004)
        return line[(line.LastIndexOf(' ') + 1)..].TrimEnd(')');
    }

    /// <summary>At a gap PostgreSQL would end as at the end of the archive. Names are the timeline, then the segment's number in two parts.</summary>
    private void RequireEverySegment(DirectoryInfo start)
    {
        var own = new DirectoryInfo(Path.Combine(start.FullName, "pg_wal")).GetFiles().Where(file => IsSegment(file.Name)).ToList();
        var (first, perPart) = (FirstSegment(start), 0x1_0000_0000 / own[0].Length);
        var segments = new SortedDictionary<long, string>();
        foreach (var name in Wal.GetFiles($"*{Compressed}").Select(file => file.Name[..^Compressed.Length]).Where(IsSegment).Concat(own.Select(file => file.Name)))
        {
            if (string.CompareOrdinal(name, first) >= 0 && Number(name) >= Number(first))
                segments[Number(name)] = name;
        }
        foreach (var (before, after) in segments.Zip(segments.Skip(1)))
        {
            if (after.Key != before.Key + 1)
            {
                throw new CommandException(
                    $"The archive has a gap: the WAL between {before.Value} and {after.Value} is missing. What was before it is restored with --at.");
            }
        }

        long Number(string name) => (Part(name, 8) * perPart) + Part(name, 16);

        static bool IsSegment(string name) => name.Length == 24 && name.All(char.IsAsciiHexDigitUpper);

        static long Part(string name, int from) => long.Parse(name.AsSpan(from, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }

    private static long Size(string path) => new DirectoryInfo(path).EnumerateFiles("*", SearchOption.AllDirectories).Sum(file => file.Length);
}
