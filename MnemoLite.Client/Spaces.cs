using System.Text.RegularExpressions;

namespace MnemoLite.Client;

/// <summary>
/// A space is a memory apart: what is stored in one is found in no other. A request is in the space that its header <see cref="Header"/> names;
/// without one, in the first of those its key is bound to, or in <see cref="Default"/>. The first thing that is stored in a space makes it.
/// </summary>
public static partial class Spaces
{
    /// <summary>The header that names the space of a request.</summary>
    public const string Header = "MnemoLite-Space";

    /// <summary>The space of whatever names no other.</summary>
    public const string Default = "default";

    /// <summary>What a name has to be, in words.</summary>
    public const string NameRule = "1 to 63 of a-z, 0-9, '.', '_' and '-', and begins with a letter or a digit";

    /// <summary>Whether a space can have that name: <see cref="NameRule"/>.</summary>
    public static bool IsName(string name) => Name().IsMatch(name);

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,62}\z")]
    private static partial Regex Name();
}

/// <summary>The spaces that there are, as far as the key may know of them.</summary>
/// <param name="Spaces">Their names, in alphabetical order. Those a key is bound to are among them even while they are empty; so is the default space
/// for everyone else.</param>
public sealed record SpaceList(IReadOnlyList<string> Spaces);
