using MnemoLite.Api.Caching;
using MnemoLite.Api.Database;
using MnemoLite.Api.Search;
using MnemoLite.Client;

namespace MnemoLite.Tests.Unit;

/// <summary>What a write does to a cached search.</summary>
public sealed class SearchBasisTests
{
    private static readonly Snapshot Read = new(10, 10, []);
    private static readonly Guid[] Events = [.. Enumerable.Range(0, 9).Select(i => new Guid(i + 1, 0, 0, new byte[8]))];

    [Theory]
    [InlineData(0.05, false)] // it is the first of the page
    [InlineData(0.55, true)] // it comes into the list, behind the page
    [InlineData(0.95, true)] // it is too far for the list
    [InlineData(0.600001, false)] // as far as another: which is first is not known here
    [InlineData(0.901, false)] // about the end of the list
    public void A_new_event_is_taken_in_as_long_as_the_page_stays(double distance, bool isRight)
    {
        var nearest = NearestList.Of(Events, [.. Enumerable.Range(1, Events.Length).Select(i => i / 10.0)], Events.Length, Read);
        var basis = Basis(new(nearest, null), limit: 3, Events.Length);
        Assert.Equal(isRight, basis.TakeIn(Created(At(distance), "anything")));
    }

    [Fact]
    public void What_was_taken_in_counts_for_what_comes_after()
    {
        var basis = Basis(new(NearestList.Of(Events[..4], [0.1, 0.2, 0.3, 0.4], 5, Read), null), limit: 2, total: 4);
        Assert.False(basis.TakeIn(Created(At(0.35), "one more: the total is another")));

        basis = Basis(new(NearestList.Of(Events[..5], [0.1, 0.2, 0.3, 0.4, 0.5], 5, Read), null), limit: 2, total: 5);
        var second = Created(At(0.35), "the fifth goes");
        Assert.True(basis.TakeIn(second));
        Assert.True(basis.TakeIn(Created(At(0.45), "now too far")));
        Assert.False(basis.TakeIn(new(Spaces.Default, 12, ChangeKind.Deleted, second.Ids) { Before = second.After })); // then another would come in
    }

    [Theory]
    [InlineData("tea", true)] // one of the two words: behind those that match the rarer one
    [InlineData("coffee", false)] // the rarer one, and shorter than the others
    [InlineData("coffee tea", false)] // all words: then only those that match all are listed
    [InlineData("milk", true)]
    public void A_new_event_counts_by_its_words(string lexemes, bool isRight)
    {
        SearchTerm[] terms = [new(["coffee"], 3_000_000, true, false, 100), new(["tea"], 1_000_000, true, false, 100)];
        var matching = MatchingList.Of(Events[..4], [3_000_000, 3_000_000, 3_000_000, 1_000_000], [1, 1, 1, 1], [5, 6, 7, 5], null, 4, terms, Read);
        var basis = Basis(new(null, matching), limit: 3, total: 4);
        Assert.Equal(isRight, basis.TakeIn(Created(null, [.. lexemes.Split(' '), .. Enumerable.Range(0, lexemes == "tea" ? 8 : 0).Select(i => $"word{i}")])));
    }

    [Fact]
    public void A_word_that_becomes_common_weighs_less_so_the_search_is_made_again()
    {
        SearchTerm[] terms = [new(["coffee"], 3_000_000, true, false, 100), new(["tea"], 1_000_000, true, false, Rise: 1)];
        var matching = MatchingList.Of(Events[..2], [3_000_000, 3_000_000], [1, 1], [5, 6], null, 2, terms, Read);
        var basis = Basis(new(null, matching), limit: 2, total: 2);
        Assert.True(basis.TakeIn(Created(null, "tea", "cup")));
        Assert.False(basis.TakeIn(Created(null, "tea", "pot")));
    }

    private static SearchBasis Basis(SearchLists lists, int limit, int total) =>
        new(
            Spaces.Default, new SearchRequest { Limit = limit }, lists.Nearest is null ? null : [1, 0],
            lists with { Page = [.. lists.Rank(null).Take(limit).Select(found => found.Id)], Total = total });

    private static Write Created(float[]? embedding, params string[] lexemes) =>
        new(Spaces.Default, 11, ChangeKind.Created, [Guid.NewGuid()]) { After = new(default, default, embedding, lexemes) };

    /// <summary>A vector so far from the query's.</summary>
    private static float[] At(double distance) => [(float)(1 - distance), (float)Math.Sqrt(1 - Math.Pow(1 - distance, 2))];
}
