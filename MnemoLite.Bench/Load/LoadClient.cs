using System.Net.Http.Headers;
using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Bench.Load;

/// <summary>Sends requests with as little work of its own as can be: it shares the processors with what it measures.</summary>
internal sealed class LoadClient(Uri address, int connections) : IDisposable
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        MaxConnectionsPerServer = connections,
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ActivityHeadersPropagator = null,
    });

    public async Task<Outcome> SendAsync(Operation operation, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(operation.Method, new Uri(address, operation.Path));
            if (operation.NoCache)
                request.Headers.TryAddWithoutValidation("Cache-Control", "no-cache");
            if (operation.Key is not null)
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {operation.Key}");
            if (operation.Space is not null)
                request.Headers.TryAddWithoutValidation(Spaces.Header, operation.Space);
            if (operation.Body is not null)
                request.Content = new ReadOnlyMemoryContent(operation.Body) { Headers = { ContentType = Json } };
            using var response = await _http.SendAsync(request, cancellationToken);
            if (!response.IsSuccessStatusCode)
                return new((int)response.StatusCode, await ReadProblemAsync(response, cancellationToken));
            operation.Answered?.Invoke(response);
            await response.Content.CopyToAsync(Stream.Null, cancellationToken);
            return new((int)response.StatusCode);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            return new(0, exception.Message);
        }
        catch (OperationCanceledException)
        {
            return new(0, "There was no answer within 30 s of the end.");
        }
    }

    public void Dispose() => _http.Dispose();

    private static async Task<string> ReadProblemAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        try
        {
            return JsonSerializer.Deserialize(body, MnemoLiteJson.Default.Problem)?.Detail ?? body;
        }
        catch (JsonException)
        {
            return body;
        }
    }
}
