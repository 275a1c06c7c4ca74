using System.Text.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

/// <summary>Words and a filter together, in a store where one word is in every event and others are in few.</summary>
public sealed class FilteredKeywordTests(RunningApplication app) : IAsyncLifetime
{
    private const int Events = 2500;
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private OwnDatabase _database = null!;
    private ApiProcess _api = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app);
        await _database.ExecuteAsync($$"""
            INSERT INTO events (id, space, timestamp, content, metadata)
            SELECT gen_random_uuid(), 'default', '{{Start:O}}'::timestamptz + n * interval '1 minute',
                jsonb_build_object('text', 'everywhere word' || n % 250), jsonb_build_object('n', n, 'group', n % 10)
            FROM generate_series(0, {{Events - 1}}) AS n
            """);
        await _database.ExecuteAsync("ANALYZE events");
        _api = ApiProcess.Start(_database.Setting, "--EMBEDDING_MODE=mock");
        _http = await _api.ConnectAsync(Cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _api.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Theory]
    [InlineData("word7", 7, 10)] // of the ten events that have it, all are in the group
    [InlineData("word7", 8, 0)]
    [InlineData("everywhere", 8, 100)] // as many as a page has
    public async Task A_word_is_found_among_what_has_the_metadata_however_many_others_have_it(string word, int group, int count)
    {
        var found = await SearchAsync(new() { Query = word, Metadata = JsonText.From(new { group }), Mode = SearchMode.Keyword, Limit = 100 });

        Assert.Equal(count, found.Count);
        Assert.All(found, n => Assert.Equal(group, n % 10));
    }

    [Theory]
    [InlineData("word7", new[] { 1007, 1257, 1507, 1757 })]
    [InlineData("everywhere", null)]
    public async Task A_word_is_found_in_a_time_however_many_others_have_it(string word, int[]? expected)
    {
        var found = await SearchAsync(new()
        {
            Query = word,
            TsStart = Start.AddMinutes(1000),
            TsEnd = Start.AddMinutes(1999),
            Mode = SearchMode.Keyword,
            Limit = 100,
        });

        if (expected is not null)
            Assert.Equal(expected, found.Order());
        else
            Assert.Equal(100, found.Count);
        Assert.All(found, n => Assert.InRange(n, 1000, 1999));
    }

    private async Task<List<int>> SearchAsync(SearchRequest search)
    {
        var answer = await new MnemoLiteClient(_http).SearchAsync(search, Cancelled);
        return [.. answer.Events.Select(@event => JsonSerializer.Deserialize<JsonElement>(@event.Metadata.ToString()).GetProperty("n").GetInt32())];
    }
}
