using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using MnemoLite.Api.Filters;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class FilterTests(RunningApplication app)
{
    private static readonly string[] Keys = ["a", "b", "tags", "x.y", "ключ"];

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Random_filters_find_exactly_what_an_evaluator_in_memory_finds(int seed)
    {
        var random = new Random(seed);
        var run = Guid.NewGuid().ToString("N", CultureInfo.InvariantCulture);
        var stored = new Dictionary<Guid, JsonObject>();
        for (var i = 0; i < 60; i++)
        {
            var metadata = RandomObject(random, 2);
            metadata["run"] = run;
            var created = await app.Client.CreateAsync(
                new() { Content = JsonText.Parse("{}"), Metadata = JsonText.Parse(metadata.ToJsonString()) }, Cancelled);
            stored[created.Id] = metadata;
        }

        int some = 0, none = 0, untold = 0;
        for (var i = 0; i < 200; i++)
        {
            var filter = RandomFilter(random, 3);
            var read = Filter.Parse(JsonText.Parse(filter.ToJsonString()), "filter");
            foreach (var metadata in stored.Values)
            {
                if (read.Passes(JsonText.Parse(metadata.ToJsonString()).ToElement()) is { } told)
                    Assert.True(told == FilterEvaluator.Passes(metadata, filter), $"seed {seed}, filter {filter.ToJsonString()}, metadata {metadata.ToJsonString()}");
                else
                    untold++;
            }
            var expected = stored.Where(e => FilterEvaluator.Passes(e.Value, filter)).Select(e => e.Key).Order().ToList();
            var found = await app.Client.SearchAsync(
                new()
                {
                    Filter = JsonText.Parse(new JsonObject { ["$and"] = new JsonArray(new JsonObject { ["run"] = run }, filter.DeepClone()) }.ToJsonString()),
                    Limit = 1000,
                },
                Cancelled);
            Assert.True(expected.SequenceEqual(found.Events.Select(e => e.Id).Order()), $"seed {seed}, filter {filter.ToJsonString()}");
            Assert.Equal(expected.Count, found.Total);
            _ = expected.Count is > 0 and < 60 ? some++ : none++;
        }
        Assert.True(untold < 2000, $"of {untold} of 12000 it could not be told in memory whether they pass");
        Assert.True(some > 40, $"only {some} of the filters divided the events: the test would prove little");
    }

    [Theory]
    [InlineData("""{"price": {"$foo": 1}}""", "/filter/price/$foo")]
    [InlineData("""{"$nor": []}""", "/filter/$nor")]
    [InlineData("""{"$and": [{"a": 1}, {"b": {"$gte": 1, "$ge": 2}}]}""", "/filter/$and/1/b/$ge")]
    [InlineData("""{"$or": []}""", "/filter/$or")]
    [InlineData("""{"$and": {"a": 1}}""", "/filter/$and")]
    [InlineData("""{"$or": [1]}""", "/filter/$or/0")]
    [InlineData("""{"$not": [1]}""", "/filter/$not")]
    [InlineData("""{"a/b~c": {"$in": 5}}""", "/filter/a~1b~0c/$in")]
    [InlineData("""{"a": {"$exists": 1}}""", "/filter/a/$exists")]
    [InlineData("""{"a": {"$gt": {"b": 1}}}""", "/filter/a/$gt")]
    [InlineData("""{"a": {"$not": 1}}""", "/filter/a/$not")]
    [InlineData("""{"a..b": 1}""", "/filter/a..b")]
    [InlineData("""{"": 1}""", "/filter/")]
    [InlineData("""{"a": {"$eq": 1, "b": 2}}""", "/filter/a/b")]
    public async Task What_has_no_meaning_is_refused_with_a_pointer_to_it(string filter, string place)
    {
        using var response = await app.Http.PostAsync(
            "/v1/search", new StringContent($$"""{"filter": {{filter}}}""", null, "application/json"), Cancelled);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        var problem = await response.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Problem, Cancelled);
        Assert.Equal(place, problem!.JsonPointer);
        Assert.StartsWith(place + " ", Assert.Single(Assert.Single(problem.Errors!).Value), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_filter_that_is_too_deep_or_too_long_is_refused()
    {
        var deep = JsonText.Parse(string.Concat(Enumerable.Repeat("""{"$not":""", 20)) + """{"a":1}""" + new string('}', 20));
        var @long = JsonText.From(new Dictionary<string, object> { ["a"] = new Dictionary<string, int[]> { ["$in"] = [.. Enumerable.Range(0, 501)] } });
        foreach (var filter in new[] { deep, @long })
        {
            var refused = await Assert.ThrowsAsync<MnemoLiteException>(() => app.Client.SearchAsync(new() { Filter = filter }, Cancelled));
            Assert.Equal(HttpStatusCode.UnprocessableEntity, refused.StatusCode);
        }
    }

    private static JsonObject RandomFilter(Random random, int depth)
    {
        var field = Field(random);
        return (depth == 0 ? random.Next(9) : random.Next(12)) switch
        {
            0 => new() { [field] = RandomValue(random, 1) },
            1 => new() { [field] = new JsonObject { ["$eq"] = RandomValue(random, 1) } },
            2 => new() { [field] = new JsonObject { ["$ne"] = RandomValue(random, 1) } },
            3 or 4 => new() { [field] = new JsonObject { [Pick(random, "$gt", "$gte", "$lt", "$lte")] = RandomScalar(random, ordered: true) } },
            5 => new() { [field] = new JsonObject { [Pick(random, "$in", "$nin")] = new JsonArray(RandomValue(random, 1), RandomValue(random, 0)) } },
            6 => new() { [field] = new JsonObject { ["$exists"] = random.Next(2) == 0 } },
            7 => new() { [field] = new JsonObject { ["$contains"] = RandomValue(random, 1) } },
            8 => new() { [field] = new JsonObject { ["$gte"] = random.Next(3), ["$not"] = new JsonObject { ["$eq"] = random.Next(4) } } },
            9 => new() { ["$not"] = RandomFilter(random, depth - 1) },
            10 => new() { ["$and"] = new JsonArray(RandomFilter(random, depth - 1), RandomFilter(random, depth - 1)) },
            _ => new() { ["$or"] = new JsonArray(RandomFilter(random, depth - 1), RandomFilter(random, depth - 1)) },
        };
    }

    private static string Field(Random random)
    {
        var first = Key(random);
        return random.Next(4) switch
        {
            0 => $"{first}.{Key(random)}",
            1 when random.Next(2) == 0 => $"{first}.{random.Next(-1, 2)}",
            _ => first,
        };

        static string Key(Random random) => Keys[random.Next(Keys.Length)].Replace(".", "\\.", StringComparison.Ordinal);
    }

    private static string Pick(Random random, params string[] choices) => choices[random.Next(choices.Length)];

    private static JsonObject RandomObject(Random random, int depth)
    {
        var result = new JsonObject();
        for (var i = random.Next(4); i >= 0; i--)
            result[Keys[random.Next(Keys.Length)]] = RandomValue(random, depth - 1);
        return result;
    }

    private static JsonNode? RandomValue(Random random, int depth) => (depth <= 0 ? 0 : random.Next(6)) switch
    {
        4 => new JsonArray([.. Enumerable.Range(0, random.Next(3)).Select(_ => RandomValue(random, depth - 1))]),
        5 => RandomObject(random, depth),
        _ => RandomScalar(random, ordered: false),
    };

    private static JsonNode? RandomScalar(Random random, bool ordered) => random.Next(ordered ? 5 : 8) switch
    {
        0 or 1 => JsonValue.Create(random.Next(4)),
        2 => JsonNode.Parse(Pick(random, "1.0", "2.50", "1e0", "-1", "3e2")),
        3 or 4 => JsonValue.Create(Pick(random, "alpha", "Alpha", "beta", "", "10", "äpfel", "😀", "a'b", "\\")),
        5 => JsonValue.Create(true),
        6 => JsonValue.Create(false),
        _ => null,
    };
}
