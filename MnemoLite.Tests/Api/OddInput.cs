using System.Globalization;
using System.Text;
using CsCheck;

namespace MnemoLite.Tests.Api;

/// <summary>What a client may come up with: text, numbers and JSON that are hard to take.</summary>
internal static class OddInput
{
    private static readonly Gen<char> Character = Gen.OneOf(
        Gen.Char['a', 'z'], Gen.Char['\0', '\x1f'], Gen.Char['\ud800', '\udfff'], Gen.Char,
        Among('"', '\\', '/', '\u2028', '\ufffe', '\uffff', '%', '$', '\'', ':', '*', '-', '|', '&', '!', '(', ')', '<', '>'));

    public static readonly Gen<string> Text = Gen.OneOf(
        Gen.String[Character, 0, 20],
        Among("", " ", "OR", "-", "\"", "\" \"", "- -", "a OR", "-a", "\"a", "null", "NaN", "Infinity", "2026-01-01", "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.9999999-12:00", "$eq", "$or", "a.b", ".", "..", new string('x', 5000), new string('é', 3000) + " b"));

    public static readonly Gen<string> Number = Among(
        "0", "-0", "1", "-1", "1.5", "2147483648", "9223372036854775808", "123456789012345678901234567890.5", "1e308", "1e400", "-1e999999", "1e-999999",
        new string('9', 500), "0." + new string('1', 20_000), "1e131071", "1e-16384");

    public static readonly Gen<string> Giant = Among(
        Nested("[", "]", 63), Nested("[", "]", 65), Nested("[", "]", 20_000), Nested("{\"a\":", "}", 70), Nested("{\"$not\":", "}", 40), Nested("{\"$and\":[", "]}", 60),
        $"[{string.Join(',', Enumerable.Repeat("0", 50_000))}]", $"[{string.Join(',', Enumerable.Repeat("{}", 20_000))}]",
        $"{{{string.Join(',', Enumerable.Range(0, 5000).Select(i => $"\"k{i}\":{i}"))}}}", "\"" + new string('x', 300_000) + "\"");

    public static readonly Gen<string> Broken = Among("{", "[1,", "\"", "tru", "{\"a\":}", "{\"a\":1,}", "1 2", "", "//", "{\"a\":1}x", "\\u0000", "[\u0001]");

    public static Gen<string> Object(int depth) =>
        Gen.Select(Text, Json(depth - 1)).List[0, 4].Select(members => $"{{{string.Join(',', members.Select(member => $"{Quoted(member.Item1)}:{member.Item2}"))}}}");

    public static Gen<string> Json(int depth)
    {
        var leaf = Gen.Frequency((6, Text.Select(Quoted)), (4, Number), (2, Among("null", "true", "false", "{}", "[]")), (1, Giant));
        return depth <= 0
            ? leaf
            : Gen.Frequency((3, leaf), (2, Json(depth - 1).List[0, 4].Select(values => $"[{string.Join(',', values)}]")), (3, Object(depth)));
    }

    /// <summary>The text as JSON; what is no Unicode text is written as an escape.</summary>
    public static string Quoted(string text)
    {
        var json = new StringBuilder("\"");
        foreach (var character in text)
        {
            if (character is '"' or '\\' || char.IsControl(character) || char.IsSurrogate(character))
                json.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else
                json.Append(character);
        }
        return json.Append('"').ToString();
    }

    public static Gen<T> Among<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static string Nested(string open, string close, int depth) =>
        string.Concat(Enumerable.Repeat(open, depth)) + "1" + string.Concat(Enumerable.Repeat(close, depth));
}
