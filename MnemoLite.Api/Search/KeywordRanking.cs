using System.Numerics;
using MnemoLite.Api.Database;

namespace MnemoLite.Api.Search;

/// <summary>Events that match the same terms of a query, those with the fewest lexemes first.</summary>
/// <param name="Matched">Which terms: a bit for each.</param>
/// <param name="Count">How many they are.</param>
/// <param name="Ids">As many of them as a list has.</param>
/// <param name="Lengths">How many lexemes each has.</param>
internal sealed record MatchingEvents(ulong Matched, long Count, Guid[] Ids, int[] Lengths);

/// <summary>
/// Which words of a query find events, and how well these match it. An event's score is the part of the query's information that its words match, 0..1:
/// each word counts by its rarity, ln(1 + N / df), among what passes the filters; df is rounded down to a power of two, so that not every write changes
/// what every word weighs, and the sums are of whole millionths, so that their order does not matter. A word is found as written, or stemmed
/// and taken apart (<c>OrderService.cs</c> as order, service, cs); one that no event ever had stands for the most similar ones that were.
/// </summary>
internal sealed class KeywordRanking
{
    /// <summary>The rarest words of a query find the events, up to about as many as this; the others only tell which of those are better.</summary>
    public const int Candidates = 500;

    /// <summary>A word that stands in more than this part of all events finds too much to help.</summary>
    private const double CommonShare = 0.05;

    /// <summary>As many events as this there are, where words are weighed, at least.</summary>
    private const int LeastSize = 1000;

    /// <summary>Bits that tell which terms an event matches.</summary>
    private const int MostTerms = 64;

    private readonly QueryWord[] _words;
    private readonly double[] _shares;
    private readonly (int Word, QueryTerm Term, bool IsTelling)[] _terms;
    private readonly double _size;
    private readonly bool _hasUnknownWords;

    /// <param name="words">The words of the query.</param>
    /// <param name="statistics">Of the space that is searched.</param>
    public KeywordRanking(QueryWord[] words, SpaceStatistics statistics)
    {
        _size = Math.Max(statistics.Events, LeastSize);
        _hasUnknownWords = Array.Exists(words, word => !word.IsKnown);
        _words = [.. words.Where(word => word.Terms.Length > 0)];
        _shares = Array.ConvertAll(_words, word => (double)word.Stems.Min(stem => statistics.CommonWords.GetValueOrDefault(stem)));
        var telling = new HashSet<int>();
        foreach (var word in Enumerable.Range(0, _words.Length).OrderBy(word => _shares[word]))
        {
            var events = Events + (_words[word].Terms.Length * _shares[word] * _size);
            if (telling.Count > 0 && (_shares[word] > CommonShare || events > Candidates))
                break;
            telling.Add(word);
            Events = events;
        }
        // The words themselves come first, so that they are the lowest bits.
        _terms = [.. Enumerable.Range(0, _words.Length)
            .SelectMany(word => _words[word].Terms.Select((term, place) => (Place: place, Term: (word, term, telling.Contains(word)))))
            .OrderBy(term => term.Place).Select(term => term.Term).Take(MostTerms)];
    }

    /// <summary>About how many events are found, at most.</summary>
    public double Events { get; }

    /// <summary>What finds events, as a <c>tsquery</c>; null where nothing does.</summary>
    public string? Telling => Array.Exists(_terms, term => term.IsTelling)
        ? string.Join(" | ", _terms.Where(term => term.IsTelling).Select(term => term.Term.Query))
        : null;

    /// <summary>The terms, a <c>tsquery</c> each.</summary>
    public string[] Terms => Array.ConvertAll(_terms, term => term.Term.Query);

    /// <summary>The best of what matches.</summary>
    /// <param name="found">What matches any term that is telling.</param>
    /// <param name="hasOperators">Whether what matches a part of the words is as good as what matches all.</param>
    /// <param name="capacity">How many count, at most.</param>
    /// <param name="snapshot">What was read.</param>
    public MatchingList Rank(IReadOnlyList<MatchingEvents> found, bool hasOperators, int capacity, Snapshot snapshot)
    {
        var frequencies = new long[_words.Length];
        foreach (var events in found)
        {
            foreach (var (word, _, _) in TermsOf(events.Matched))
                frequencies[word] += events.Count;
        }
        var rounded = Array.ConvertAll(frequencies, events => events == 0 ? 0 : 1L << BitOperations.Log2((ulong)events));
        var weights = new int[_words.Length];
        for (var word = 0; word < weights.Length; word++)
            weights[word] = (int)Math.Round(1e6 * Math.Log(1 + (_size / Math.Max(Math.Max(rounded[word], _shares[word] * _size), 0.5))));

        var allWords = (1UL << _words.Length) - 1;
        var ofAll = !hasOperators && found.Any(HasAll);
        var best = new List<(Guid Id, long Sum, int Words, int Length)>();
        foreach (var (events, sum) in found.Where(events => !ofAll || HasAll(events))
            .Select(events => (events, Sum: TermsOf(events.Matched).Sum(term => (long)Math.Round(term.Term.Weight * weights[term.Word]))))
            .OrderByDescending(events => events.Sum))
        {
            if (best.Count >= capacity + SearchLists.Reserve && best[^1].Sum > sum)
                break;
            best.AddRange(events.Ids.Select((id, place) => (id, sum, BitOperations.PopCount(events.Matched), events.Lengths[place])));
        }
        return MatchingList.Of(
            [.. best.Select(@event => @event.Id)], [.. best.Select(@event => @event.Sum)], [.. best.Select(@event => @event.Words)],
            [.. best.Select(@event => @event.Length)], capacity,
            [.. Enumerable.Range(0, _words.Length).Select(word => SearchTermOf(word, weights[word], frequencies[word], rounded[word]))], snapshot) with
        {
            OfAll = ofAll,
            HasUnknownWords = _hasUnknownWords,
            HasOperators = hasOperators,
        };

        bool HasAll(MatchingEvents events) => (events.Matched & allWords) == allWords;
    }

    private IEnumerable<(int Word, QueryTerm Term, bool IsTelling)> TermsOf(ulong matched)
    {
        for (; matched != 0; matched &= matched - 1)
            yield return _terms[BitOperations.TrailingZeroCount(matched)];
    }

    private SearchTerm SearchTermOf(int word, int weight, long events, long rounded)
    {
        var terms = Array.FindAll(_terms, term => term.Word == word);
        return new(
            [.. terms.SelectMany(term => term.Term.Lexemes).Distinct()], weight, terms[0].IsTelling,
            Array.Exists(terms, term => term.Term.IsPhrase), (int)Math.Max((2 * rounded) - 1 - events, 0), (int)(events - rounded));
    }
}
