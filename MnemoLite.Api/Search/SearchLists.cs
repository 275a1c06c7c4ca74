using System.Text.Json.Serialization;
using MnemoLite.Api.Database;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>The lists that a ranked search is made of, and the page of it that was asked for.</summary>
/// <param name="Nearest">The best by meaning, where the search is by meaning.</param>
/// <param name="Matching">The best by words, where the search is by words.</param>
internal sealed record SearchLists(NearestList? Nearest, MatchingList? Matching)
{
    /// <summary>The k of reciprocal rank fusion, 1 / (k + rank) (Cormack, Clarke, Büttcher: SIGIR 2009).</summary>
    private const int FusionK = 60;

    /// <summary>What a place among the best by words counts, against one by meaning, where every word of the query matches.</summary>
    private const double KeywordWeight = 2;

    /// <summary>The part of a query's information that an event's words match by chance. Like the weight, of the benchmark's half for tuning.</summary>
    private const double ChanceScore = 0.2;

    /// <summary>The part that one word alone has to be, to count.</summary>
    private const double OneWordScore = 0.5;

    /// <summary>
    /// So many more than count are known of each list where there are as many, so that those behind one that is deleted move up, and one that is new
    /// need not be told from the last that counts without knowing what comes next.
    /// </summary>
    public const int Reserve = 4;

    /// <summary>The events in the answer.</summary>
    public Guid[] Page { get; init; } = [];

    /// <summary>How many events the answer is a page of.</summary>
    public long Total { get; init; }

    /// <summary>
    /// The lists made one, best first: 1 / (k + semantic rank) + w · max(0, (score − s) / (1 − s)) / (k + keyword rank). An event that matches no more
    /// than the part s of what the query says in words, or a single word that is less than half of it, gets nothing for them: such matches are
    /// mostly by chance. Where there is one list, its own score counts.
    /// </summary>
    /// <param name="distanceThreshold">Farther events are left out, and those that have no distance.</param>
    public List<Ranked> Rank(double? distanceThreshold)
    {
        var ranked = new Dictionary<Guid, Ranked>();
        for (var i = 0; i < Nearest?.Count; i++)
        {
            var score = Matching is null ? 1 - Nearest.Distances[i] : 1.0 / (FusionK + i + 1);
            ranked[Nearest.Ids[i]] = new(Nearest.Ids[i], Nearest.Distances[i], i + 1, null, null, score);
        }
        for (var i = 0; i < Matching?.Count; i++)
        {
            var (id, score) = (Matching.Ids[i], Matching.ScoreOf(i));
            if (Nearest is null)
            {
                ranked[id] = new(id, null, null, i + 1, score, score);
                continue;
            }
            var bySemantic = ranked.TryGetValue(id, out var near) ? near : new(id, Matching.Distances?[i], null, null, null, 0);
            var byWords = Matching.Words[i] > 1 || score >= OneWordScore
                ? KeywordWeight * Math.Max((score - ChanceScore) / (1 - ChanceScore), 0) / (FusionK + i + 1)
                : 0;
            ranked[id] = bySemantic with { KeywordRank = i + 1, KeywordScore = score, FusedScore = bySemantic.FusedScore + byWords };
        }
        return [.. ranked.Values
            .Where(found => distanceThreshold is null || found.Distance <= distanceThreshold)
            .OrderByDescending(found => found.FusedScore)
            .ThenBy(found => found.SemanticRank ?? int.MaxValue)
            .ThenBy(found => found.KeywordRank ?? int.MaxValue)];
    }

    /// <summary>The values with one more at a place, and without the last if they are more than so many then.</summary>
    public static T[] Insert<T>(T[] values, int place, T value, int most) =>
        place == most ? values : [.. values.AsSpan(0, place), value, .. values.AsSpan(place, Math.Min(values.Length, most - 1) - place)];

    /// <summary>The values without the one at a place.</summary>
    public static T[] Remove<T>(T[] values, int place) => [.. values.AsSpan(0, place), .. values.AsSpan(place + 1)];

    /// <summary>The lists with the page of them that was asked for, and the total.</summary>
    public SearchLists AtPage(SearchRequest request)
    {
        var ranked = Rank(request.DistanceThreshold);
        return this with { Page = [.. ranked.Skip(request.Offset).Take(request.Limit).Select(found => found.Id)], Total = ranked.Count };
    }
}

/// <summary>An event among those that a search finds.</summary>
/// <param name="Id">Which event.</param>
/// <param name="Distance">Its distance from the query; null where it was not measured.</param>
/// <param name="SemanticRank">Its place by meaning, from 1.</param>
/// <param name="KeywordRank">Its place by words, from 1.</param>
/// <param name="KeywordScore">The part of the query's information that its words match, 0..1.</param>
/// <param name="FusedScore">What it is ranked by.</param>
internal readonly record struct Ranked(
    Guid Id, double? Distance, int? SemanticRank, int? KeywordRank, double? KeywordScore, double FusedScore);

/// <summary>The events nearest to a query, nearest first.</summary>
/// <param name="Ids">The events.</param>
/// <param name="Distances">Their cosine distances.</param>
/// <param name="Capacity">How many of them count at most.</param>
/// <param name="HasMore">Whether there are others, behind them.</param>
internal sealed record NearestList(Guid[] Ids, double[] Distances, int Capacity, bool HasMore)
{
    /// <summary>A distance reckoned here differs from PostgreSQL's by rounding.</summary>
    public const double Rounding = 1e-5;

    /// <summary>What was read.</summary>
    [JsonIgnore]
    public Snapshot? Snapshot { get; private init; }

    /// <summary>How many of them count.</summary>
    [JsonIgnore]
    public int Count => Math.Min(Ids.Length, Capacity);

    /// <param name="ids">The events, in any order.</param>
    /// <param name="distances">Their distances.</param>
    /// <param name="capacity">How many of them count at most; there could have been <see cref="SearchLists.Reserve"/> more.</param>
    /// <param name="snapshot">What was read.</param>
    public static NearestList Of(Guid[] ids, double[] distances, int capacity, Snapshot snapshot)
    {
        var order = Enumerable.Range(0, ids.Length).OrderBy(i => distances[i]).ThenByDescending(i => ids[i]).ToArray();
        return new([.. order.Select(i => ids[i])], [.. order.Select(i => distances[i])], capacity, ids.Length == capacity + SearchLists.Reserve) { Snapshot = snapshot };
    }

    /// <summary>The list with a new event that is so far; itself where that is too far to come in, null where its place is not certain.</summary>
    public NearestList? With(Guid id, double distance)
    {
        if (HasMore && distance > Distances[^1] + Rounding)
            return this;
        if (double.IsNaN(distance))
            return null;
        var place = ~Array.BinarySearch(Distances, distance);
        if (place < 0 || (place > 0 && distance - Distances[place - 1] < Rounding) || (place < Ids.Length && Distances[place] - distance < Rounding))
            return null;
        var most = Capacity + SearchLists.Reserve;
        return this with
        {
            Ids = SearchLists.Insert(Ids, place, id, most),
            Distances = SearchLists.Insert(Distances, place, distance, most),
            HasMore = HasMore || Ids.Length == most,
        };
    }

    /// <summary>The list without an event; null where it is not known which then counts.</summary>
    public NearestList? Without(Guid id)
    {
        var place = Array.IndexOf(Ids, id);
        return place < 0 ? this
            : HasMore && Ids.Length <= Capacity ? null
            : this with { Ids = SearchLists.Remove(Ids, place), Distances = SearchLists.Remove(Distances, place) };
    }
}

/// <summary>The events that match the words of a query, best first.</summary>
/// <param name="Ids">The events.</param>
/// <param name="Sums">What the words each matches weigh together.</param>
/// <param name="Words">How many of the query's words each matches.</param>
/// <param name="Lengths">How many lexemes each has; of equals the shorter comes first.</param>
/// <param name="Distances">Their distances from the query, where a threshold is set.</param>
/// <param name="Capacity">How many of them count at most.</param>
/// <param name="HasMore">Whether there are others, behind them.</param>
/// <param name="Terms">The words of the query.</param>
internal sealed record MatchingList(
    Guid[] Ids, long[] Sums, int[] Words, int[] Lengths, double?[]? Distances, int Capacity, bool HasMore, SearchTerm[] Terms)
{
    private readonly double _weight = Terms.Sum(term => (long)term.Idf);

    /// <summary>What was read.</summary>
    [JsonIgnore]
    public Snapshot? Snapshot { get; private init; }

    /// <summary>Whether only those that match all words are listed.</summary>
    public bool OfAll { get; init; }

    /// <summary>Whether a word of the query was never stored, so that others stand for it.</summary>
    public bool HasUnknownWords { get; init; }

    /// <summary>Whether the query says more than its words.</summary>
    public bool HasOperators { get; init; }

    /// <summary>How many of them count.</summary>
    [JsonIgnore]
    public int Count => Math.Min(Ids.Length, Capacity);

    /// <param name="ids">The events, in any order.</param>
    /// <param name="sums">What the words each matches weigh.</param>
    /// <param name="words">How many words each matches.</param>
    /// <param name="lengths">How many lexemes each has.</param>
    /// <param name="capacity">How many of them count at most; <see cref="SearchLists.Reserve"/> more are kept.</param>
    /// <param name="terms">The words of the query.</param>
    /// <param name="snapshot">What was read.</param>
    public static MatchingList Of(
        Guid[] ids, long[] sums, int[] words, int[] lengths, int capacity, SearchTerm[] terms, Snapshot snapshot)
    {
        var order = Enumerable.Range(0, ids.Length).OrderByDescending(i => sums[i]).ThenBy(i => lengths[i]).ThenByDescending(i => ids[i])
            .Take(capacity + SearchLists.Reserve).ToArray();
        return new(
            [.. order.Select(i => ids[i])], [.. order.Select(i => sums[i])], [.. order.Select(i => words[i])], [.. order.Select(i => lengths[i])],
            null, capacity, order.Length == capacity + SearchLists.Reserve, terms)
        { Snapshot = snapshot };
    }

    /// <summary>The part of the query's information that an event matches, 0..1.</summary>
    public double ScoreOf(int place) => Sums[place] / _weight;

    /// <summary>The list with a new event of these lexemes; itself where it does not come in, null where that, or its place, is not certain.</summary>
    public MatchingList? With(Guid id, IReadOnlySet<string>? words, double? distance)
    {
        if (HasUnknownWords || words is null)
            return null;
        if (!IsFoundBy(words))
            return this;
        var matched = Array.FindAll(Terms, term => term.IsMatchedBy(words));
        if (!Array.TrueForAll(matched, term => term.TryCount()) || HasOperators)
            return null;
        if (OfAll != (matched.Length == Terms.Length))
            return OfAll ? this : null;
        var sum = matched.Sum(term => (long)term.Idf);
        var place = 0;
        while (place < Ids.Length && Compare(place, sum, words.Count, id) < 0)
            place++;
        if (HasMore && place == Ids.Length)
            return this;
        if (Array.Exists(matched, term => term.IsPhrase))
            return null; // whether its lexemes follow each other is not known, and it would come in if they do
        var most = Capacity + SearchLists.Reserve;
        return this with
        {
            Ids = SearchLists.Insert(Ids, place, id, most),
            Sums = SearchLists.Insert(Sums, place, sum, most),
            Words = SearchLists.Insert(Words, place, matched.Length, most),
            Lengths = SearchLists.Insert(Lengths, place, words.Count, most),
            Distances = Distances is null ? null : SearchLists.Insert(Distances, place, distance, most),
            HasMore = HasMore || Ids.Length == most,
        };
    }

    /// <summary>The list without an event; null where it is not known which then counts.</summary>
    public MatchingList? Without(Guid id)
    {
        var place = Array.IndexOf(Ids, id);
        return place < 0 ? this
            : (HasMore && Ids.Length <= Capacity) || (OfAll && Ids.Length == 1) ? null
            : this with
            {
                Ids = SearchLists.Remove(Ids, place),
                Sums = SearchLists.Remove(Sums, place),
                Words = SearchLists.Remove(Words, place),
                Lengths = SearchLists.Remove(Lengths, place),
                Distances = Distances is null ? null : SearchLists.Remove(Distances, place),
            };
    }

    /// <summary>Whether the words of others may weigh more without an event of these lexemes; null if they are not known.</summary>
    public bool MayWeighMoreWithout(Guid id, IReadOnlySet<string>? words)
    {
        if (!HasMore && !OfAll && !Ids.Contains(id))
            return false; // it was not among those that were found, as these are all listed
        return (words is null || IsFoundBy(words)) && Array.Exists(Terms, term => (words is null || term.IsMatchedBy(words)) && !term.TryDiscount());
    }

    private bool IsFoundBy(IReadOnlySet<string> words) => Terms.Any(term => term.IsTelling && term.Words.Any(words.Contains));

    private int Compare(int place, long sum, int length, Guid id) =>
        Sums[place] != sum ? sum.CompareTo(Sums[place]) : Lengths[place] != length ? Lengths[place].CompareTo(length) : id.CompareTo(Ids[place]);
}

/// <summary>A word of a query.</summary>
/// <param name="Words">The lexemes that an event that matches it has one of.</param>
/// <param name="Idf">What it weighs, in millionths.</param>
/// <param name="IsTelling">Whether it is one of those that find the events.</param>
/// <param name="IsPhrase">Whether its lexemes have to follow each other.</param>
/// <param name="Rise">How many more events may match it before it weighs less.</param>
/// <param name="Fall">How many of them may go before it weighs more.</param>
internal sealed record SearchTerm(string[] Words, int Idf, bool IsTelling, bool IsPhrase, int Rise, int Fall)
{
    private int _counted, _discounted;

    /// <summary>Whether an event of these lexemes matches it; a phrase perhaps.</summary>
    public bool IsMatchedBy(IReadOnlySet<string> words) => Words.Count(words.Contains) >= (IsPhrase ? 2 : 1);

    /// <summary>Counts an event that matches; false if there may be too many then.</summary>
    public bool TryCount() => Interlocked.Increment(ref _counted) <= Rise;

    /// <summary>Counts one that matched and is gone; false if there may be too few then.</summary>
    public bool TryDiscount() => Interlocked.Increment(ref _discounted) <= Fall;
}
