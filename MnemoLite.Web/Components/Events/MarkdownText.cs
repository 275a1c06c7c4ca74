using System.Text.RegularExpressions;
using Markdig;
using Markdig.Extensions.Tables;
using Markdig.Renderers;
using Markdig.Renderers.Html;
using Markdig.Syntax;
using Markdig.Syntax.Inlines;
using Microsoft.AspNetCore.Components;

namespace MnemoLite.Web.Components.Events;

/// <summary>Markdown as HTML that cannot do anything: no HTML of its own, no scripts, nothing loaded from elsewhere.</summary>
internal static class MarkdownText
{
    private const int FirstHeading = 3, MaxLength = 200_000;

    private static readonly MarkdownPipeline Pipeline = new MarkdownPipelineBuilder()
        .DisableHtml().UsePipeTables().UseAutoLinks().UseEmphasisExtras().UseSoftlineBreakAsHardlineBreak().Build();

    /// <summary>Never slow, whatever the text.</summary>
    private static readonly Regex Signs = new(
        @"^(#{1,6} \S|[ \t]*([-*+]|\d+[.)]) \S|> ?\S|```|~~~|\|.+\|[ \t]*$)|\[[^\]\n]+\]\([^)\s]+\)|\*\*\S[^\n]*\*\*|`[^`\n]+`",
        RegexOptions.Multiline | RegexOptions.NonBacktracking);

    /// <summary>Whether the text has a heading, a list, a quote, a table, code, a link, or something emphasised.</summary>
    public static bool IsLikely(string text) => text.Length <= MaxLength && Signs.IsMatch(text);

    public static MarkupString ToHtml(string text)
    {
        var document = Markdown.Parse(text, Pipeline);
        foreach (var part in document.Descendants().ToList())
            Tame(part);
        using var html = new StringWriter();
        var renderer = new HtmlRenderer(html);
        Pipeline.Setup(renderer);
        renderer.ObjectRenderers.FindExact<CodeBlockRenderer>()!.OutputAttributesOnPre = true;
        renderer.Render(document);
        return new(html.ToString());
    }

    private static void Tame(MarkdownObject part)
    {
        switch (part)
        {
            case HeadingBlock heading:
                heading.Level = Math.Min(6, heading.Level + FirstHeading - 1); // the page has the first two
                break;
            case CodeBlock or Table:
                part.GetAttributes().AddProperty("tabindex", "0"); // it may be wider than the page
                break;
            case LinkInline link:
                link.IsImage = false; // an image would be loaded from elsewhere
                link.Url = IsSafe(link.Url) ? link.Url : "";
                Open(link);
                break;
            case AutolinkInline link:
                link.Url = link.IsEmail || IsSafe(link.Url) ? link.Url : "";
                Open(link);
                break;
        }

        static void Open(Inline link)
        {
            link.GetAttributes().AddProperty("rel", "noopener noreferrer nofollow");
            link.GetAttributes().AddProperty("target", "_blank");
        }
    }

    private static bool IsSafe(string? url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var absolute) && absolute.Scheme is "http" or "https" or "mailto";
}
