using System.Text.RegularExpressions;

namespace MnemoLite.Web.Components.Events;

/// <summary>The words of a query, to be found again in a text in any of their common English forms.</summary>
public sealed partial class QueryWords
{
    private const int Lead = 120, FarIn = 360;

    private static readonly HashSet<string> Common =
    [
        "a", "an", "the", "and", "or", "of", "in", "on", "at", "to", "for", "from", "by", "with", "is", "are", "was", "were", "be", "been", "am", "do",
        "does", "did", "has", "have", "had", "i", "you", "he", "she", "it", "we", "they", "my", "our", "your", "his", "her", "its", "their", "this",
        "that", "these", "those", "what", "which", "who", "whom", "when", "where", "why", "how", "not", "no", "as", "if", "so", "than", "then", "there",
        "can", "could", "will", "would", "should", "about", "me", "us", "them",
    ];

    /// <summary>No words: nothing is marked.</summary>
    public static readonly QueryWords None = new("");

    private readonly HashSet<string> _stems = [];

    public QueryWords(string query)
    {
        foreach (Match word in Word.Matches(Excluded.Replace(query, " ")))
        {
            _stems.Add(Stem(word.Value));
            _stems.UnionWith(Part.Matches(word.Value).Select(part => Stem(part.Value)));
        }
        _stems.ExceptWith(Common.Select(Stem));
    }

    /// <summary>The text cut where a word of the query begins and ends.</summary>
    public IReadOnlyList<(string Text, bool IsMarked)> Split(string text)
    {
        var pieces = new List<(string, bool)>();
        var done = 0;
        foreach (var (start, length) in Find(text))
        {
            if (start > done)
                pieces.Add((text[done..start], false));
            pieces.Add((text.Substring(start, length), true));
            done = start + length;
        }
        if (done < text.Length)
            pieces.Add((text[done..], false));
        return pieces;
    }

    /// <summary>The beginning of the text, or if the first word of the query stands far in, the part around it.</summary>
    public string Excerpt(string text, int length)
    {
        if (text.Length <= length)
            return text;
        var (first, _) = Find(text).FirstOrDefault();
        var start = first < FarIn ? 0 : text.IndexOfAny([' ', '\n'], first - Lead) + 1;
        if (start > first)
            start = first;
        var end = Math.Min(text.Length, start + length);
        if (end < text.Length && char.IsLowSurrogate(text[end]))
            end--;
        return (start > 0 ? "…" : "") + text[start..end] + (end < text.Length ? "…" : "");
    }

    private IEnumerable<(int Start, int Length)> Find(string text) => _stems.Count == 0
        ? []
        : from word in Word.Matches(text)
          from match in _stems.Contains(Stem(word.Value)) ? [(word.Index, word.Length)] : Parts(word)
          select match;

    private IEnumerable<(int Start, int Length)> Parts(Match word) =>
        Part.Matches(word.Value).Where(part => _stems.Contains(Stem(part.Value))).Select(part => (word.Index + part.Index, part.Length));

    /// <summary>Without the endings of plural, tense and the like: not a dictionary's form, but the same for all forms of most words.</summary>
    private static string Stem(string word)
    {
        var stem = word.ToLowerInvariant();
        if (stem.Length < 4 || !char.IsAsciiLetterLower(stem[^1]))
            return stem;
        if (stem.EndsWith("ies", StringComparison.Ordinal) || stem.EndsWith("ied", StringComparison.Ordinal))
            return stem[..^2];
        foreach (var ending in (ReadOnlySpan<string>)["ing", "ed", "es", "s"])
        {
            var isPlural = ending == "s" && (stem.EndsWith("ss", StringComparison.Ordinal) || stem.EndsWith("us", StringComparison.Ordinal));
            if (stem.EndsWith(ending, StringComparison.Ordinal) && stem.Length - ending.Length >= 3 && !isPlural)
            {
                stem = stem[..^ending.Length];
                break;
            }
        }
        if (stem.Length > 3 && stem[^1] == stem[^2] && stem[^1] is not ('a' or 'e' or 'i' or 'o' or 'u' or 'l' or 's'))
            stem = stem[..^1];
        return stem.Length > 3 && stem[^1] is 'e' ? stem[..^1] : stem[^1] == 'y' ? $"{stem[..^1]}i" : stem;
    }

    [GeneratedRegex(@"[\p{L}\p{M}\p{N}]+")]
    private static partial Regex Word { get; }

    /// <summary>A part as the search takes words apart: names at their capitals, and scripts without spaces a character at a time.</summary>
    [GeneratedRegex(
        @"[\u0E00-\u0E7F\u3040-\u30FF\u3400-\u9FFF\uF900-\uFAFF]|\p{Lu}+(?!\p{Ll})\p{N}*|"
        + @"\p{Lu}?[\p{Ll}\p{Lo}\p{M}\p{N}-[\u0E00-\u0E7F\u3040-\u30FF\u3400-\u9FFF\uF900-\uFAFF]]+")]
    private static partial Regex Part { get; }

    /// <summary>What must not be there: <c>-word</c>.</summary>
    [GeneratedRegex(@"(?<!\S)-\S+")]
    private static partial Regex Excluded { get; }
}
