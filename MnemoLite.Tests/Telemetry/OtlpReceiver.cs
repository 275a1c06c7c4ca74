using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Google.Protobuf;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Telemetry;

/// <summary>Takes traces, metrics and logs by OTLP over HTTP, as a collector does, and keeps them as they came.</summary>
internal sealed class OtlpReceiver : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<(string Signal, ByteString Body)> _received = new();

    private OtlpReceiver(WebApplication server) => _server = server;

    /// <summary>Everything that came, byte for byte: texts are not encoded in it.</summary>
    public string Everything => string.Concat(_received.Select(one => Encoding.Latin1.GetString(one.Body.Span)));

    // The numbers of fields below are those of opentelemetry-proto, which are fixed.
    public IEnumerable<Span> Spans =>
        from scope in Scopes("traces")
        from span in scope[2].Select(Read)
        select new Span(
            Hex(span[1]), Hex(span[2]), Hex(span[4]), Text(span[5]), Text(scope[1].SelectMany(one => Read(one)[1])),
            span[9].Select(Read).ToDictionary(attribute => Text(attribute[1]), Value));

    /// <summary>The names of the metrics that came.</summary>
    public IEnumerable<string> Metrics => Scopes("metrics").SelectMany(scope => scope[2]).Select(metric => Text(Read(metric)[1]));

    /// <summary>The traces that log records came from; empty for those of none.</summary>
    public IEnumerable<string> TracesOfLogs => Scopes("logs").SelectMany(scope => scope[2]).Select(record => Hex(Read(record)[9]));

    public static async Task<OtlpReceiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var receiver = new OtlpReceiver(builder.Build());
        receiver._server.MapPost("/v1/{signal}", receiver.TakeAsync);
        await receiver._server.StartAsync(TestContext.Current.CancellationToken);
        return receiver;
    }

    /// <summary>Starts an instance of the API that sends its telemetry here, soon after it happens.</summary>
    public ApiProcess StartApi(params string[] settings)
    {
        var address = _server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
        return ApiProcess.Start(
        [
            $"--OTEL_EXPORTER_OTLP_ENDPOINT={address}", "--OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "--OTEL_BSP_SCHEDULE_DELAY=100",
            "--OTEL_BLRP_SCHEDULE_DELAY=100", "--OTEL_METRIC_EXPORT_INTERVAL=500", "--AllowedHosts=localhost;127.0.0.1;*.example", .. settings,
        ]);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private async Task<IResult> TakeAsync(string signal, HttpContext context)
    {
        _received.Enqueue((signal, await ByteString.FromStreamAsync(context.Request.Body, context.RequestAborted)));
        return Results.Bytes([], "application/x-protobuf");
    }

    private IEnumerable<ILookup<int, ByteString>> Scopes(string signal) =>
        from one in _received
        where one.Signal == signal
        from resource in Read(one.Body)[1]
        from scope in Read(resource)[2]
        select Read(scope);

    /// <summary>The fields of a message of Protocol Buffers by their numbers; a number as its digits.</summary>
    private static ILookup<int, ByteString> Read(ByteString message)
    {
        var fields = new List<(int Number, ByteString Value)>();
        using var input = message.CreateCodedInput();
        while (input.ReadTag() is > 0 and var tag)
        {
            fields.Add((WireFormat.GetTagFieldNumber(tag), WireFormat.GetTagWireType(tag) switch
            {
                WireFormat.WireType.LengthDelimited => input.ReadBytes(),
                WireFormat.WireType.Varint => Digits(input.ReadUInt64()),
                WireFormat.WireType.Fixed64 => Digits(input.ReadFixed64()),
                WireFormat.WireType.Fixed32 => Digits(input.ReadFixed32()),
                var other => throw new FormatException($"A field of type {other}."),
            }));
        }
        return fields.ToLookup(field => field.Number, field => field.Value);

        static ByteString Digits(ulong number) => ByteString.CopyFromUtf8(number.ToString(CultureInfo.InvariantCulture));
    }

    private static string Text(IEnumerable<ByteString> field) => field.SingleOrDefault()?.ToStringUtf8() ?? "";

    /// <summary>Of an attribute that is a text or a number; nothing of others.</summary>
    private static string Value(ILookup<int, ByteString> attribute) =>
        attribute[2].Select(Read).Select(value => Text(value[1].Concat(value[3]))).SingleOrDefault() ?? "";

    private static string Hex(IEnumerable<ByteString> field) => field.SingleOrDefault() is { } id ? Convert.ToHexStringLower(id.Span) : "";

    /// <param name="TraceId">The trace it is of.</param>
    /// <param name="Id">Its own.</param>
    /// <param name="ParentId">That of the span it is a part of; empty if none.</param>
    /// <param name="Name">What is done.</param>
    /// <param name="Source">What notes it.</param>
    /// <param name="Attributes">What is said of it.</param>
    internal sealed record Span(string TraceId, string Id, string ParentId, string Name, string Source, IReadOnlyDictionary<string, string> Attributes);
}
