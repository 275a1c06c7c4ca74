using Microsoft.Extensions.Time.Testing;
using MnemoLite.Cli;
using MnemoLite.Cli.Backups;

namespace MnemoLite.Tests.Cli;

/// <summary>Backups are made when they are due, whatever happened to the ones before.</summary>
public sealed class BackupScheduleTests
{
    private static readonly DateTimeOffset Noon = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private readonly Clock _clock = new(Noon);
    private readonly List<DateTimeOffset> _made = [];

    [Fact]
    public Task The_first_is_made_at_once_and_the_next_when_it_is_due() =>
        AssertMadeAsync(null, [], after: TimeSpan.FromHours(2), [Noon, Noon.AddHours(1), Noon.AddHours(2)]);

    [Fact]
    public Task After_a_restart_the_last_one_counts() =>
        AssertMadeAsync(Noon.AddMinutes(-20), [], after: TimeSpan.FromHours(1), [Noon.AddMinutes(40)]);

    [Fact]
    public Task One_that_was_due_while_nothing_ran_is_made_up_for() =>
        AssertMadeAsync(Noon.AddDays(-3), [], after: TimeSpan.FromHours(1), [Noon, Noon.AddHours(1)]);

    [Fact]
    public Task One_that_failed_is_tried_again_soon() =>
        AssertMadeAsync(null, [Noon, Noon.AddMinutes(5)], after: TimeSpan.FromHours(1.5), [Noon.AddMinutes(10), Noon.AddMinutes(70)]);

    /// <summary>Lets the schedule of every hour run for a time; the backups at <paramref name="failing"/> fail.</summary>
    private async Task AssertMadeAsync(DateTimeOffset? last, DateTimeOffset[] failing, TimeSpan after, DateTimeOffset[] expected)
    {
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var running = new BackupSchedule(TimeSpan.FromHours(1), _clock).RunAsync(last, BackUpAsync, end.Token);
        for (; _clock.Start + after > _clock.GetUtcNow(); _clock.Advance(TimeSpan.FromMinutes(1)))
            await _clock.Waiting.WaitAsync(end.Token);
        await _clock.Waiting.WaitAsync(end.Token);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(expected, _made);

        Task BackUpAsync(CancellationToken cancellationToken)
        {
            if (failing.Contains(_clock.GetUtcNow()))
                throw new CommandException("The disk is full.");
            _made.Add(_clock.GetUtcNow());
            return Task.CompletedTask;
        }
    }

    /// <summary>A clock that tells when it is waited for.</summary>
    private sealed class Clock(DateTimeOffset start) : FakeTimeProvider(start)
    {
        public SemaphoreSlim Waiting { get; } = new(0);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            var timer = base.CreateTimer(callback, state, dueTime, period);
            Waiting.Release();
            return timer;
        }
    }
}
