using MnemoLite.Client;
using MnemoLite.Web.Components.Operations;

namespace MnemoLite.Tests.Unit.Operations;

public sealed class AlertTests
{
    private static readonly CacheStats Unused = new(0, 0, "", 0, 60, 500, 0, 0);

    [Theory]
    [InlineData(69, 31, AlertState.Exceeded)]
    [InlineData(70, 30, AlertState.Good)]
    [InlineData(0, 20, AlertState.Exceeded)]
    [InlineData(0, 19, AlertState.Unknown)]
    public void A_cache_answers_seven_of_ten_lookups_or_more(long hits, long misses, AlertState expected) =>
        Assert.Equal(expected, Watch(search: Unused with { Hits = hits, Misses = misses })[0].State);

    [Fact]
    public void The_cache_that_answers_least_is_named()
    {
        var alert = Watch(@event: Unused with { Hits = 90, Misses = 10 }, search: Unused with { Hits = 40, Misses = 60 })[0];
        Assert.Equal("40 % (searches)", alert.Value);
        Assert.Equal("at least 70 %", alert.Limit);
    }

    [Theory]
    [InlineData(100, 200, AlertState.Good)]
    [InlineData(100, 200.1, AlertState.Exceeded)]
    [InlineData(20, 3000, AlertState.Exceeded)]
    [InlineData(19, 3000, AlertState.Unknown)]
    public void Nineteen_of_twenty_requests_take_200_milliseconds_at_most(long requests, double p95, AlertState expected) =>
        Assert.Equal(expected, Watch(new(300, requests, 1, 0, 0, 0) { P95Ms = p95 })[1].State);

    [Theory]
    [InlineData(1000, 10, AlertState.Good)]
    [InlineData(1000, 11, AlertState.Exceeded)]
    [InlineData(19, 19, AlertState.Unknown)]
    public void One_request_of_a_hundred_may_fail(long requests, long errors, AlertState expected) =>
        Assert.Equal(expected, Watch(new(300, requests, 1, errors, 0, 0) { P95Ms = 5 })[2].State);

    [Theory]
    [InlineData(27, AlertState.Good)]
    [InlineData(28, AlertState.Exceeded)]
    public void Nine_of_ten_connections_may_be_busy(int busy, AlertState expected) =>
        Assert.Equal(expected, Watch(pool: new(20, 30, 30, busy, 30 - busy, 0, 0))[3].State);

    [Fact]
    public void Where_little_happened_nothing_is_concluded()
    {
        var alerts = Watch();
        Assert.All(alerts.Take(3), alert => Assert.Equal(("not enough traffic yet", AlertState.Unknown), (alert.Value, alert.State)));
        Assert.Equal(("2 of 30", AlertState.Good), (alerts[3].Value, alerts[3].State));
    }

    private static IReadOnlyList<Alert> Watch(
        RequestStatistics? window = null, CacheStats? @event = null, CacheStats? search = null, PoolState? pool = null) =>
        Alert.Watch(window ?? new(300, 0, 0, 0, 0, 0), new(@event ?? Unused, search ?? Unused, Unused), pool ?? new(20, 30, 20, 2, 18, 0, 0));
}
