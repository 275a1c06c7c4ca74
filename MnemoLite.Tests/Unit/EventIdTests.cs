using MnemoLite.Api;
using MnemoLite.Api.Events;
using MnemoLite.Client;

namespace MnemoLite.Tests.Unit;

public sealed class EventIdTests
{
    private static readonly DateTimeOffset Moment = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void An_id_is_a_version_7_UUID_of_its_time()
    {
        var id = EventId.New(Moment);
        Assert.Equal(7, id.Version);
        Assert.Equal(Moment.ToUnixTimeMilliseconds(), Convert.ToInt64(id.ToString("N")[..12], 16));
        Assert.Contains(id.ToString()[19], "89ab");
    }

    [Fact]
    public void Ids_sort_by_time_down_to_the_microsecond()
    {
        var ids = Enumerable.Range(0, 5000).Select(i => EventId.New(Moment.AddMicroseconds(i)).ToString()).ToList();
        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
    }

    [Fact]
    public void Ids_of_one_time_differ() =>
        Assert.Equal(1000, Enumerable.Range(0, 1000).Select(_ => EventId.New(Moment)).Distinct().Count());

    [Fact]
    public void The_epoch_has_an_id() => Assert.StartsWith("00000000-0000-7000-", EventId.New(DateTimeOffset.UnixEpoch).ToString(), StringComparison.Ordinal);

    [Fact]
    public void A_cursor_survives_its_text()
    {
        var cursor = new EventCursor(Moment, EventId.New(Moment));
        Assert.True(EventCursor.TryParse(cursor.ToString(), out var parsed));
        Assert.Equal(cursor, parsed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("abc")]
    [InlineData("!!!!")]
    [InlineData("_____________________________________w")]
    public void What_is_no_cursor_is_refused(string text) => Assert.False(EventCursor.TryParse(text, out _));

    [Theory]
    [InlineData("""{"text": " the text ", "other": "no"}""", "the text")]
    [InlineData("""{"a": "one", "b": ["two", {"c": "three"}], "n": 1}""", "one\ntwo\nthree")]
    [InlineData("""{"text": 5, "a": "one"}""", "one")]
    [InlineData("""{"n": 1}""", "")]
    [InlineData("{}", "")]
    public void The_text_of_an_event_is_its_text_or_every_string(string content, string text) =>
        Assert.Equal(text, EventText.Of(JsonText.Parse(content)).ReplaceLineEndings("\n"));
}
