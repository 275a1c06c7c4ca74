using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using MnemoLite.Api.Errors;

namespace MnemoLite.Api.Embeddings;

/// <summary>The model in use: embeddings of different models cannot be compared.</summary>
/// <param name="Id">Its name in the store.</param>
/// <param name="Dimension">How many numbers a vector has.</param>
internal sealed record EmbeddingModel(string Id, int Dimension)
{
    /// <summary>The vector, if it can be compared with the model's.</summary>
    /// <exception cref="InvalidRequestException">It cannot.</exception>
    public float[] Check(float[] embedding)
    {
        if (embedding.Length != Dimension)
            throw InvalidRequestException.Field("embedding", $"must have {Dimension} numbers, not {embedding.Length}");
        if (!Array.TrueForAll(embedding, float.IsFinite))
            throw InvalidRequestException.Field("embedding", "must have finite numbers only");
        return Array.Exists(embedding, value => value != 0)
            ? embedding
            : throw InvalidRequestException.Field("embedding", "must not be all zeros: it would have no direction to compare");
    }
}

/// <summary>Section <c>Embedding</c>; the environment variable EMBEDDING_MODE goes before it.</summary>
internal sealed class EmbeddingOptions
{
    public const string Section = "Embedding";
    public const string Onnx = "onnx";
    public const string Mock = "mock";

    /// <summary><c>onnx</c>: the model that ships, in process; <c>mock</c>: hashes of words, for tests.</summary>
    public string Mode { get; set; } = Onnx;
}

internal static class EmbeddingServices
{
    /// <summary>The embedding generator, loaded and warmed before the first request.</summary>
    public static IHostApplicationBuilder AddEmbeddings(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<EmbeddingOptions>()
            .BindConfiguration(EmbeddingOptions.Section)
            .Configure<IConfiguration>((options, configuration) => options.Mode = configuration["EMBEDDING_MODE"] ?? options.Mode)
            .Validate(
                options => options.Mode is EmbeddingOptions.Onnx or EmbeddingOptions.Mock,
                $"Embedding:Mode (or EMBEDDING_MODE) must be '{EmbeddingOptions.Onnx}' or '{EmbeddingOptions.Mock}'.")
            .ValidateOnStart();
        builder.Services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(services =>
            services.GetRequiredService<IOptions<EmbeddingOptions>>().Value.Mode == EmbeddingOptions.Mock
                ? new MockEmbeddingGenerator()
                : new UseLiteEmbeddingGenerator(UseLiteEmbeddingGenerator.DefaultFolder));
        builder.Services.AddSingleton(services =>
        {
            var metadata = services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>().GetService<EmbeddingGeneratorMetadata>()!;
            return new EmbeddingModel(metadata.DefaultModelId!, metadata.DefaultModelDimensions!.Value);
        });
        builder.Services.AddHostedService<Warmup>();
        return builder;
    }

    /// <summary>The first run of a model is slower than the others: it is over before the server listens.</summary>
    private sealed class Warmup(IEmbeddingGenerator<string, Embedding<float>> embeddings) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) =>
            embeddings.GenerateAsync(["warm", "the first run is slower than the others"], cancellationToken: cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
