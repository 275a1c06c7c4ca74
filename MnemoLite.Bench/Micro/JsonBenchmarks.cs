using System.Text.Json;
using BenchmarkDotNet.Attributes;
using MnemoLite.Client;

namespace MnemoLite.Bench.Micro;

/// <summary>Events as JSON, as the API reads and writes them.</summary>
[MemoryDiagnoser]
public class JsonBenchmarks
{
    private readonly Event _event;
    private readonly SearchResult _found;
    private readonly byte[] _new;
    private readonly byte[] _written;

    /// <summary>Makes an event with 512 numbers.</summary>
    public JsonBenchmarks()
    {
        var content = JsonText.From(new { text = "The cat sleeps on the sofa in the afternoon." });
        var metadata = JsonText.From(new { project = "home", type = "preference", priority = "low" });
        var random = new Random(1);
        _event = new()
        {
            Id = Guid.CreateVersion7(),
            Timestamp = DateTimeOffset.UnixEpoch,
            Content = content,
            Metadata = metadata,
            Embedding = [.. Enumerable.Range(0, 512).Select(_ => random.NextSingle() - 0.5f)],
        };
        _found = new([.. Enumerable.Repeat(_event with { Embedding = null, SimilarityScore = 0.5 }, 10)], 10);
        _new = JsonSerializer.SerializeToUtf8Bytes(new NewEvent { Content = content, Metadata = metadata }, MnemoLiteJson.Default.NewEvent);
        _written = WriteEvent();
    }

    /// <summary>What a create sends.</summary>
    [Benchmark]
    public NewEvent? ReadNewEvent() => JsonSerializer.Deserialize(_new, MnemoLiteJson.Default.NewEvent);

    /// <summary>What a GET answers.</summary>
    [Benchmark]
    public byte[] WriteEvent() => JsonSerializer.SerializeToUtf8Bytes(_event, MnemoLiteJson.Default.Event);

    /// <summary>An event with its embedding, as an import sends it.</summary>
    [Benchmark]
    public Event? ReadEvent() => JsonSerializer.Deserialize(_written, MnemoLiteJson.Default.Event);

    /// <summary>What a search answers: ten events.</summary>
    [Benchmark]
    public byte[] WriteSearchResult() => JsonSerializer.SerializeToUtf8Bytes(_found, MnemoLiteJson.Default.SearchResult);
}
