using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace MnemoLite.Tests.Api;

/// <summary>The filter language in memory, written from its description: what the SQL has to agree with.</summary>
internal static class FilterEvaluator
{
    private static readonly Lazy<JsonNode> Missing = new(() => new JsonObject());

    public static bool Passes(JsonObject metadata, JsonObject filter) => filter.All(property => property.Key switch
    {
        "$and" => property.Value!.AsArray().All(inner => Passes(metadata, inner!.AsObject())),
        "$or" => property.Value!.AsArray().Any(inner => Passes(metadata, inner!.AsObject())),
        "$not" => !Passes(metadata, property.Value!.AsObject()),
        _ => Field(Find(metadata, property.Key), property.Value),
    });

    private static bool Field(JsonNode? value, JsonNode? condition) =>
        condition is JsonObject operators && operators.Any(property => property.Key.StartsWith('$'))
            ? operators.All(property => Operator(value, property.Key, property.Value))
            : Equal(value, condition);

    private static bool Operator(JsonNode? value, string name, JsonNode? operand) => name switch
    {
        "$eq" => Equal(value, operand),
        "$ne" => !Equal(value, operand),
        "$in" => operand!.AsArray().Any(item => Equal(value, item)),
        "$nin" => !operand!.AsArray().Any(item => Equal(value, item)),
        "$exists" => Exists(value) == operand!.GetValue<bool>(),
        "$contains" => Exists(value) && Contains(value, operand, top: true),
        "$not" => !Field(value, operand),
        "$gt" => Compare(value, operand) > 0,
        "$gte" => Compare(value, operand) >= 0,
        "$lt" => Compare(value, operand) < 0,
        "$lte" => Compare(value, operand) <= 0,
        _ => throw new ArgumentException(name),
    };

    private static bool Exists(JsonNode? value) => !ReferenceEquals(value, Missing.Value);

    private static JsonNode? Find(JsonNode? node, string path)
    {
        foreach (var key in Keys(path))
        {
            if (node is JsonObject members && members.TryGetPropertyValue(key, out var member))
            {
                node = member;
            }
            else if (node is JsonArray items && int.TryParse(key, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index)
                && Math.Abs(index + 0.5) < items.Count + 0.5 && index < items.Count)
            {
                node = items[index < 0 ? items.Count + index : index];
            }
            else
            {
                return Missing.Value;
            }
        }
        return node;
    }

    private static IEnumerable<string> Keys(string path) =>
        path.Replace("\\.", "\u0001", StringComparison.Ordinal).Split('.').Select(key => key.Replace('\u0001', '.'));

    private static bool Equal(JsonNode? a, JsonNode? b)
    {
        if (!Exists(a) || !Exists(b) || Kind(a) != Kind(b))
            return false;
        return (a, b) switch
        {
            (JsonObject x, JsonObject y) => x.Count == y.Count && x.All(p => y.TryGetPropertyValue(p.Key, out var other) && Equal(p.Value, other)),
            (JsonArray x, JsonArray y) => x.Count == y.Count && x.Zip(y).All(pair => Equal(pair.First, pair.Second)),
            _ => Kind(a) == JsonValueKind.Number ? Number(a) == Number(b) : a?.ToJsonString() == b?.ToJsonString(),
        };
    }

    /// <summary>Containment of jsonb, as PostgreSQL's manual describes it (8.14.3).</summary>
    private static bool Contains(JsonNode? a, JsonNode? b, bool top) => (a, b) switch
    {
        (JsonObject x, JsonObject y) => y.All(p => x.TryGetPropertyValue(p.Key, out var other) && Contains(other, p.Value, top: false)),
        (JsonArray x, JsonArray y) => y.All(item => x.Any(other => Contains(other, item, top: false))),
        (JsonArray x, not JsonObject) when top => x.Any(other => Equal(other, b)),
        _ => Equal(a, b),
    };

    private static int? Compare(JsonNode? value, JsonNode? operand)
    {
        if (!Exists(value) || Kind(value) != Kind(operand))
            return null;
        return Kind(value) switch
        {
            JsonValueKind.Number => Number(value).CompareTo(Number(operand)),
            JsonValueKind.String => Encoding.UTF8.GetBytes(value!.GetValue<string>()).AsSpan()
                .SequenceCompareTo(Encoding.UTF8.GetBytes(operand!.GetValue<string>())),
            _ => null,
        };
    }

    private static JsonValueKind Kind(JsonNode? node) => node?.GetValueKind() ?? JsonValueKind.Null;

    private static decimal Number(JsonNode? node) => decimal.Parse(node!.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
}
