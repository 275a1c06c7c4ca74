using System.Text;

namespace MnemoLite.Bench.Load;

/// <summary>Writes texts a person could have written, from afar: each word follows one that it follows in the labelled memories.</summary>
internal sealed class TextChain
{
    /// <summary>How often the chain is left for any word of the memories, so that texts are not copies of parts of them.</summary>
    private const double LeapShare = 0.2;

    private static readonly char[] Signs = ['.', ',', ';', ':', '!', '?', '(', ')', '"', '…'];
    private readonly string[] _words;
    private readonly Dictionary<string, string[]> _next;

    public TextChain(IEnumerable<string> texts)
    {
        var sentences = texts.Select(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => word.Trim(Signs)).Where(word => word.Any(char.IsLetterOrDigit)).ToArray()).ToList();
        _words = [.. sentences.SelectMany(words => words)];
        _next = sentences.SelectMany(words => words.Zip(words.Skip(1))).GroupBy(pair => pair.First, pair => pair.Second)
            .ToDictionary(group => group.Key, group => group.ToArray());
    }

    public string Write(Random random, int leastWords, int mostWords)
    {
        var text = new StringBuilder();
        var word = "";
        for (var left = random.Next(leastWords, mostWords + 1); left > 0; left--)
        {
            word = random.NextDouble() >= LeapShare && _next.TryGetValue(word, out var next) ? Draw(random, next) : Draw(random, _words);
            text.Append(text.Length > 0 ? " " : "").Append(word);
        }
        return text.ToString();
    }

    private static string Draw(Random random, string[] words) => words[random.Next(words.Length)];
}
