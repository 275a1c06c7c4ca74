using System.Globalization;
using System.Text;
using System.Text.Json;
using CsCheck;
using static MnemoLite.Tests.Api.OddInput;

namespace MnemoLite.Tests.Api;

/// <summary>An operation of the OpenAPI document, from which tests take what there is, so that none is forgotten.</summary>
internal sealed record Operation(HttpMethod Method, string Path, IReadOnlyList<Parameter> Parameters, Schema? Body)
{
    public static async Task<IReadOnlyList<Operation>> ReadAsync(HttpClient api)
    {
        var document = JsonElement.Parse(await api.GetStringAsync("/openapi/v1.json", TestContext.Current.CancellationToken));
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
    public Gen<string> Url()
    {
        var url = Gen.Const(Path);
        foreach (var parameter in Parameters)
        {
            var value = Gen.OneOf(parameter.Schema.Near(1).Select(json => json.Trim('"')), Text).Select(text => Uri.EscapeDataString(WellFormed(text)));
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

    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
}

internal sealed record Parameter(string Name, string In, Schema Schema);

/// <summary>A JSON schema, and the document that it refers to.</summary>
internal sealed record Schema(JsonElement Document, JsonElement Node)
{
    /// <summary>A value the schema asks for, or now and then any other.</summary>
    public Gen<string> Near(int depth) =>
        Gen.Frequency((8, Resolve().Right(depth)), (1, Json(1)), (1, Among("null", "-1", "\"x\"", "[]", "{}")));

    /// <summary>A value the schema asks for, with that text wherever a text may be, and that id wherever an id.</summary>
    public object? Fill(string text, Guid id)
    {
        var schema = Resolve();
        if (schema.Any("enum") is { } allowed)
            return allowed[0];
        if ((schema.Any("oneOf") ?? schema.Any("anyOf")) is { } choices)
            return (this with { Node = choices.EnumerateArray().Last() }).Fill(text, id);
        var types = schema.Types();
        if (types.Contains("object"))
        {
            return schema.Any("properties") is { } properties
                ? properties.EnumerateObject().ToDictionary(property => property.Name, property => (this with { Node = property.Value }).Fill(text, id))
                : new Dictionary<string, object?> { [text] = text, ["text"] = text };
        }
        if (types.Contains("array") && schema.Any("items") is { } items)
            return (this with { Node = items }).Fill(text, id) is double ? null : new[] { (this with { Node = items }).Fill(text, id) }; // numbers: a vector
        if (types.Contains("integer"))
            return 1;
        if (types.Contains("number"))
            return 1.0;
        if (types.Contains("boolean"))
            return false;
        return schema.Any("format")?.GetString() switch
        {
            "uuid" => id,
            "date-time" => null,
            _ => text,
        };
    }

    private Gen<string> Right(int depth)
    {
        if (Any("enum") is { } allowed)
            return Among(allowed.EnumerateArray().Select(value => value.GetRawText()).ToArray());
        foreach (var choice in (string[])["oneOf", "anyOf"])
        {
            if (Any(choice) is { } choices)
                return Gen.OneOf(choices.EnumerateArray().Select(part => (this with { Node = part }).Near(depth)).ToArray());
        }
        var types = Types();
        if (types.Contains("object") && depth > 0)
        {
            var members = Gen.Const("");
            if (Any("properties") is { } properties)
            {
                foreach (var property in properties.EnumerateObject())
                {
                    members = Gen.Select(members, (this with { Node = property.Value }).Near(depth - 1), Gen.Int[0, 3], (made, value, kept) =>
                        kept == 0 ? made : $"{made}{(made.Length > 0 ? "," : "")}\"{property.Name}\":{value}");
                }
                return members.Select(made => $"{{{made}}}");
            }
            return Object(1);
        }
        if (types.Contains("array") && depth > 0 && Any("items") is { } items)
            return (this with { Node = items }).Near(depth - 1).List[0, 4].Select(values => $"[{string.Join(',', values)}]");
        if (types.Contains("integer") || types.Contains("number"))
            return Gen.OneOf(Gen.Int[0, 20].Select(number => number.ToString(CultureInfo.InvariantCulture)), Number);
        if (types.Contains("boolean"))
            return Among("true", "false");
        return (Any("format")?.GetString()) switch
        {
            "uuid" => Gen.Guid.Select(id => $"\"{id}\""),
            "date-time" => Gen.DateTime.Select(time => $"\"{time:yyyy-MM-ddTHH:mm:ssZ}\""),
            _ => Text.Select(Quoted),
        };
    }

    private Schema Resolve()
    {
        var node = Node;
        while (node.ValueKind == JsonValueKind.Object && node.TryGetProperty("$ref", out var reference))
            node = Document.GetProperty("components").GetProperty("schemas").GetProperty(reference.GetString()!.Split('/')[^1]);
        return this with { Node = node };
    }

    private JsonElement? Any(string name) => Node.ValueKind == JsonValueKind.Object && Node.TryGetProperty(name, out var value) ? value : null;

    private string[] Types() => Any("type") switch
    {
        { ValueKind: JsonValueKind.String } one => [one.GetString()!],
        { ValueKind: JsonValueKind.Array } many => [.. many.EnumerateArray().Select(type => type.GetString()!)],
        _ => [],
    };
}
