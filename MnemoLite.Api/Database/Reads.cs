using MnemoLite.Api.Security;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>
/// Runs what only reads, in a space: on a standby, where the connection string names several hosts and one of them is a standby that has replayed every
/// write known here; otherwise, or where the standby fails, on the primary.
/// </summary>
internal sealed class Reads(
    NpgsqlDataSource primary, [FromKeyedServices(DatabaseServices.ConnectionName)] NpgsqlDataSource hosts, WriteHorizon horizon, DatabaseCircuit circuit,
    TimeProvider clock, ILogger<Reads> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1), Patience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromMilliseconds(4), LongestPause = TimeSpan.FromMilliseconds(250);

    private readonly NpgsqlMultiHostDataSource? _hosts = hosts as NpgsqlMultiHostDataSource;
    private readonly NpgsqlDataSource _standby =
        (hosts as NpgsqlMultiHostDataSource)?.WithTargetSession(TargetSessionAttributes.PreferStandby) ?? primary;
    private volatile Answer? _answer;

    /// <summary>How the standby is: <c>ok</c>, <c>behind</c>, or <c>error</c> where none answers; null where there is none to be.</summary>
    public string? Standby => _hosts is null ? null : _answer is null ? "error" : IsUpToDate ? "ok" : "behind";

    private bool IsUpToDate => _answer is { } answer && answer.Xmin > horizon.Last;

    /// <summary>Executes a command, which has no connection yet, and reads what it returns; once more on the primary if a standby fails.</summary>
    public Task<T> RunAsync<T>(Space space, NpgsqlCommand command, Func<Task<T>> read, CancellationToken cancellationToken) =>
        RunAsync(
            space,
            connection =>
            {
                command.Connection = connection;
                return read();
            },
            cancellationToken);

    /// <summary>Reads by a connection; once more on the primary if a standby fails.</summary>
    public async Task<T> RunAsync<T>(Space space, Func<NpgsqlConnection, Task<T>> read, CancellationToken cancellationToken)
    {
        if (IsUpToDate)
        {
            try
            {
                await using var connection = await _standby.OpenConnectionAsync(space, cancellationToken);
                if (_answer?.IsOf(connection) == true) // not of another standby, nor of the primary for want of this one
                    return await read(connection);
            }
            catch (NpgsqlException exception) when (exception.IsTransient) // away, or the statement stood in the way of what is to be replayed
            {
                SetAnswer(null, exception.Message);
            }
        }
        return await circuit.ReadAsync(async () =>
        {
            await using var own = await primary.OpenConnectionAsync(space, cancellationToken);
            return await read(own);
        });
    }

    /// <summary>From now on nothing is read that is older than what the primary has.</summary>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        if (_hosts is null)
            return;
        var (xmax, _) = await AskAsync(primary, "SELECT pg_snapshot_xmax(pg_current_snapshot())", cancellationToken);
        horizon.Note(xmax - 1);
    }

    /// <summary>Asks the standby what it has replayed: while it is behind again and again, otherwise when there is something new.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_hosts is null)
            return;
        var standby = _hosts.WithTargetSession(TargetSessionAttributes.Standby);
        var pause = ShortestPause;
        for (long? asked = null; ;)
        {
            if (asked is null || clock.GetElapsedTime(asked.Value) >= Interval)
            {
                asked = clock.GetTimestamp();
                await FollowPrimaryAsync(stoppingToken);
            }
            await AskStandbyAsync(standby, stoppingToken);
            if (_answer is null)
            {
                await Task.Delay(Interval, clock, stoppingToken);
            }
            else if (IsUpToDate)
            {
                pause = ShortestPause;
                await horizon.WaitAsync(Interval, clock, stoppingToken);
            }
            else
            {
                await Task.Delay(pause, clock, stoppingToken);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    /// <summary>Every second, so that what nobody noted here is not missing for longer; and so that a new primary is found.</summary>
    private async Task FollowPrimaryAsync(CancellationToken cancellationToken)
    {
        try
        {
            await CatchUpAsync(cancellationToken);
        }
        catch (Exception exception) when (IsAway(exception, cancellationToken))
        {
            _hosts!.ClearDatabaseStates(); // Npgsql asks the hosts again which of them is the primary
        }
    }

    private async Task AskStandbyAsync(NpgsqlDataSource standby, CancellationToken cancellationToken)
    {
        try
        {
            var (xmin, host) = await AskAsync(standby, "SELECT pg_snapshot_xmin(pg_current_snapshot())", cancellationToken);
            SetAnswer(host with { Xmin = xmin }, null);
        }
        catch (Exception exception) when (IsAway(exception, cancellationToken))
        {
            SetAnswer(null, exception.Message);
        }
    }

    private async Task<(ulong Xid, Answer Host)> AskAsync(NpgsqlDataSource source, string sql, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(Patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, patience.Token);
        await using var connection = await source.OpenConnectionAsync(either.Token);
        await using var command = new NpgsqlCommand(sql, connection);
        return ((ulong)(await command.ExecuteScalarAsync(either.Token))!, new(connection.Host, connection.Port, 0));
    }

    private static bool IsAway(Exception exception, CancellationToken cancellationToken) =>
        exception is NpgsqlException or OperationCanceledException && !cancellationToken.IsCancellationRequested;

    private void SetAnswer(Answer? answer, string? failure)
    {
        var former = Interlocked.Exchange(ref _answer, answer);
        if (former is null && answer is not null)
            Log.StandbyAnswers(log, answer.Host, answer.Port);
        else if (former is not null && answer is null)
            Log.StandbyAway(log, failure!);
    }

    /// <summary>All transactions below <paramref name="Xmin"/> are visible on that standby.</summary>
    private sealed record Answer(string? Host, int Port, ulong Xmin)
    {
        public bool IsOf(NpgsqlConnection connection) => Host == connection.Host && Port == connection.Port;
    }
}
