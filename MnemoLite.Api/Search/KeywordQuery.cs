using System.Text;

namespace MnemoLite.Api.Search;

/// <summary>
/// A query as keyword search reads it: words, <c>"quoted phrases"</c>, <c>OR</c>, and <c>-</c> before what must not be there. PostgreSQL's
/// <c>websearch_to_tsquery</c> reads the same text in the same way; this tells which words count and whether the text means more than its words.
/// </summary>
/// <param name="Text">The query.</param>
/// <param name="Words">The words to find, without those that must not be there; at most <see cref="MaxWords"/>.</param>
/// <param name="HasOperators">Whether it has a phrase, <c>OR</c> or <c>-</c>, so that only what it says exactly is wanted.</param>
internal sealed record KeywordQuery(string Text, string[] Words, bool HasOperators)
{
    /// <summary>More words than these do not make a query clearer, only slower.</summary>
    public const int MaxWords = 32;

    public static KeywordQuery Parse(string text)
    {
        text = text.Replace('\0', ' ');
        var words = new List<string>();
        var word = new StringBuilder();
        bool quoted = false, negated = false, operators = false;
        foreach (var character in text)
        {
            if (character == '"')
            {
                AddWord();
                (quoted, operators) = (!quoted, true);
                if (!quoted)
                    negated = false;
            }
            else if (char.IsWhiteSpace(character))
            {
                AddWord();
                if (!quoted)
                    negated = false;
            }
            else if (character == '-' && !quoted && word.Length == 0)
            {
                negated = operators = true;
            }
            else
            {
                word.Append(character);
            }
        }
        AddWord();
        return new(text, [.. words.Distinct(StringComparer.OrdinalIgnoreCase).Take(MaxWords)], operators);

        void AddWord()
        {
            var found = word.ToString();
            word.Clear();
            if (!quoted && found.Equals("OR", StringComparison.OrdinalIgnoreCase) && words.Count > 0)
                operators = true;
            else if (found.Length > 0 && !negated)
                words.Add(found);
        }
    }
}
