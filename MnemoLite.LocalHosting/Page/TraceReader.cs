using System.Globalization;
using System.Text.Json.Serialization;
using Google.Protobuf;

namespace Aspire.Hosting.Local;

/// <summary>One step of a trace.</summary>
/// <param name="TraceId">The trace's id, in hex.</param>
/// <param name="Id">Its own id, in hex.</param>
/// <param name="Parent">The id of the step that it is part of; null where it has none.</param>
/// <param name="Service">The resource it happened in.</param>
/// <param name="Name">What was done.</param>
/// <param name="Kind">How it relates to other services.</param>
/// <param name="Start">When it began, in nanoseconds of Unix time.</param>
/// <param name="End">When it ended, in nanoseconds of Unix time.</param>
/// <param name="Failed">Whether it says that it failed.</param>
/// <param name="Attributes">What it tells of itself.</param>
/// <param name="Events">What happened meanwhile, such as exceptions.</param>
internal sealed record Span(
    [property: JsonIgnore] string TraceId, string Id, string? Parent, string Service, string Name, SpanKind Kind,
    [property: JsonIgnore] ulong Start, [property: JsonIgnore] ulong End, bool Failed,
    IReadOnlyList<SpanAttribute> Attributes, IReadOnlyList<SpanEvent> Events);

/// <summary>Something a span tells of itself.</summary>
internal sealed record SpanAttribute(string Key, string Value);

/// <summary>Something that happened within a span.</summary>
internal sealed record SpanEvent(string Name, IReadOnlyList<SpanAttribute> Attributes);

/// <summary>How a span relates to other services, by OTLP's numbers.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SpanKind>))]
internal enum SpanKind
{
    Unspecified,
    Internal,
    Server,
    Client,
    Producer,
    Consumer,
}

/// <summary>Reads the spans of an OTLP request (<c>ExportTraceServiceRequest</c>, opentelemetry-proto 1): of it, what the page shows.</summary>
internal static class TraceReader
{
    private const int MaxText = 2000;
    private const int MaxParts = 64;

    /// <exception cref="InvalidProtocolBufferException">It is no such message.</exception>
    public static List<Span> Read(byte[] request)
    {
        var spans = new List<Span>();
        Each(new CodedInputStream(request), (field, input) =>
        {
            if (field == 1)
                ReadResource(input.ReadBytes(), spans);
        });
        return spans;
    }

    /// <summary>The spans may come before the resource that tells whose they are.</summary>
    private static void ReadResource(ByteString message, List<Span> spans)
    {
        var attributes = new List<SpanAttribute>();
        var scopes = new List<ByteString>();
        Each(message, (field, input) =>
        {
            if (field == 1)
                Each(input.ReadBytes(), (inner, resource) => ReadAttribute(inner, 1, resource, attributes));
            else if (field == 2)
                scopes.Add(input.ReadBytes());
        });
        var service = attributes.Find(attribute => attribute.Key == "service.name")?.Value ?? "unknown";
        foreach (var scope in scopes)
        {
            Each(scope, (field, input) =>
            {
                if (field == 2)
                    spans.Add(ReadSpan(input.ReadBytes(), service));
            });
        }
    }

    private static Span ReadSpan(ByteString message, string service)
    {
        string trace = "", id = "", parent = "", name = "";
        var kind = SpanKind.Unspecified;
        ulong start = 0, end = 0;
        var failed = false;
        var attributes = new List<SpanAttribute>();
        var events = new List<SpanEvent>();
        Each(message, (field, input) =>
        {
            switch (field)
            {
                case 1: trace = Hex(input.ReadBytes()); break;
                case 2: id = Hex(input.ReadBytes()); break;
                case 4: parent = Hex(input.ReadBytes()); break;
                case 5: name = Cut(input.ReadString()); break;
                case 6: kind = (SpanKind)input.ReadEnum(); break;
                case 7: start = input.ReadFixed64(); break;
                case 8: end = input.ReadFixed64(); break;
                case 9: ReadAttribute(field, 9, input, attributes); break;
                case 11 when events.Count < MaxParts: events.Add(ReadEvent(input.ReadBytes())); break;
                case 15: Each(input.ReadBytes(), (inner, status) => failed |= inner == 3 && status.ReadEnum() == 2); break;
            }
        });
        return new(trace, id, parent.Length > 0 ? parent : null, service, name, kind, start, Math.Max(start, end), failed, attributes, events);
    }

    private static SpanEvent ReadEvent(ByteString message)
    {
        var name = "";
        var attributes = new List<SpanAttribute>();
        Each(message, (field, input) =>
        {
            if (field == 2)
                name = Cut(input.ReadString());
            ReadAttribute(field, 3, input, attributes);
        });
        return new(name, attributes);
    }

    private static void ReadAttribute(int field, int wanted, CodedInputStream input, List<SpanAttribute> attributes)
    {
        if (field != wanted || attributes.Count == MaxParts)
            return;
        string key = "", value = "";
        Each(input.ReadBytes(), (inner, pair) =>
        {
            if (inner == 1)
                key = Cut(pair.ReadString());
            else if (inner == 2)
                value = Cut(ReadValue(pair.ReadBytes()));
        });
        attributes.Add(new(key, value));
    }

    /// <summary>A list is read, one within a list is not.</summary>
    private static string ReadValue(ByteString message, bool ofList = false)
    {
        var value = "";
        Each(message, (field, input) => value = field switch
        {
            1 => input.ReadString(),
            2 => input.ReadBool() ? "true" : "false",
            3 => input.ReadInt64().ToString(CultureInfo.InvariantCulture),
            4 => input.ReadDouble().ToString(CultureInfo.InvariantCulture),
            5 when !ofList => ReadValues(input.ReadBytes()),
            _ => value,
        });
        return value;
    }

    private static string ReadValues(ByteString message)
    {
        var values = new List<string>();
        Each(message, (field, input) =>
        {
            if (field == 1 && values.Count < MaxParts)
                values.Add(ReadValue(input.ReadBytes(), ofList: true));
        });
        return string.Join(", ", values);
    }

    private static void Each(ByteString message, Action<int, CodedInputStream> read) => Each(message.CreateCodedInput(), read);

    /// <summary>Hands over every field; one that is not read is skipped.</summary>
    private static void Each(CodedInputStream input, Action<int, CodedInputStream> read)
    {
        while (input.ReadTag() is var tag and not 0)
        {
            var before = input.Position;
            read(WireFormat.GetTagFieldNumber(tag), input);
            if (input.Position == before)
                input.SkipLastField();
        }
    }

    private static string Hex(ByteString bytes) => Convert.ToHexStringLower(bytes.Span);

    private static string Cut(string text) => text.Length > MaxText ? $"{text[..MaxText]}…" : text;
}
