using Microsoft.Extensions.AI;

namespace MnemoLite.Api.Embeddings;

internal static class EmbeddingServices
{
    /// <summary>The embedding generator, loaded and warmed before the first request.</summary>
    public static IHostApplicationBuilder AddEmbeddings(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration["EMBEDDING_MODE"] is { Length: > 0 } mode)
            builder.Configuration[$"{EmbeddingOptions.Section}:{nameof(EmbeddingOptions.Mode)}"] = mode;
        var options = builder.AddSettings<EmbeddingOptions>(EmbeddingOptions.Section);
        builder.Services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(_ => options switch
        {
            { Mode: EmbeddingOptions.Mock } => new MockEmbeddingGenerator(),
            { Mode: EmbeddingOptions.OpenAI } => new OpenAIEmbeddingGenerator(options),
            { Folder: { Length: > 0 } folder } => new OnnxEmbeddingGenerator(folder),
            _ => new UseLiteEmbeddingGenerator(UseLiteEmbeddingGenerator.DefaultFolder),
        });
        builder.Services.AddSingleton(services =>
        {
            var metadata = services.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>().GetService<EmbeddingGeneratorMetadata>()!;
            return new EmbeddingModel(metadata.DefaultModelId!, metadata.DefaultModelDimensions!.Value, options.Mode != EmbeddingOptions.OpenAI);
        });
        builder.Services.AddSingleton<Embedder>();
        if (options.Mode != EmbeddingOptions.OpenAI)
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
