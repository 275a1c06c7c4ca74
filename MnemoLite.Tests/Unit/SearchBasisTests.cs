using System.Text.Json;
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
    [InlineData(0.05, WriteEffect.Known)] // it is the first of the page
    [InlineData(0.55, WriteEffect.None)] // it comes into the list, behind the page
    [InlineData(0.95, WriteEffect.None)] // it is too far for the list
    [InlineData(0.600001, WriteEffect.Unknown)] // as far as another: which is first is not known here
    [InlineData(0.899999, WriteEffect.Unknown)] // the same at the end of what is known
    internal void A_new_event_is_taken_in_as_long_as_its_place_is_certain(double distance, WriteEffect effect)
    {
        var basis = Basis(new(Nearest(9, capacity: 5), null), limit: 3);
        Assert.Equal(effect, basis.TakeIn(Created(At(distance), "anything")));
    }

    [Fact]
    public void What_was_taken_in_counts_for_what_comes_after()
    {
        var basis = Basis(new(Nearest(4, capacity: 5), null), limit: 2);
        var third = Created(At(0.25), "one more: the total is another");
        Assert.Equal(WriteEffect.Known, basis.TakeIn(third));
        Assert.Equal(Events[..2], basis.Lists.Page);
        Assert.Equal(5, basis.Lists.Total);

        Assert.Equal(WriteEffect.None, basis.TakeIn(Created(At(0.35), "the fifth does not count any more")));
        Assert.Equal(WriteEffect.None, basis.TakeIn(Deleted(third)));
        Assert.Equal(WriteEffect.Known, basis.TakeIn(Created(At(0.15), "the second of the page goes")));
        Assert.Equal(5, basis.Lists.Total);
        Assert.Equal(Events[0], basis.Lists.Page[0]);
        Assert.DoesNotContain(Events[1], basis.Lists.Page);
    }

    [Fact]
    public void Those_behind_one_that_is_deleted_move_up_as_long_as_they_are_known()
    {
        var basis = Basis(new(Nearest(9, capacity: 5), null), limit: 3);
        foreach (var place in new[] { 0, 1, 2, 8 }) // which leaves the five that count
            Assert.Equal(place == 8 ? WriteEffect.None : WriteEffect.Known, basis.TakeIn(Deleted(Events[place])));
        Assert.Equal(Events[3..6], basis.Lists.Page);
        Assert.Equal(5, basis.Lists.Total);
        Assert.Equal(WriteEffect.None, basis.TakeIn(Deleted(Guid.NewGuid())));
        Assert.Equal(WriteEffect.Unknown, basis.TakeIn(Deleted(Events[7])));
    }

    [Fact]
    public void What_is_known_about_an_event_of_the_page_is_read_anew_as_long_as_it_passes()
    {
        var basis = Basis(new(Nearest(9, capacity: 5), null), limit: 3, """{"team":"blue"}""");
        Assert.Equal(WriteEffect.Known, basis.TakeIn(Patched(Events[2], """{"team":"blue"}""", """{"team":"blue","done":true}""")));
        Assert.Equal(WriteEffect.None, basis.TakeIn(Patched(Events[3], """{"team":"blue"}""", """{"team":"blue","done":true}""")));
        Assert.Equal(WriteEffect.Unknown, basis.TakeIn(Patched(Events[3], """{"team":"blue"}""", """{"team":"red"}""")));
    }

    [Theory]
    [InlineData("tea", WriteEffect.None)] // one of the two words: behind those that match the rarer one
    [InlineData("coffee", WriteEffect.Known)] // the rarer one, and shorter than the others
    [InlineData("coffee tea", WriteEffect.Unknown)] // all words: then only those that match all are listed
    [InlineData("milk", WriteEffect.None)]
    internal void A_new_event_counts_by_its_words(string lexemes, WriteEffect effect)
    {
        SearchTerm[] terms = [new(["coffee"], 3_000_000, true, false, 100, 100), new(["tea"], 1_000_000, true, false, 100, 100)];
        var matching = MatchingList.Of(Events[..4], [3_000_000, 3_000_000, 3_000_000, 1_000_000], [1, 1, 1, 1], [5, 6, 7, 5], 4, terms, Read);
        var basis = Basis(new(null, matching), limit: 3);
        Assert.Equal(effect, basis.TakeIn(Created(null, [.. lexemes.Split(' '), .. Enumerable.Range(0, lexemes == "tea" ? 8 : 0).Select(i => $"word{i}")])));
    }

    [Fact]
    public void Where_all_words_are_matched_only_another_that_matches_all_comes_in()
    {
        SearchTerm[] terms = [new(["coffee"], 3_000_000, true, false, 100, 100), new(["tea"], 1_000_000, true, false, 100, 100)];
        var matching = MatchingList.Of(Events[..2], [4_000_000, 4_000_000], [2, 2], [5, 6], 4, terms, Read) with { OfAll = true };
        var basis = Basis(new(null, matching), limit: 3);
        Assert.Equal(WriteEffect.None, basis.TakeIn(Created(null, "coffee")));
        var shorter = Created(null, "coffee", "tea");
        Assert.Equal(WriteEffect.Known, basis.TakeIn(shorter));
        Assert.Equal([shorter.Ids[0], Events[0], Events[1]], basis.Lists.Page);
        Assert.Equal(WriteEffect.Known, basis.TakeIn(Deleted(shorter)));
        Assert.Equal(WriteEffect.Known, basis.TakeIn(Deleted(Events[0], "coffee", "tea")));
        Assert.Equal(WriteEffect.Unknown, basis.TakeIn(Deleted(Events[1], "coffee", "tea"))); // then those that match one are listed
    }

    [Fact]
    public void A_word_that_becomes_common_weighs_less_so_the_search_is_made_again()
    {
        SearchTerm[] terms = [new(["coffee"], 3_000_000, true, false, 100, 100), new(["tea"], 1_000_000, true, false, Rise: 1, Fall: 100)];
        var matching = MatchingList.Of(Events[..6], [.. Enumerable.Repeat(3_000_000L, 6)], [1, 1, 1, 1, 1, 1], [5, 5, 5, 5, 5, 5], 2, terms, Read);
        var basis = Basis(new(null, matching), limit: 2);
        Assert.Equal(WriteEffect.None, basis.TakeIn(Created(null, "tea", "cup")));
        Assert.Equal(WriteEffect.Unknown, basis.TakeIn(Created(null, "tea", "pot")));
    }

    [Fact]
    public void A_word_that_becomes_rare_weighs_more()
    {
        SearchTerm[] terms = [new(["coffee"], 3_000_000, true, false, 100, Fall: 1), new(["tea"], 1_000_000, true, false, 100, Fall: 0)];
        var matching = MatchingList.Of(Events[..3], [3_000_000, 3_000_000, 3_000_000], [1, 1, 1], [5, 6, 7], 4, terms, Read);
        var basis = Basis(new(null, matching), limit: 2);
        Assert.Equal(WriteEffect.None, basis.TakeIn(Deleted(Guid.NewGuid(), "coffee"))); // all that match are listed: it was not one of them
        Assert.Equal(WriteEffect.Known, basis.TakeIn(Deleted(Events[2], "coffee")));
        Assert.Equal(WriteEffect.Unknown, basis.TakeIn(Deleted(Events[1], "coffee")));

        matching = MatchingList.Of(Events, [.. Enumerable.Repeat(3_000_000L, 9)], [.. Enumerable.Repeat(1, 9)], [.. Enumerable.Range(5, 9)], 5, terms, Read);
        basis = Basis(new(null, matching), limit: 2);
        Assert.Equal(WriteEffect.None, basis.TakeIn(Deleted(Guid.NewGuid(), "milk")));
        Assert.Equal(WriteEffect.Unknown, basis.TakeIn(Deleted(Guid.NewGuid(), "tea")));
    }

    [Theory]
    [InlineData("flat white", WriteEffect.None)] // even if they follow each other it is behind all that are listed
    [InlineData("coffee flat", WriteEffect.None)] // longer than the others that match the rarest word
    [InlineData("coffee flat white", WriteEffect.Unknown)] // before them if they follow each other
    [InlineData("coffee flat white tea", WriteEffect.Unknown)] // all words if they do
    internal void A_new_event_that_has_the_lexemes_of_a_phrase_may_have_it(string lexemes, WriteEffect effect)
    {
        SearchTerm[] terms = [
            new(["coffee"], 3_000_000, true, false, 100, 100), new(["flat", "white"], 2_000_000, true, true, 100, 100),
            new(["tea"], 1_000_000, true, false, 100, 100)];
        var matching = MatchingList.Of(Events, [.. Enumerable.Repeat(3_000_000L, 9)], [.. Enumerable.Repeat(1, 9)], [.. Enumerable.Repeat(2, 9)], 5, terms, Read);
        var basis = Basis(new(null, matching), limit: 3);
        Assert.Equal(effect, basis.TakeIn(Created(null, [.. lexemes.Split(' '), "longer"])));
    }

    private static NearestList Nearest(int count, int capacity) =>
        NearestList.Of(Events[..count], [.. Enumerable.Range(1, count).Select(i => i / 10.0)], capacity, Read);

    private static SearchBasis Basis(SearchLists lists, int limit, string? metadata = null)
    {
        var request = new SearchRequest { Limit = limit, Metadata = metadata is null ? null : JsonText.Parse(metadata) };
        return new(Spaces.Default, request, lists.Nearest is null ? null : [1, 0], lists.AtPage(request));
    }

    private static Write Created(float[]? embedding, params string[] lexemes) =>
        new(Spaces.Default, 11, ChangeKind.Created, [Guid.NewGuid()]) { After = new(default, default, embedding, lexemes.ToHashSet()) };

    private static Write Deleted(Write created) => Deleted(created.Ids[0], [.. created.After!.Words!]);

    private static Write Deleted(Guid id, params string[] lexemes) =>
        new(Spaces.Default, 12, ChangeKind.Deleted, [id]) { Before = new(default, default, null, lexemes.ToHashSet()) };

    private static Write Patched(Guid id, string before, string after) => new(Spaces.Default, 13, ChangeKind.Updated, [id])
    {
        MetadataOnly = true,
        Before = new(default, JsonElement.Parse(before), null, null),
        After = new(default, JsonElement.Parse(after), At(0.3), new HashSet<string>()),
    };

    /// <summary>A vector so far from the query's.</summary>
    private static float[] At(double distance) => [(float)(1 - distance), (float)Math.Sqrt(1 - Math.Pow(1 - distance, 2))];
}
