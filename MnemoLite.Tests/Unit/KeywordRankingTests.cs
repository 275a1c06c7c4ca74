using MnemoLite.Api.Database;
using MnemoLite.Api.Search;

namespace MnemoLite.Tests.Unit;

/// <summary>How the words of a query find events and weigh.</summary>
public sealed class KeywordRankingTests
{
    private static readonly Snapshot Read = Snapshot.Parse("1:1:");
    private static readonly Guid[] Events = [.. Enumerable.Range(1, 9).Select(i => new Guid(i, 0, 0, new byte[8]))];

    [Fact]
    public void The_rarest_words_find_up_to_about_500_events_and_the_others_only_weigh()
    {
        var ranking = Ranking(50_000, ("the", 0.2f), ("larder", 0.004f), ("harbour", 0.007f), ("quay", 0.0f));
        Assert.Equal("'larder' | 'quay'", ranking.Telling);
        Assert.Equal(200, ranking.Events, 1e-3);
        Assert.Equal(["'the'", "'larder'", "'harbour'", "'quay'"], ranking.Terms);
    }

    [Fact]
    public void Where_all_words_are_common_the_rarest_finds()
    {
        var ranking = Ranking(50_000, ("for", 0.3f), ("people", 0.2f));
        Assert.Equal("'people'", ranking.Telling);
        Assert.Equal(10_000, ranking.Events, 1);
    }

    [Fact]
    public void What_says_nothing_finds_nothing()
    {
        var ranking = new KeywordRanking([new([], [], IsKnown: true)], SpaceStatistics.All);
        Assert.Null(ranking.Telling);
        var matching = ranking.Rank([], hasOperators: false, 5, Read);
        Assert.Empty(matching.Ids);
        Assert.Empty(matching.Terms);
    }

    [Fact]
    public void An_event_weighs_what_its_words_do_by_their_rarity()
    {
        var ranking = Ranking(1000, ("coffee", 0), ("tea", 0));
        var matching = ranking.Rank([new(0b01, 1, [Events[0]], [7]), new(0b10, 5, [.. Events[1..6]], [5, 5, 6, 6, 9])], hasOperators: false, 3, Read);
        var (coffee, tea) = (Weight(1), Weight(4)); // of five, four
        Assert.Equal([coffee, tea], matching.Terms.Select(term => term.Idf));
        Assert.Equal([(0, 0), (2, 1)], matching.Terms.Select(term => (term.Rise, term.Fall)));
        Assert.Equal([Events[0], Events[1], Events[2], Events[3], Events[4], Events[5]], matching.Ids.OrderBy(id => id));
        Assert.Equal([coffee, tea, tea, tea, tea, tea], matching.Sums);
        Assert.Equal([Events[0], Events[2], Events[1]], matching.Ids[..3]); // of equals the shorter, then the newer
        Assert.Equal(coffee / (double)(coffee + tea), matching.ScoreOf(0));

        static int Weight(int events) => (int)Math.Round(1e6 * Math.Log(1 + (1000.0 / events)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Where_events_match_all_words_only_these_are_found_unless_the_query_says_more(bool hasOperators)
    {
        var ranking = Ranking(1000, ("coffee", 0), ("tea", 0));
        var matching = ranking.Rank([new(0b01, 1, [Events[0]], [7]), new(0b11, 1, [Events[1]], [5])], hasOperators, 3, Read);
        Assert.Equal(hasOperators ? [Events[1], Events[0]] : [Events[1]], matching.Ids);
        Assert.Equal(!hasOperators, matching.OfAll);
    }

    [Fact]
    public void What_stands_for_an_unknown_word_counts_as_it_is_similar_and_is_not_the_word()
    {
        QueryWord unknown = new(["coffe"], [new("'coffe'", ["coffe"], 1), new("'coffee'", ["coffee"], 0.7)], IsKnown: false);
        var ranking = new KeywordRanking([unknown, Word("tea")], SpaceStatistics.All with { Events = 1000 });
        Assert.Equal(["'coffe'", "'tea'", "'coffee'"], ranking.Terms);
        var matching = ranking.Rank([new(0b110, 1, [Events[0]], [7])], hasOperators: false, 3, Read);
        var weight = (int)Math.Round(1e6 * Math.Log(1001));
        Assert.Equal(weight + (long)Math.Round(0.7 * weight), Assert.Single(matching.Sums));
        Assert.True(matching.HasUnknownWords);
        Assert.False(matching.OfAll);
    }

    [Fact]
    public void Of_very_many_terms_the_words_themselves_count_first()
    {
        var words = Enumerable.Range(0, KeywordQuery.MaxWords).Select(i =>
            new QueryWord([$"w{i}"], [.. Enumerable.Range(0, 5).Select(j => new QueryTerm($"'w{i}x{j}'", [$"w{i}x{j}"], 1 - (j / 10.0)))], IsKnown: false));
        var ranking = new KeywordRanking([.. words], SpaceStatistics.All);
        Assert.Equal(64, ranking.Terms.Length);
        Assert.Equal(Enumerable.Range(0, KeywordQuery.MaxWords).Select(i => $"'w{i}x0'"), ranking.Terms[..KeywordQuery.MaxWords]);
        var matching = ranking.Rank([new(ulong.MaxValue, 1, [Events[0]], [64])], hasOperators: false, 3, Read);
        Assert.True(matching.OfAll);
        Assert.Equal(64, Assert.Single(matching.Words));
    }

    private static KeywordRanking Ranking(long events, params (string Word, float Share)[] words) => new(
        [.. words.Select(word => Word(word.Word))],
        SpaceStatistics.All with { Events = events, CommonWords = words.Where(word => word.Share > 0).ToDictionary(word => word.Word, word => word.Share) });

    private static QueryWord Word(string word) => new([word], [new($"'{word}'", [word], 1)], IsKnown: true);
}
