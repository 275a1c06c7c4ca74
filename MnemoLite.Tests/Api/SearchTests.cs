using System.Globalization;
using System.Net.Http.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class SearchTests(RunningApplication app)
{
    private static readonly string[] Others =
    [
        "The quarterly report was sent to the finance team", "Pasta with basil is on the menu tonight",
        "Our train to Berlin leaves at seven", "The printer on the second floor is out of toner",
        "Maria plays the cello in an orchestra", "The mountain trail is closed after the landslide",
        "A new bakery opened near the station", "The football match ended in a draw",
        "Rent is paid at the beginning of each month", "The museum shows paintings from the baroque era",
        "Grandmother knitted a red scarf", "The bicycle has a flat tyre",
        "Stock prices fell sharply on Monday", "The volcano erupted without warning",
        "He learned to swim in the lake", "The library extends its opening hours",
        "Fresh strawberries are sold at the market", "The bridge was built in 1890",
        "She translated the novel into Spanish", "The window in the kitchen does not close",
        "A thunderstorm is expected in the afternoon", "The choir rehearses on Wednesdays",
        "Solar panels were mounted on the roof", "The dog barked at the postman",
        "The committee elected a new chair", "Tomatoes grow well in the greenhouse",
        "The ferry crosses the river every hour", "He collects stamps from Africa",
        "The lecture about black holes was crowded", "Their wedding took place in a castle",
        "The dentist appointment was moved to Thursday", "A fox crossed the snowy field",
        "The elevator is being repaired", "She won the chess tournament",
        "The coffee machine needs descaling", "The theatre was renovated last year",
        "Prices for olive oil have doubled", "The satellite reached its orbit",
        "He forgot his umbrella in the taxi", "The exhibition opens with a speech",
        "A whale was seen near the coast", "The carpet in the hall is blue",
        "The pharmacist recommended a syrup", "Their house has a garden with apple trees",
        "The judge postponed the hearing", "Skiing lessons start in December",
        "The fountain in the park is frozen", "The violin was made in Cremona",
        "A detour leads through the village", "The beekeeper sells honey",
    ];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Anna wants her code indented with tabs", "What are the formatting preferences of our developer?")]
    [InlineData("My physician told me to avoid peanuts", "Which foods am I allergic to?")]
    [InlineData("The server crashed because the disk was full", "Why did our machine go down?")]
    public async Task A_question_finds_the_memory_that_answers_it_among_fifty_others(string memory, string question)
    {
        var project = Unique();
        Assert.Empty(Words(memory).Intersect(Words(question)));
        foreach (var other in Others)
            await RememberAsync(other, project);
        var wanted = await RememberAsync(memory, project);

        var found = await app.Client.SearchAsync(new() { Query = question, Metadata = Project(project), Limit = 5 }, Cancelled);

        Assert.Equal(wanted.Id, found.Events[0].Id);
        Assert.Equal(Others.Length + 1, found.Total);
        Assert.All(found.Events, e => Assert.InRange(e.SimilarityScore!.Value, -1, 1));
    }

    [Fact]
    public async Task Without_a_query_the_newest_that_pass_the_filters_are_found_and_counted()
    {
        var project = Unique();
        var start = new DateTimeOffset(2026, 4, 1, 0, 0, 0, TimeSpan.Zero);
        var ids = new List<Guid>();
        for (var day = 0; day < 5; day++)
            ids.Add((await RememberAsync($"day {day}", project, start.AddDays(day))).Id);

        var found = await app.Client.SearchAsync(
            new() { Metadata = Project(project), TsStart = start.AddDays(1), TsEnd = start.AddDays(4), Limit = 2, Offset = 1 }, Cancelled);

        Assert.Equal([ids[3], ids[2]], found.Events.Select(e => e.Id));
        Assert.Equal(4, found.Total);
        Assert.All(found.Events, e => Assert.Null(e.SimilarityScore));
    }

    [Fact]
    public async Task A_page_beyond_the_last_is_empty_and_still_says_the_total()
    {
        var project = Unique();
        await RememberAsync("only one", project);
        var newest = await app.Client.SearchAsync(new() { Metadata = Project(project), Offset = 10 }, Cancelled);
        var nearest = await app.Client.SearchAsync(new() { Query = "one", Metadata = Project(project), Offset = 10 }, Cancelled);
        Assert.Equal((0, 1), (newest.Events.Count, newest.Total));
        Assert.Equal((0, 1), (nearest.Events.Count, nearest.Total));
    }

    [Fact]
    public async Task The_threshold_leaves_out_what_is_farther()
    {
        var project = Unique();
        var same = await RememberAsync("The garden needs water in July", project);
        await RememberAsync("Interest rates were raised by the central bank", project);

        var found = await app.Client.SearchAsync(
            new() { Query = "The garden needs water in July", Metadata = Project(project), DistanceThreshold = 0.01 }, Cancelled);

        Assert.Equal(same.Id, Assert.Single(found.Events).Id);
        Assert.Equal(1, found.Total);
        Assert.Equal(1, found.Events[0].SimilarityScore!.Value, 5);
    }

    [Fact]
    public async Task The_end_of_a_long_text_is_found_too()
    {
        var project = Unique();
        foreach (var other in Others)
            await RememberAsync(other, project);
        var filler = string.Join(". ", Enumerable.Repeat("The sea was calm and the boats lay in the harbour", 12));
        var plain = await RememberAsync(filler, project);
        var hiding = await RememberAsync($"{filler}. The password of the router was changed by the administrator", project);

        var found = await app.Client.SearchAsync(
            new() { Query = "network router password", Mode = SearchMode.Semantic, Metadata = Project(project), Limit = 100 }, Cancelled);

        var order = found.Events.Select(e => e.Id).ToList();
        Assert.True(order.IndexOf(hiding.Id) < order.IndexOf(plain.Id), "what stands at the end counts");
    }

    [Theory]
    [InlineData("\"red green\"", "red green blue", "green red blue")]
    [InlineData("red blue", "a blue pencil and a red one", "a red pencil")]
    [InlineData("red -blue", "a red pencil", "a red pencil and a blue one")]
    [InlineData("crimson OR azure", "an azure sky", "a grey sky")]
    [InlineData("running", "we run every morning", "we swim every morning")]
    [InlineData("OrderService.cs", "the bug is in src/Orders/OrderService.cs:42", "the bug is in the service that orders")]
    [InlineData("orderservice", "the bug is in OrderService.cs", "the bug is in the service that orders")]
    [InlineData("order service", "the bug is in OrderService.cs", "the bug is in InvoiceService.cs")]
    [InlineData("MAX_POOL_SIZE", "set MAX_POOL_SIZE to 20", "set MIN_POOL_SIZE to 20")]
    [InlineData("ECONNRESET", "the proxy answers with ECONNRESET", "the proxy answers with ETIMEDOUT")]
    [InlineData("Verfügbarkeit", "Die Verfügbarkeit lag bei 99,9 %", "Die Antwortzeit lag bei 20 ms")]
    [InlineData("договор", "Подписали договор с поставщиком", "Позвонили поставщику")]
    [InlineData("会議", "明日の会議は十時からです", "明日の電車は十時に出ます")]
    [InlineData("athentication", "the authentication token expires", "the cake recipe needs sugar")]
    [InlineData("OrderServce.cs", "the bug is in OrderService.cs", "the bug is in InvoiceStore.cs")]
    public async Task Keyword_search_finds_what_the_words_say(string query, string wanted, string other)
    {
        var project = Unique();
        var right = await RememberAsync(wanted, project);
        await RememberAsync(other, project);

        var found = await app.Client.SearchAsync(new() { Query = query, Mode = SearchMode.Keyword, Metadata = Project(project) }, Cancelled);

        Assert.Equal(right.Id, Assert.Single(found.Events).Id);
        Assert.Equal(1, found.Total);
        Assert.Null(found.Events[0].SimilarityScore);
    }

    [Fact]
    public async Task OR_finds_either()
    {
        var project = Unique();
        Guid[] both = [(await RememberAsync("a crimson flag", project)).Id, (await RememberAsync("an azure flag", project)).Id];
        await RememberAsync("a grey flag", project);
        var found = await app.Client.SearchAsync(
            new() { Query = "crimson OR azure", Mode = SearchMode.Keyword, Metadata = Project(project) }, Cancelled);
        Assert.Equal(both.Order(), found.Events.Select(e => e.Id).Order());
    }

    [Fact]
    public async Task Where_no_event_has_all_the_words_the_rarer_ones_count_more()
    {
        var project = Unique();
        var rare = await RememberAsync("zeppelin maintenance plan", project);
        for (var i = 0; i < 5; i++)
            await RememberAsync($"weekly report number {i}", project);
        var found = await app.Client.SearchAsync(
            new() { Query = "report about the zeppelin budget", Mode = SearchMode.Keyword, Metadata = Project(project), Explain = true }, Cancelled);
        Assert.Equal(rare.Id, found.Events[0].Id);
        Assert.Equal(6, found.Total);
        Assert.True(found.Events[0].KeywordScore > found.Events[1].KeywordScore);
    }

    [Fact]
    public async Task Explain_gives_the_parts_from_which_the_order_follows()
    {
        var project = Unique();
        foreach (var other in Others)
            await RememberAsync(other, project);
        var wanted = await RememberAsync("The choir of OrderService.cs sings a thunderstorm", project);

        var found = await app.Client.SearchAsync(
            new() { Query = "choir thunderstorm in OrderService.cs", Metadata = Project(project), Limit = 100, Explain = true }, Cancelled);

        Assert.Equal(wanted.Id, found.Events[0].Id);
        Assert.Equal(1, found.Events[0].KeywordRank);
        Assert.All(found.Events, e =>
        {
            var semantic = e.SemanticRank is { } s ? 1.0 / (60 + s) : 0;
            var keyword = e.KeywordRank is { } k ? 2 * e.KeywordScore!.Value / (60 + k) : 0;
            Assert.Equal(e.FusedScore!.Value, semantic + keyword, 12);
            Assert.Equal(1 - e.Distance!.Value, e.SimilarityScore!.Value, 12);
        });
        Assert.Equal(found.Events.OrderByDescending(e => e.FusedScore).Select(e => e.Id), found.Events.Select(e => e.Id));

        var plain = await app.Client.SearchAsync(new() { Query = "choir", Metadata = Project(project) }, Cancelled);
        Assert.All(plain.Events, e => Assert.Null(e.FusedScore));
    }

    [Fact]
    public async Task The_routes_of_MnemoLite_2_answer_in_their_form()
    {
        var project = Unique();
        var near = await RememberAsync("The lighthouse keeper counts the ships", project);
        await RememberAsync("Interest rates were raised by the central bank", project);
        var filter = Uri.EscapeDataString(Project(project).ToString());
        var vector = Uri.EscapeDataString($"[{string.Join(", ", near.Embedding!.Select(x => ((double)x).ToString(CultureInfo.InvariantCulture)))}]");

        foreach (var path in new[]
        {
            $"/v1/search/?vector_query=lighthouse+keeper&filter_metadata={filter}&limit=1",
            $"/v1/search?vector_query={vector}&filter_metadata={filter}&limit=1&distance_threshold=0.5",
            $"/v1/search/?vector_query=lighthouse&mode=keyword&filter_metadata={filter}&limit=1",
        })
        {
            var page = await app.Http.GetFromJsonAsync(path, MnemoLiteJson.Default.SearchPage, Cancelled);
            Assert.Equal(near.Id, Assert.Single(page!.Data).Id);
            Assert.Equal((1, 0), (page.Meta.Limit, page.Meta.Offset));
        }
        var newest = await app.Http.GetFromJsonAsync(
            $"/v1/search/metadata?filter_metadata={filter}&limit=1&offset=1", MnemoLiteJson.Default.SearchPage, Cancelled);
        Assert.Equal(near.Id, Assert.Single(newest!.Data).Id);
        Assert.Equal(2, newest.Meta.TotalHits);

        using var similar = await app.Http.PostAsJsonAsync(
            "/v1/search/similarity", new SimilaritySearch { Embedding = near.Embedding!, Limit = 1 }, MnemoLiteJson.Default.SimilaritySearch, Cancelled);
        Assert.Equal(near.Id, Assert.Single((await similar.Content.ReadFromJsonAsync(MnemoLiteJson.Default.SearchPage, Cancelled))!.Data).Id);
        using var nearest = await app.Http.PostAsJsonAsync("/v1/events/search/embedding?limit=1", near.Embedding!, MnemoLiteJson.Default.SingleArray, Cancelled);
        var list = await nearest.Content.ReadFromJsonAsync(MnemoLiteJson.Default.IReadOnlyListEvent, Cancelled);
        Assert.Equal(1, Assert.Single(list!).SimilarityScore!.Value, 5);
        using var content = await app.Http.PostAsJsonAsync(
            "/v1/search/content", new ContentSearch { Query = "lighthouse keeper", Limit = 1000 }, MnemoLiteJson.Default.ContentSearch, Cancelled);
        Assert.Contains((await content.Content.ReadFromJsonAsync(MnemoLiteJson.Default.SearchPage, Cancelled))!.Data, e => e.Id == near.Id);
    }

    private static HashSet<string> Words(string text)
    {
        var stopWords = new HashSet<string>(["the", "to", "a", "of", "our", "my", "was", "with", "what", "are", "which", "am", "i", "why", "did", "me", "her"]);
        return [.. text.ToLowerInvariant().Split([' ', '?', '.', ','], StringSplitOptions.RemoveEmptyEntries).Where(word => !stopWords.Contains(word))];
    }

    private static string Unique() => Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);

    private static JsonText Project(string project) => JsonText.From(new { project });

    private Task<Event> RememberAsync(string text, string project, DateTimeOffset? timestamp = null) =>
        app.Client.CreateAsync(new() { Content = JsonText.From(new { text }), Metadata = Project(project), Timestamp = timestamp }, Cancelled);
}
