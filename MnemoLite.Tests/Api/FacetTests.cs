using System.Net;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class FacetTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_values_of_metadata_are_counted_by_key_the_most_common_first()
    {
        var (key, day) = ($"facet-{Guid.NewGuid():N}", new DateTimeOffset(2019, 3, 5, 12, 0, 0, TimeSpan.Zero));
        await RememberAsync($$"""{"{{key}}": "blue", "{{key}}-n": 3, "{{key}}-list": ["a", "b", "a", {"c": 1}]}""", day);
        await RememberAsync($$"""{"{{key}}": "red", "{{key}}-n": 3, "{{key}}-flag": true, "{{key}}-list": ["a"]}""", day);
        await RememberAsync($$"""{"{{key}}": "red", "{{key}}-n": "3", "{{key}}-object": {"a": 1}, "{{key}}-none": null}""", day);
        await RememberAsync($$"""{"{{key}}": "{{new string('x', 101)}}", "{{new string('k', 101)}}": 1}""", day);
        await RememberAsync($$"""{"{{key}}": "another day"}""", day.AddDays(1));

        var facets = await app.Client.CountFacetsAsync(day, day, Cancelled);

        Assert.False(facets.Truncated);
        Assert.True(facets.Events >= 4);
        Assert.Equal(4, facets.Keys.Single(facet => facet.Key == key).Count);
        Assert.Equal("""red 2, blue 1""", Values(facets, key));
        Assert.Equal("""3 2, "3" 1""", Values(facets, $"{key}-n", raw: true));
        Assert.Equal("""a 2, b 1""", Values(facets, $"{key}-list"));
        Assert.Equal("""true 1""", Values(facets, $"{key}-flag", raw: true));
        Assert.DoesNotContain(facets.Keys, facet => facet.Key == $"{key}-object" || facet.Key == $"{key}-none" || facet.Key.Length > 100);
        Assert.Equal(facets.Keys.Select(facet => facet.Count).OrderDescending(), facets.Keys.Select(facet => facet.Count));
    }

    [Fact]
    public async Task A_time_without_events_has_no_facets()
    {
        var day = new DateTimeOffset(1971, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var facets = await app.Client.CountFacetsAsync(day, day.AddDays(1), Cancelled);
        Assert.Equal((0, false, 0), (facets.Events, facets.Truncated, facets.Keys.Count));
    }

    [Fact]
    public async Task A_time_that_ends_before_it_begins_is_refused()
    {
        var refused = await Assert.ThrowsAsync<MnemoLiteException>(
            () => app.Client.CountFacetsAsync(DateTimeOffset.UnixEpoch.AddDays(1), DateTimeOffset.UnixEpoch, Cancelled));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
    }

    private static string Values(MetadataFacets facets, string key, bool raw = false) => string.Join(
        ", ",
        facets.Keys.Single(facet => facet.Key == key).Values
            .Select(value => $"{(raw ? value.Value.GetRawText() : value.Value.ToString())} {value.Count}"));

    private Task<Event> RememberAsync(string metadata, DateTimeOffset time) =>
        app.Client.CreateAsync(new() { Content = JsonText.From(new { n = 1 }), Metadata = JsonText.Parse(metadata), Timestamp = time }, Cancelled);
}
