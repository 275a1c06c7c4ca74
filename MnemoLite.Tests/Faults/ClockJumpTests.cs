using Microsoft.Extensions.Logging.Abstractions;
using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Events;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Tests.Faults;

/// <summary>A machine whose time of day is set forward or back.</summary>
public sealed class ClockJumpTests
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    private readonly JumpingClock _clock = new();

    [Fact]
    public void Events_get_ids_that_differ_and_sort_by_the_time_that_was_shown()
    {
        var ids = new List<(DateTimeOffset Time, Guid Id)>();
        for (var i = 0; i < 1000; i++)
        {
            _clock.Set += i % 2 == 0 ? -Day : Day; // the same two moments again and again
            var time = EventService.ReadTimestamp(given: null, _clock);
            ids.Add((time, EventId.New(time)));
        }
        Assert.Equal(ids.Count, ids.Select(one => one.Id).Distinct().Count());
        Assert.Equal(ids.OrderBy(one => one.Time).Select(one => one.Time), ids.OrderBy(one => one.Id.ToString(), StringComparer.Ordinal).Select(one => one.Time));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task The_age_of_a_last_known_answer_is_right_whatever_time_it_is_said_to_be(int days)
    {
        await using var database = NpgsqlDataSource.Create("Host=localhost"); // never opened
        using var circuit = new DatabaseCircuit(_clock);
        using var feed = new ChangeFeed(database, circuit, _clock, NullLogger<ChangeFeed>.Instance);
        using var last = new LastAnswers<EventBasis>(10, TimeSpan.FromMinutes(10), new RecentWrites(feed, new WriteHorizon(), circuit), _clock);
        last.Keep("key", new([1], new Snapshot(10, 10, []), new EventBasis(Spaces.Default, Guid.NewGuid())), age: TimeSpan.Zero);

        _clock.Passed += TimeSpan.FromMinutes(4);
        _clock.Set += days * Day;
        Assert.Equal(TimeSpan.FromMinutes(4), last.Find("key")?.Age);
        _clock.Passed += TimeSpan.FromMinutes(7);
        Assert.Null(last.Find("key"));
    }

    private sealed class JumpingClock : TimeProvider
    {
        private static readonly DateTimeOffset Start = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

        public TimeSpan Passed { get; set; }

        /// <summary>How far the time of day was set forward.</summary>
        public TimeSpan Set { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override DateTimeOffset GetUtcNow() => Start + Passed + Set;

        public override long GetTimestamp() => Passed.Ticks;
    }
}
