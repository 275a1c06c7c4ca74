namespace MnemoLite.Api.Security;

/// <summary>Section <c>Auth</c>.</summary>
internal sealed class AuthOptions
{
    public const string Section = "Auth";

    /// <summary>Whether every route but <c>/alive</c> needs a key. It is so in any case as soon as the API listens beyond loopback.</summary>
    public bool Required { get; set; }
}
