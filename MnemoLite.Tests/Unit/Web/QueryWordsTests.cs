using MnemoLite.Web.Components.Events;

namespace MnemoLite.Tests.Unit.Web;

public sealed class QueryWordsTests
{
    [Theory]
    [InlineData("crash", "The server crashed, and CRASHES again", "The server [crashed], and [CRASHES] again")]
    [InlineData("retries payments", "It retried one payment; retry it", "It [retried] one [payment]; [retry] it")]
    [InlineData("preferring", "Anna prefers tabs, and preferred them", "Anna [prefers] tabs, and [preferred] them")]
    [InlineData("order service", "OrderService.cs", "[Order][Service].cs")]
    [InlineData("orderservice HTTPServer", "OrderService.cs is an HttpServer behind HTTP", "[OrderService].cs is an [HttpServer] behind [HTTP]")]
    [InlineData("c2", "ab12c2e2 or c2", "ab12c2e2 or [c2]")]
    [InlineData("what is the disk", "The disk is what it is", "The [disk] is what it is")]
    [InlineData("\"small room\" OR kitchen -tuesday", "Tuesday in the small room", "Tuesday in the [small] [room]")]
    [InlineData("art", "The start of the party", "The start of the party")]
    [InlineData("café", "Das Café", "Das [Café]")]
    [InlineData("東京", "会議は東京で", "会議は[東][京]で")]
    [InlineData("v2 404", "v2 gave 404, not 4040", "[v2] gave [404], not 4040")]
    [InlineData("", "nothing", "nothing")]
    public void Words_are_marked_in_any_of_their_forms(string query, string text, string marked) =>
        Assert.Equal(marked, string.Concat(new QueryWords(query).Split(text).Select(piece => piece.IsMarked ? $"[{piece.Text}]" : piece.Text)));

    [Fact]
    public void An_excerpt_begins_where_the_first_word_of_the_query_can_be_seen()
    {
        var filler = string.Concat(Enumerable.Repeat("the sea was calm ", 100));
        var excerpt = new QueryWords("password").Excerpt($"{filler}and the password is {filler}", 300);
        Assert.StartsWith("…", excerpt, StringComparison.Ordinal);
        Assert.EndsWith("…", excerpt, StringComparison.Ordinal);
        Assert.InRange(excerpt.IndexOf("password", StringComparison.Ordinal), 1, 200);
        Assert.StartsWith("the sea", new QueryWords("mountain").Excerpt(filler, 300), StringComparison.Ordinal);
        Assert.Equal("short", new QueryWords("short").Excerpt("short", 300));
    }
}
