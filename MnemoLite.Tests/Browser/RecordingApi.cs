using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using MnemoLite.Client;

namespace MnemoLite.Tests.Browser;

/// <summary>Stands before an API, says itself what the keys and spaces are, and keeps in which space everything else was asked.</summary>
internal sealed class RecordingApi : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly HttpClient _api;

    private RecordingApi(WebApplication server, HttpClient api) => (_server, _api) = (server, api);

    public Uri Address => new(_server.Urls.First());

    /// <summary>The keys there are, with the spaces they are bound to; none is asked for where there is none.</summary>
    public ConcurrentDictionary<string, IReadOnlyList<string>> Keys { get; } = [];

    public IReadOnlyList<string> Spaces { get; set; } = [Client.Spaces.Default];

    /// <summary>What was asked; the space is empty where none was named.</summary>
    public ConcurrentQueue<(string Request, string Space)> Asked { get; } = [];

    public static async Task<RecordingApi> StartAsync(HttpClient api)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls=http://127.0.0.1:0"]);
        builder.Logging.ClearProviders();
        var server = builder.Build();
        var recording = new RecordingApi(server, api);
        server.MapGet("/v1/access", recording.TellAccess);
        server.MapGet("/v1/spaces", recording.TellSpaces);
        server.MapFallback("{**path}", recording.PassOnAsync);
        await server.StartAsync(TestContext.Current.CancellationToken);
        return recording;
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _server.StopAsync(now.Token);
        await _server.DisposeAsync();
    }

    private IResult TellAccess(HttpContext http)
    {
        if (Keys.IsEmpty)
            return Json(new Access(KeysRequired: false, Scopes.Admin), MnemoLiteJson.Default.Access);
        return Keys.TryGetValue(http.Request.Headers.Authorization.ToString().Split(' ')[^1], out var spaces)
            ? Json(new Access(KeysRequired: true, Scopes.Write) { Id = "id", Name = "someone", Spaces = spaces }, MnemoLiteJson.Default.Access)
            : Results.Problem(statusCode: StatusCodes.Status401Unauthorized);
    }

    private IResult TellSpaces(HttpContext http)
    {
        Record(http);
        return Json(new SpaceList(Spaces), MnemoLiteJson.Default.SpaceList);
    }

    private async Task PassOnAsync(HttpContext http)
    {
        Record(http);
        using var request = new HttpRequestMessage(new HttpMethod(http.Request.Method), http.Request.Path + http.Request.QueryString.Value);
        if (http.Request.Headers.TryGetValue(Client.Spaces.Header, out var space))
            request.Headers.Add(Client.Spaces.Header, space.ToString());
        if (http.Request.ContentType is { } type)
            request.Content = new StreamContent(http.Request.Body) { Headers = { ContentType = MediaTypeHeaderValue.Parse(type) } };
        using var answer = await _api.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, http.RequestAborted);
        http.Response.StatusCode = (int)answer.StatusCode;
        http.Response.ContentType = answer.Content.Headers.ContentType?.ToString();
        http.Features.Get<IHttpResponseBodyFeature>()!.DisableBuffering();
        await using var body = await answer.Content.ReadAsStreamAsync(http.RequestAborted);
        var piece = new byte[16 * 1024];
        while (await body.ReadAsync(piece, http.RequestAborted) is > 0 and var read)
        {
            await http.Response.Body.WriteAsync(piece.AsMemory(0, read), http.RequestAborted);
            await http.Response.Body.FlushAsync(http.RequestAborted);
        }
    }

    private void Record(HttpContext http) =>
        Asked.Enqueue(($"{http.Request.Method} {http.Request.Path.Value!.TrimEnd('/')}", http.Request.Headers[Client.Spaces.Header].ToString()));

    private static IResult Json<T>(T value, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type) => Results.Json(value, type);
}
