using System.Buffers;
using System.Text;
using System.Text.Json;

namespace MnemoLite.Api.Embeddings;

/// <summary>
/// Cuts text into the vocabulary's pieces: of all ways to write the text as pieces, the one with the highest sum of scores.
/// </summary>
/// <remarks>
/// The text is brought to normal form NFKC, each run of white space becomes one <c>▁</c>, and one <c>▁</c> stands before the text.
/// A character is unknown only where no piece begins; it costs nothing, and a run of unknown characters is one token, id 0.
/// Safe for concurrent use.
/// </remarks>
internal sealed class UnigramTokenizer
{
    /// <summary>The token of a run of unknown characters.</summary>
    public const int Unknown = 0;

    private const char WordStart = '▁';

    /// <summary>The first ids are reserved: unknown, start, end and three spares; their names are never found in text.</summary>
    private const int FirstPiece = 6;

    /// <summary>The trie's edges: a node's number in the upper half and a character in the lower lead to the next node. Node 0 is the root.</summary>
    private readonly Dictionary<uint, int> _edges = [];
    private readonly List<Piece> _nodes = [Piece.None];
    private readonly bool[] _startsWord;

    /// <param name="vocabulary">Each piece and its score, a natural logarithm; a piece's position is its id.</param>
    /// <exception cref="PlatformNotSupportedException">.NET runs in globalization-invariant mode.</exception>
    public UnigramTokenizer(IReadOnlyList<(string Text, double Score)> vocabulary)
    {
        RequireIcu();
        _startsWord = new bool[vocabulary.Count];
        for (var id = FirstPiece; id < vocabulary.Count; id++)
        {
            var (text, score) = vocabulary[id];
            _startsWord[id] = text.StartsWith(WordStart);
            _nodes[Grow(text)] = new(id, score);
        }
    }

    /// <summary>Reads a vocabulary: a JSON array of <c>[piece, score]</c>.</summary>
    /// <remarks>
    /// The file that ships was damaged where it came from, and is read as it stands, because the model's published answers
    /// were made with it: seven pieces with a colon have the score null, which counts as 0, <c>:00</c> has 0 and <c>:30</c> has 30
    /// (all true scores are negative), so these pieces win wherever they fit.
    /// </remarks>
    public static UnigramTokenizer Load(string path)
    {
        using var file = File.OpenRead(path);
        using var json = JsonDocument.Parse(file);
        return new(
        [
            .. json.RootElement.EnumerateArray().Select(piece =>
                (piece[0].GetString()!, piece[1].ValueKind == JsonValueKind.Null ? 0 : piece[1].GetDouble()))
        ]);
    }

    /// <summary>The text's tokens; none exactly where <see cref="string.IsNullOrWhiteSpace"/> holds. Never throws, whatever the text.</summary>
    public int[] Encode(string text)
    {
        var symbols = ToSymbols(text);
        if (symbols.Length == 0)
            return [];

        var steps = ArrayPool<Step>.Shared.Rent(symbols.Length + 1);
        try
        {
            return FindBestPath(symbols, steps.AsSpan(0, symbols.Length + 1));
        }
        finally
        {
            ArrayPool<Step>.Shared.Return(steps);
        }
    }

    /// <summary>Whether a word begins with this token.</summary>
    public bool StartsWord(int token) => _startsWord[token];

    private int[] FindBestPath(string symbols, Span<Step> best)
    {
        best.Fill(Step.Unreached);
        best[0] = new(0, 0, Unknown);
        for (var start = 0; start < symbols.Length; start++)
        {
            if (!best[start].IsReached)
                continue;
            var known = false;
            for (int end = start, node = 0; end < symbols.Length && _edges.TryGetValue(Edge(node, symbols[end]), out node);)
            {
                end++;
                var piece = _nodes[node];
                if (!piece.Exists)
                    continue;
                known = true;
                Reach(best, start, end, piece);
            }
            if (!known)
                Reach(best, start, start + 1, new(Unknown, 0));
        }
        return ReadBack(best);
    }

    /// <summary>Of two ways with the same score the one found later stays, as in the reference.</summary>
    private static void Reach(Span<Step> best, int start, int end, Piece piece)
    {
        var score = best[start].Score + piece.Score;
        if (!best[end].IsReached || score >= best[end].Score)
            best[end] = new(score, start, piece.Id);
    }

    private static int[] ReadBack(ReadOnlySpan<Step> best)
    {
        var tokens = new List<int>(best.Length / 3);
        for (var end = best.Length - 1; end > 0; end = best[end].From)
        {
            var token = best[end].Token;
            if (token != Unknown || tokens.Count == 0 || tokens[^1] != Unknown)
                tokens.Add(token);
        }
        tokens.Reverse();
        return [.. tokens];
    }

    private static string ToSymbols(string text)
    {
        var normal = WellFormed(text).Normalize(NormalizationForm.FormKC);
        var symbols = new StringBuilder(normal.Length + 1);
        var atWordStart = true;
        foreach (var symbol in normal)
        {
            if (char.IsWhiteSpace(symbol))
            {
                atWordStart = true;
                continue;
            }
            if (atWordStart)
                symbols.Append(WordStart);
            symbols.Append(symbol);
            atWordStart = false;
        }
        return symbols.ToString();
    }

    /// <summary>The text without what <see cref="string.Normalize()"/> throws on: lone surrogates, and the non-character U+FFFE.</summary>
    private static string WellFormed(string text)
    {
        if (Ascii.IsValid(text))
            return text;
        var wellFormed = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes()) // gives U+FFFD for a lone surrogate
            wellFormed.Append(rune.Value == 0xFFFE ? Rune.ReplacementChar : rune);
        return wellFormed.ToString();
    }

    private int Grow(string piece)
    {
        var node = 0;
        foreach (var symbol in piece)
        {
            var edge = Edge(node, symbol);
            if (!_edges.TryGetValue(edge, out node))
            {
                node = _nodes.Count;
                _edges.Add(edge, node);
                _nodes.Add(Piece.None);
            }
        }
        return node;
    }

    private static uint Edge(int node, char symbol) => checked((ushort)node) * 0x1_0000u + symbol;

    private static void RequireIcu()
    {
        if ("ﬁ".Normalize(NormalizationForm.FormKC) != "fi")
        {
            throw new PlatformNotSupportedException(
                "Text cannot be normalised because .NET runs in globalization-invariant mode, which would change every embedding of text that " +
                "is not plain ASCII. Install ICU (Debian: libicu, Alpine: icu-libs and icu-data-full) and take away " +
                "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT or set it to false.");
        }
    }

    /// <summary>What a node of the trie spells, if it is a piece.</summary>
    private readonly record struct Piece(int Id, double Score)
    {
        public static readonly Piece None = new(-1, 0);

        public bool Exists => Id >= 0;
    }

    /// <summary>The best way to a place in the text: its score, where its last token began, and that token.</summary>
    private readonly record struct Step(double Score, int From, int Token)
    {
        public static readonly Step Unreached = new(0, -1, Unknown);

        public bool IsReached => From >= 0;
    }
}
