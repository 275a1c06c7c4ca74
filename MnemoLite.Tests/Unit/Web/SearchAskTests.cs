using System.Text.Json;
using System.Web;
using CsCheck;
using MnemoLite.Client;
using MnemoLite.Web.Components.Events;

namespace MnemoLite.Tests.Unit.Web;

public sealed class SearchAskTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 30, 12, 34, 56, TimeSpan.Zero);

    [Fact]
    public void What_is_asked_comes_back_from_its_address()
    {
        var filter =
            from key in Gen.String[Gen.Char["ab:\\. &=%é\"1"], 1, 6]
            from value in Gen.OneOf(
                Gen.String[Gen.Char["ab:\\ &=%é\"1"], 0, 6].Select(text => JsonSerializer.SerializeToElement(text)),
                Gen.Int.Select(number => JsonSerializer.SerializeToElement(number)), Gen.Bool.Select(flag => JsonSerializer.SerializeToElement(flag)))
            select MetadataFilter.For(key, value)!;
        var ask =
            from query in Gen.String[Gen.Char["ab&=+%é \"-"], 0, 12]
            from mode in Gen.Enum<SearchMode>()
            from filters in filter.List[0, 3]
            from range in Gen.Int[0, 3].Select(place => new string?[] { null, "24h", "7d", "30d" }[place])
            from page in Gen.Int[1, 50]
            select new SearchAsk { Query = query.Trim(), Mode = mode, Filters = [.. filters.Distinct()], Range = range, Page = page };
        ask.Sample(asked =>
        {
            var read = Parse(asked.ToString());
            Assert.Equal(asked.ToString(), read.ToString());
            Assert.Equal(asked.Filters, read.Filters);
            Assert.Equal((asked.Query, asked.Mode, asked.Range, asked.Page), (read.Query, read.Mode, read.Range, read.Page));
        });
    }

    [Theory]
    [InlineData("project:website", "project", "\"website\"", "website")]
    [InlineData("attempts:3", "attempts", "3", "3")]
    [InlineData("attempts:\"3\"", "attempts", "\"3\"", "3")]
    [InlineData("draft:true", "draft", "true", "true")]
    [InlineData(@"a\:b:c:d", "a:b", "\"c:d\"", "c:d")]
    [InlineData("note:{broken", "note", "\"{broken\"", "{broken")]
    public void A_filter_is_a_key_and_a_value_as_JSON(string text, string key, string value, string shown)
    {
        var filter = MetadataFilter.Parse(text)!;
        Assert.Equal((key, value, shown, text), (filter.Key, filter.Value, filter.Text, filter.ToString()));
    }

    [Theory]
    [InlineData("/search?mode=telepathy&f=nokey&f=:v&f=$or:1&range=9d&from=yesterday&page=-3")]
    [InlineData("/search?page=0&mode=7&to=2026-02-30")]
    public void What_cannot_be_read_is_passed_over(string address) => Assert.Equal(SearchAsk.Path, Parse(address).ToString());

    [Fact]
    public void Values_of_one_key_are_alternatives_and_keys_must_all_match()
    {
        var filter = Parse("/search?f=a.b:1&f=a.b:2&f=type:code").ToRequest(20, Now, TimeZoneInfo.Utc).Filter;
        Assert.Equal(
            """{"$and":[{"$or":[{"a\\.b":{"$contains":1}},{"a\\.b":{"$contains":2}}]},{"$or":[{"type":{"$contains":"code"}}]}]}""", filter!.Value.ToString());
    }

    [Fact]
    public void A_day_is_the_reader_s_and_has_as_many_hours_as_it_has_there()
    {
        var berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        var (from, to) = Parse("/search?from=2026-03-29&to=2026-03-29").Window(Now, berlin); // the day of 23 hours
        Assert.Equal(new DateTimeOffset(2026, 3, 28, 23, 0, 0, TimeSpan.Zero), from);
        Assert.Equal(new DateTimeOffset(2026, 3, 29, 22, 0, 0, TimeSpan.Zero).AddMicroseconds(-1), to);
        var (instant, open) = Parse("/search?from=2026-03-29T10%3A00%3A00Z").Window(Now, berlin);
        Assert.Equal((new DateTimeOffset(2026, 3, 29, 10, 0, 0, TimeSpan.Zero), null), (instant, open));
    }

    [Fact]
    public void A_range_ends_now_and_begins_at_a_whole_minute() =>
        Assert.Equal((new DateTimeOffset(2026, 3, 29, 12, 34, 0, TimeSpan.Zero), null), Parse("/search?range=24h").Window(Now, TimeZoneInfo.Utc));

    private static SearchAsk Parse(string address)
    {
        var parts = HttpUtility.ParseQueryString(address.Contains('?') ? address[address.IndexOf('?')..] : "");
        return SearchAsk.Parse(parts["q"], parts["mode"], parts.GetValues("f"), parts["range"], parts["from"], parts["to"], parts["page"]);
    }
}
