namespace MnemoLite.Bench;

/// <summary>The options of a command line: <c>--name value</c>.</summary>
internal static class Arguments
{
    /// <exception cref="ArgumentException">There is another option, or one without a value.</exception>
    public static Dictionary<string, string> Read(string[] arguments, params string[] allowed)
    {
        var options = new Dictionary<string, string>();
        for (var i = 0; i < arguments.Length; i += 2)
        {
            if (!allowed.Contains(arguments[i]))
                throw new ArgumentException($"There is no option {arguments[i]} here, only {string.Join(", ", allowed)}.");
            if (i + 1 == arguments.Length)
                throw new ArgumentException($"{arguments[i]} needs a value.");
            options[arguments[i]] = arguments[i + 1];
        }
        return options;
    }
}
