using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Tests.Api;

/// <summary>Speaks OpenAI's protocol with the vectors of the mock.</summary>
internal sealed class FakeEmbeddingEndpoint : IAsyncDisposable
{
    public const string Well = "well", Away = "away", Silent = "silent", Poison = "POISON";
    private readonly WebApplication _server;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private string _state = Well;
    private int _asked, _embedded;

    private FakeEmbeddingEndpoint(WebApplication server) => _server = server;

    public string State
    {
        get => _state;
        set
        {
            _state = value;
            Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        }
    }

    /// <summary>How many requests came.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>How many texts were embedded.</summary>
    public int Embedded => Volatile.Read(ref _embedded);

    /// <summary>How many requests it answers before it falls silent; no end to them if null.</summary>
    public int? Answers { get; set; }

    /// <summary>How many numbers of the mock's vectors it gives.</summary>
    public int Dimension { get; init; } = 512;

    public ConcurrentBag<string> Authorizations { get; } = [];

    /// <summary>The texts that were embedded, one for each time.</summary>
    public ConcurrentBag<string> Texts { get; } = [];

    public string Address => $"{_server.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()}/v1";

    public static async Task<FakeEmbeddingEndpoint> StartAsync(int dimension = 512)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var server = builder.Build();
        var endpoint = new FakeEmbeddingEndpoint(server) { Dimension = dimension };
        server.MapPost("/v1/embeddings", endpoint.AnswerAsync);
        await server.StartAsync(TestContext.Current.CancellationToken);
        return endpoint;
    }

    public async ValueTask DisposeAsync()
    {
        State = Away;
        await _server.DisposeAsync();
    }

    private async Task<IResult> AnswerAsync(HttpContext context, JsonElement body)
    {
        Interlocked.Increment(ref _asked);
        Authorizations.Add(context.Request.Headers.Authorization.ToString());
        if (Answers-- == 0)
            _state = Silent;
        while (_state == Silent)
            await Volatile.Read(ref _changed).Task.WaitAsync(context.RequestAborted);
        if (_state == Away)
            return Results.StatusCode(StatusCodes.Status502BadGateway);
        var texts = body.GetProperty("input").EnumerateArray().Select(text => text.GetString()!).ToArray();
        if (texts.Contains(Poison))
            return Results.BadRequest();
        var made = await new MockEmbeddingGenerator().GenerateAsync(texts, cancellationToken: context.RequestAborted);
        Interlocked.Add(ref _embedded, texts.Length);
        foreach (var text in texts)
            Texts.Add(text);
        return Results.Json(new { data = made.Select((embedding, index) => new { index, embedding = embedding.Vector[..Dimension].ToArray() }).Reverse() });
    }
}
