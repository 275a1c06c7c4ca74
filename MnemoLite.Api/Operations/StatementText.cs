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
        var text = Space().Replace(Part().Replace(sql, Replacement), " ").Trim();
        return text.Length <= Longest ? text : $"{text.AsSpan(0, Longest)}…";
    }

    private static string Replacement(Match part) => part switch
    {
        _ when part.Groups["name"].Success => part.Value,
        _ when part.Groups["comment"].Success => " ",
        _ => "?",
    };

    /// <summary>Quoted names, comments, strings of each kind (one that does not end goes to the end), and numbers that are no part of a name or of $1.</summary>
    [GeneratedRegex("""
        (?<name>"(?:[^"]|"")*")
        | (?<comment>/\*.*?(?:\*/|$)|--[^\n]*)
        | \b[eE]'(?:[^'\\]|\\.|'')*(?:'|\\?$)
        | (?:\b[bBxXnN]|\b[uU]&)?'(?:[^']|'')*(?:'|$)
        | \$(?<tag>(?:[A-Za-z_]\w*)?)\$.*?(?:\$\k<tag>\$|$)
        | (?<![\w$])\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?(?!\w)
        """, RegexOptions.Singleline | RegexOptions.IgnorePatternWhitespace | RegexOptions.ExplicitCapture)]
    private static partial Regex Part();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
