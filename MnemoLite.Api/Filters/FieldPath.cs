using System.Globalization;
using System.Text;

namespace MnemoLite.Api.Filters;

/// <summary>The way to a value in metadata, key by key.</summary>
internal sealed class FieldPath(IReadOnlyList<string> keys)
{
    public IReadOnlyList<string> Keys { get; } = keys;

    /// <summary>Whether a key of it could also be an element's place in an array, so that the path is not one of objects only.</summary>
    public bool MayEnterArray => Keys.Any(key => int.TryParse(key, IndexStyle, CultureInfo.InvariantCulture, out _));

    /// <summary>How PostgreSQL reads a key as a place in an array.</summary>
    public const NumberStyles IndexStyle = NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite;

    /// <summary>The keys of <c>a.b\.c</c> are <c>a</c> and <c>b.c</c>.</summary>
    public static IReadOnlyList<string> Split(string text)
    {
        var keys = new List<string>();
        var key = new StringBuilder();
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '.')
            {
                keys.Add(key.ToString());
                key.Clear();
            }
            else
            {
                if (text[i] == '\\' && i + 1 < text.Length && text[i + 1] is '.' or '\\')
                    i++;
                key.Append(text[i]);
            }
        }
        keys.Add(key.ToString());
        return keys;
    }
}
