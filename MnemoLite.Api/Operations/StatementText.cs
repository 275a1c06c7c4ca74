using System.Text.RegularExpressions;

namespace MnemoLite.Api.Operations;

/// <summary>
/// The text of a statement without values. pg_stat_statements has put <c>$1</c> in their place already, except in statements that it lost
/// sight of while they ran.
/// </summary>
internal static partial class StatementText
{
    private const int Longest = 2000;

    public static string WithoutValues(string sql)
    {
        var text = Space().Replace(Literal().Replace(sql, literal => literal.Groups["comment"].Success ? " " : "?"), " ").Trim();
        return text.Length <= Longest ? text : $"{text.AsSpan(0, Longest)}…";
    }

    /// <summary>Comments, strings of each kind (one that does not end goes to the end), and numbers that are no part of a name or of $1.</summary>
    [GeneratedRegex("""
        (?<comment>/\*.*?(?:\*/|$)|--[^\n]*)
        | \b[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?$)
        | (?:\b[bBxXnN]|\b[uU]&)?'(?:[^']|'')*(?:'|$)
        | \$(?<tag>[A-Za-z_]\w*)?\$.*?(?:\$\k<tag>\$|$)
        | (?<![\w$"])\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?(?!\w)
        """, RegexOptions.Singleline | RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture)]
    private static partial Regex Literal();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
