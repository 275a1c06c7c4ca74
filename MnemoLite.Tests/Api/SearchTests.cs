using System.Globalization;
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
        Assert.Equal(found.Events.OrderByDescending(e => e.SimilarityScore).Select(e => e.Id), found.Events.Select(e => e.Id));
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

        var found = await app.Client.SearchAsync(new() { Query = "network router password", Metadata = Project(project), Limit = 100 }, Cancelled);

        var order = found.Events.Select(e => e.Id).ToList();
        Assert.True(order.IndexOf(hiding.Id) < order.IndexOf(plain.Id), "what stands at the end counts");
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
