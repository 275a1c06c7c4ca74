using MnemoLite.Client;

namespace MnemoLite.Web.Components;

/// <summary>What the browser remembers of its user, sent as cookies so that already the first HTML is right.</summary>
/// <param name="Appearance"><c>system</c>, <c>light</c> or <c>dark</c>.</param>
/// <param name="TimeZone">The browser's IANA time zone; null on the very first visit.</param>
/// <param name="Space">The space that was chosen; null where none was.</param>
public sealed record BrowserPreferences(string Appearance, string? TimeZone, string? Space = null)
{
    /// <summary>The cookie of <see cref="Space"/>.</summary>
    public const string SpaceCookie = "mnemolite-space";

    /// <summary>The choices of the appearance menu.</summary>
    public static readonly IReadOnlyList<string> Appearances = ["system", "light", "dark"];

    public static BrowserPreferences From(IRequestCookieCollection cookies) => new(
        cookies["appearance"] is { } chosen && Appearances.Contains(chosen) ? chosen : Appearances[0],
        cookies["time-zone"],
        cookies[SpaceCookie] is { } space && Spaces.IsName(space) ? space : null);

    /// <summary>The zone of that name; UTC where it is not known.</summary>
    public static TimeZoneInfo Zone(string? id) =>
        id is { Length: > 0 and < 64 } && !id.Contains("..", StringComparison.Ordinal)
        && TimeZoneInfo.TryFindSystemTimeZoneById(id, out var zone)
            ? zone
            : TimeZoneInfo.Utc;
}
