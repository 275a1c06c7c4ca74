using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.AI;

namespace MnemoLite.Api.Embeddings;

/// <summary>Embeddings of an endpoint that speaks OpenAI's protocol: <c>POST …/embeddings {model, input}</c>.</summary>
internal sealed partial class OpenAIEmbeddingGenerator : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly HttpClient _http;
    private readonly string _model;
    private readonly int _dimension;
    private readonly EmbeddingGeneratorMetadata _metadata;

    public OpenAIEmbeddingGenerator(EmbeddingOptions options)
    {
        (_model, _dimension) = (options.Model!, options.Dimension!.Value);
        _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(2), ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = new Uri(options.Endpoint!.TrimEnd('/') + "/"),
            Timeout = TimeSpan.FromSeconds(30),
        };
        if (!string.IsNullOrEmpty(options.ApiKey))
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", options.ApiKey);
        _metadata = new("openai", _http.BaseAddress, _model, _dimension);
    }

    /// <inheritdoc/>
    /// <exception cref="EmbeddingRefusedException">The endpoint takes no text like one of these.</exception>
    /// <exception cref="EmbeddingsAwayException">The endpoint cannot be reached, or answers nothing of use.</exception>
    public async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        var texts = values.ToArray();
        try
        {
            using var answer = await _http.PostAsJsonAsync(
                "embeddings", new EmbeddingsRequest(_model, texts), OpenAIJson.Default.EmbeddingsRequest, cancellationToken);
            if (answer.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.RequestEntityTooLarge or HttpStatusCode.UnprocessableEntity)
                throw new EmbeddingRefusedException($"The embedding endpoint refuses the text: {(int)answer.StatusCode}.");
            if (!answer.IsSuccessStatusCode)
                throw new EmbeddingsAwayException($"The embedding endpoint answers {(int)answer.StatusCode}.");
            var made = await answer.Content.ReadFromJsonAsync(OpenAIJson.Default.EmbeddingsAnswer, cancellationToken);
            var vectors = made?.Data?.OrderBy(item => item.Index).Select(item => item.Embedding).ToArray() ?? [];
            if (vectors.Length != texts.Length)
                throw new EmbeddingsAwayException($"The embedding endpoint answers {vectors.Length} vectors for {texts.Length} texts.");
            if (Array.Find(vectors, vector => vector.Length != _dimension) is { } other)
                throw new EmbeddingsAwayException(
                    $"The embedding endpoint answers vectors of {other.Length} numbers, but Embedding:Dimension is {_dimension}.");
            if (!Array.TrueForAll(vectors, vector => Array.TrueForAll(vector, float.IsFinite) && Array.Exists(vector, value => value != 0)))
                throw new EmbeddingRefusedException("The embedding endpoint answers a vector without direction.");
            return new(vectors.Select(vector => new Embedding<float>(vector) { ModelId = _model }));
        }
        catch (Exception exception) when (exception is HttpRequestException or JsonException or IOException
            || exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new EmbeddingsAwayException("The embedding endpoint does not answer.", exception);
        }
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceKey is not null)
            return null;
        return serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private sealed record EmbeddingsRequest(string Model, string[] Input);

    private sealed record EmbeddingsAnswer(IReadOnlyList<EmbeddingItem>? Data);

    private sealed record EmbeddingItem(int Index, float[] Embedding);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true)]
    [JsonSerializable(typeof(EmbeddingsRequest))]
    [JsonSerializable(typeof(EmbeddingsAnswer))]
    private sealed partial class OpenAIJson : JsonSerializerContext;
}
