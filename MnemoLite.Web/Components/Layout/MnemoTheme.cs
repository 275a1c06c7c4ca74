using MudBlazor;

namespace MnemoLite.Web.Components.Layout;

/// <summary>
/// Our palette and type. Both schemes are always in the page and <c>data-scheme</c> on the root element picks one,
/// so that changing it needs no round trip and the first paint is never in the wrong one.
/// </summary>
internal static class MnemoTheme
{
    private static readonly string[] Text =
        ["Hanken Grotesk", "ui-sans-serif", "system-ui", "-apple-system", "Segoe UI", "Roboto", "sans-serif"];

    public static readonly MudTheme Light = Scheme(":root");
    public static readonly MudTheme Dark = Scheme(":root[data-scheme='dark']");

    private static MudTheme Scheme(string scope) => new()
    {
        PseudoCss = new PseudoCss { Scope = scope },
        PaletteLight = new PaletteLight
        {
            Primary = "#0a6a55",
            PrimaryContrastText = "#ffffff",
            Secondary = "#a85d00",
            Background = "#f3f5f1",
            BackgroundGray = "#e9ede7",
            Surface = "#ffffff",
            TextPrimary = "#14211d",
            TextSecondary = "#51615b",
            ActionDefault = "#51615b",
            LinesDefault = "#dce3dc",
            LinesInputs = "#84948d",
            Divider = "#dce3dc",
            Skeleton = "#14211d14",
            Error = "#b3261e",
            Warning = "#8a5300",
            Success = "#0a6a55",
            Dark = "#14211d",
        },
        PaletteDark = new PaletteDark
        {
            Primary = "#58d0ae",
            PrimaryContrastText = "#06201a",
            Secondary = "#f5b955",
            Background = "#0c1311",
            BackgroundGray = "#0f1815",
            Surface = "#141d1a",
            TextPrimary = "#e6eeea",
            TextSecondary = "#9db0a8",
            ActionDefault = "#9db0a8",
            LinesDefault = "#25332e",
            LinesInputs = "#5d7169",
            Divider = "#25332e",
            Skeleton = "#e6eeea14",
            Error = "#ff8f85",
            ErrorContrastText = "#2b0503",
            Warning = "#f5b955",
            WarningContrastText = "#231500",
            Success = "#58d0ae",
            SuccessContrastText = "#06201a",
            Dark = "#e6eeea",
            DarkContrastText = "#14211d",
        },
        Typography = new Typography
        {
            Default = new DefaultTypography { FontFamily = Text, FontSize = "1rem", LetterSpacing = "normal" },
            Button = new ButtonTypography { FontFamily = Text, FontSize = ".9375rem", FontWeight = "600", TextTransform = "none", LetterSpacing = "normal" },
        },
        LayoutProperties = new LayoutProperties { DefaultBorderRadius = "10px" },
    };
}
