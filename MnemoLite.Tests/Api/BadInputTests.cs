using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using CsCheck;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

/// <summary>Whatever a client sends, it gets an answer, and one that says what is wrong: never a 500, never silence.</summary>
public sealed class BadInputTests(RunningApplication app)
{
    private static readonly Gen<char> Character = Gen.OneOf(
        Gen.Char['a', 'z'], Gen.Char['\0', '\x1f'], Gen.Char['\ud800', '\udfff'], Gen.Char,
        Among('"', '\\', '/', '\u2028', '\ufffe', '\uffff', '%', '$', '\'', ':', '*', '-', '|', '&', '!', '(', ')', '<', '>'));

    private static readonly Gen<string> Text = Gen.OneOf(
        Gen.String[Character, 0, 20],
        Among("", " ", "OR", "-", "\"", "\" \"", "- -", "a OR", "-a", "\"a", "null", "NaN", "Infinity", "2026-01-01", "0001-01-01T00:00:00Z",
            "9999-12-31T23:59:59.9999999-12:00", "$eq", "$or", "a.b", ".", "..", new string('x', 5000), new string('é', 3000) + " b"));

    private static readonly Gen<string> Number = Among(
        "0", "-0", "1", "-1", "1.5", "2147483648", "9223372036854775808", "123456789012345678901234567890.5", "1e308", "1e400", "-1e999999", "1e-999999",
        new string('9', 500), "0." + new string('1', 20_000), "1e131071", "1e-16384");

    private static readonly Gen<string> Giant = Among(
        Nested("[", "]", 63), Nested("[", "]", 65), Nested("[", "]", 20_000), Nested("{\"a\":", "}", 70), Nested("{\"$not\":", "}", 40), Nested("{\"$and\":[", "]}", 60),
        $"[{string.Join(',', Enumerable.Repeat("0", 50_000))}]", $"[{string.Join(',', Enumerable.Repeat("{}", 20_000))}]",
        $"{{{string.Join(',', Enumerable.Range(0, 5000).Select(i => $"\"k{i}\":{i}"))}}}", "\"" + new string('x', 300_000) + "\"");

    private static readonly Gen<string> Broken = Among("{", "[1,", "\"", "tru", "{\"a\":}", "{\"a\":1,}", "1 2", "", "//", "{\"a\":1}x", "\\u0000", "[\u0001]");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public Task Any_JSON_as_an_event() =>
        Gen.Select(Json(3), Json(2)).SampleAsync(
            pair => PostAsync("/v1/events", $$"""{"content": {{pair.Item1}}, "metadata": {{pair.Item2}}}"""), iter: 200, threads: 1);

    [Fact]
    public Task Any_object_as_an_event() =>
        Gen.Select(Object(3), Object(2)).SampleAsync(
            async pair =>
            {
                await PostAsync("/v1/events", $$"""{"content": {{pair.Item1}}, "metadata": {{pair.Item2}}}""");
                await PostAsync("/v1/events/batch", $$"""[{"content": {{pair.Item1}}, "metadata": {{pair.Item2}}}, {{pair.Item2}}]""");
            },
            iter: 200, threads: 1);

    [Fact]
    public Task Any_search() =>
        Gen.Select(Text, Json(3), Object(2), Among("hybrid", "semantic", "keyword")).SampleAsync(
            search => PostAsync("/v1/search",
                $$"""{"query": {{Quoted(search.Item1)}}, "filter": {{search.Item2}}, "metadata": {{search.Item3}}, "mode": "{{search.Item4}}"}"""),
            iter: 200, threads: 1);

    [Fact]
    public Task Any_query_in_words() =>
        Gen.Select(Text, Text, Among("hybrid", "semantic", "keyword")).SampleAsync(
            search => PostAsync("/v1/search", $$"""{"query": {{Quoted($"{search.Item1} {search.Item2}")}}, "mode": "{{search.Item3}}", "explain": true}"""),
            iter: 300, threads: 1);

    [Fact]
    public async Task Any_bytes_as_a_body()
    {
        var operations = (await OperationsAsync()).Where(operation => operation.Body is not null).ToArray();
        await Gen.Select(Among(operations), Gen.OneOf(
                Gen.Byte.Array[0, 50], Gen.OneOf(Broken, Giant, Json(2)).Select(Encoding.UTF8.GetBytes),
                Gen.Byte.Array[1, 5].Select(bytes => (byte[])[.. "{\"content\":{\"text\":\""u8, .. bytes, .. "\"}}"u8])))
            .SampleAsync(
                async sent =>
                {
                    var path = sent.Item1.Path.Replace("{id}", Guid.CreateVersion7().ToString(), StringComparison.Ordinal);
                    using var request = new HttpRequestMessage(sent.Item1.Method, path) { Content = new ByteArrayContent(sent.Item2) };
                    request.Content.Headers.ContentType = new("application/json");
                    await CheckAsync(request, Encoding.UTF8.GetString(sent.Item2));
                },
                iter: 400, threads: 1);
    }

    [Fact]
    public async Task Anything_near_what_the_OpenAPI_document_asks_for()
    {
        foreach (var operation in (await OperationsAsync()).Where(operation => operation.Path != "/v1/store/partition")) // takes no input, and does much
        {
            await Gen.Select(Url(operation), operation.Body is { } schema ? Near(schema, 4) : Gen.Const("")).SampleAsync(
                async sent =>
                {
                    using var request = new HttpRequestMessage(operation.Method, sent.Item1);
                    if (operation.Body is not null)
                        request.Content = new StringContent(sent.Item2, Encoding.UTF8, "application/json");
                    await CheckAsync(request, sent.Item2);
                },
                iter: 25, threads: 1);
        }
    }

    private async Task PostAsync(string path, string body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        await CheckAsync(request, body);
    }

    private async Task CheckAsync(HttpRequestMessage request, string sent)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        using var answer = await app.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        if (answer.Content.Headers.ContentType?.MediaType == "text/event-stream")
            return; // it goes on for as long as one listens
        if (answer.StatusCode == HttpStatusCode.RequestUriTooLong)
        {
            Assert.InRange(request.RequestUri!.AbsoluteUri.Length, 130_000, int.MaxValue);
            return; // Kestrel reads no further than 128 KiB of a request's first line, and so never gets to a document
        }
        var body = await answer.Content.ReadAsStringAsync(patience.Token);
        var what = $"{request.Method} {request.RequestUri} {Start(sent)}\n{(int)answer.StatusCode} {Start(body)}";
        Assert.True((int)answer.StatusCode < 500, what);
        if (answer.IsSuccessStatusCode)
            return;
        Assert.True(answer.Content.Headers.ContentType?.MediaType == "application/problem+json", what);
        var problem = JsonElement.Parse(body);
        Assert.False(string.IsNullOrEmpty(problem.GetProperty("detail").GetString()), what);
        Assert.DoesNotContain("Exception", body, StringComparison.Ordinal);
        Assert.True(problem.GetProperty("status").GetInt32() == (int)answer.StatusCode, what);
    }

    private async Task<List<Operation>> OperationsAsync()
    {
        var document = JsonElement.Parse(await app.Http.GetStringAsync("/openapi/v1.json", Cancelled));
        var operations = new List<Operation>();
        foreach (var path in document.GetProperty("paths").EnumerateObject())
        {
            foreach (var operation in path.Value.EnumerateObject())
            {
                operations.Add(new(
                    new HttpMethod(operation.Name.ToUpperInvariant()),
                    path.Name,
                    operation.Value.TryGetProperty("parameters", out var parameters)
                        ? [.. parameters.EnumerateArray().Select(parameter => new Parameter(
                            parameter.GetProperty("name").GetString()!, parameter.GetProperty("in").GetString()!,
                            new(document, parameter.GetProperty("schema"))))]
                        : [],
                    operation.Value.TryGetProperty("requestBody", out var body)
                        ? new(document, body.GetProperty("content").EnumerateObject().First().Value.GetProperty("schema"))
                        : null));
            }
        }
        Assert.True(operations.Count > 20);
        return operations;
    }

    /// <summary>The path with values near what its parameters ask for; some left out.</summary>
    private static Gen<string> Url(Operation operation)
    {
        var url = Gen.Const(operation.Path);
        foreach (var parameter in operation.Parameters)
        {
            var value = Gen.OneOf(Near(parameter.Schema, 1).Select(json => json.Trim('"')), Text).Select(text => Uri.EscapeDataString(WellFormed(text)));
            url = parameter.In switch
            {
                // The server itself takes no NUL in a path, and ends such a request with a bare 400 before the application sees it.
                "path" => Gen.Select(url, value, (made, text) => made.Replace(
                    $"{{{parameter.Name}}}",
                    text.Length is 0 or > 1000 || text is "." or ".." || text.Contains("%00", StringComparison.Ordinal) ? "x" : text,
                    StringComparison.Ordinal)),
                "query" => Gen.Select(url, value, Gen.Bool, (made, text, given) =>
                    given && text.Length < 6000 ? $"{made}{(made.Contains('?', StringComparison.Ordinal) ? '&' : '?')}{parameter.Name}={text}" : made),
                _ => url,
            };
        }
        return url;
    }

    /// <summary>A value the schema asks for, or now and then any other.</summary>
    private static Gen<string> Near(Schema schema, int depth)
    {
        var right = Right(schema.Resolve(), depth);
        return Gen.Frequency((8, right), (1, Json(1)), (1, Among("null", "-1", "\"x\"", "[]", "{}")));
    }

    private static Gen<string> Right(Schema schema, int depth)
    {
        if (schema.Any("enum") is { } allowed)
            return Among(allowed.EnumerateArray().Select(value => value.GetRawText()).ToArray());
        foreach (var choice in (string[])["oneOf", "anyOf"])
        {
            if (schema.Any(choice) is { } choices)
                return Gen.OneOf(choices.EnumerateArray().Select(part => Near(schema with { Node = part }, depth)).ToArray());
        }
        var types = schema.Types();
        if (types.Contains("object") && depth > 0)
        {
            var members = Gen.Const("");
            if (schema.Any("properties") is { } properties)
            {
                foreach (var property in properties.EnumerateObject())
                {
                    members = Gen.Select(members, Near(schema with { Node = property.Value }, depth - 1), Gen.Int[0, 3], (made, value, kept) =>
                        kept == 0 ? made : $"{made}{(made.Length > 0 ? "," : "")}\"{property.Name}\":{value}");
                }
                return members.Select(made => $"{{{made}}}");
            }
            return Object(1);
        }
        if (types.Contains("array") && depth > 0 && schema.Any("items") is { } items)
            return Near(schema with { Node = items }, depth - 1).List[0, 4].Select(values => $"[{string.Join(',', values)}]");
        if (types.Contains("integer") || types.Contains("number"))
            return Gen.OneOf(Gen.Int[0, 20].Select(number => number.ToString(CultureInfo.InvariantCulture)), Number);
        if (types.Contains("boolean"))
            return Among("true", "false");
        return (schema.Any("format")?.GetString()) switch
        {
            "uuid" => Gen.Guid.Select(id => $"\"{id}\""),
            "date-time" => Gen.DateTime.Select(time => $"\"{time:yyyy-MM-ddTHH:mm:ssZ}\""),
            _ => Text.Select(Quoted),
        };
    }

    private static Gen<string> Object(int depth) =>
        Gen.Select(Text, Json(depth - 1)).List[0, 4].Select(members => $"{{{string.Join(',', members.Select(member => $"{Quoted(member.Item1)}:{member.Item2}"))}}}");

    private static Gen<string> Json(int depth)
    {
        var leaf = Gen.Frequency((6, Text.Select(Quoted)), (4, Number), (2, Among("null", "true", "false", "{}", "[]")), (1, Giant));
        return depth <= 0
            ? leaf
            : Gen.Frequency((3, leaf), (2, Json(depth - 1).List[0, 4].Select(values => $"[{string.Join(',', values)}]")), (3, Object(depth)));
    }

    /// <summary>The text as JSON; what is no Unicode text is written as an escape.</summary>
    private static string Quoted(string text)
    {
        var json = new StringBuilder("\"");
        foreach (var character in text)
        {
            if (character is '"' or '\\' || char.IsControl(character) || char.IsSurrogate(character))
                json.Append(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");
            else
                json.Append(character);
        }
        return json.Append('"').ToString();
    }

    private static Gen<T> Among<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static string Nested(string open, string close, int depth) =>
        string.Concat(Enumerable.Repeat(open, depth)) + "1" + string.Concat(Enumerable.Repeat(close, depth));

    private static string Start(string text) => text.Length <= 600 ? text : $"{text.AsSpan(0, 600)}… ({text.Length} characters)";

    private sealed record Operation(HttpMethod Method, string Path, IReadOnlyList<Parameter> Parameters, Schema? Body);

    private sealed record Parameter(string Name, string In, Schema Schema);

    private sealed record Schema(JsonElement Document, JsonElement Node)
    {
        public Schema Resolve()
        {
            var node = Node;
            while (node.ValueKind == JsonValueKind.Object && node.TryGetProperty("$ref", out var reference))
                node = Document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
            return this with { Node = node };
        }

        public JsonElement? Any(string name) => Node.ValueKind == JsonValueKind.Object && Node.TryGetProperty(name, out var value) ? value : null;

        public string[] Types() => Any("type") switch
        {
            { ValueKind: JsonValueKind.String } one => [one.GetString()!],
            { ValueKind: JsonValueKind.Array } many => [.. many.EnumerateArray().Select(type => type.GetString()!)],
            _ => [],
        };
    }
}
