using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;

namespace MnemoLite.Api.Embeddings;

internal static class EmbeddingServices
{
    /// <summary>The embedder of the configured model, loaded and warmed before the first request, and that of the next, if there is to be one.</summary>
    public static IHostApplicationBuilder AddEmbeddings(this IHostApplicationBuilder builder)
    {
        if (builder.Configuration["EMBEDDING_MODE"] is { Length: > 0 } mode)
            builder.Configuration[$"{EmbeddingOptions.Section}:{nameof(EmbeddingOptions.Mode)}"] = mode;
        var configured = builder.AddSettings<EmbeddingOptions>(EmbeddingOptions.Section);
        var next = builder.Configuration.GetSection(NextEmbeddingOptions.NextSection).GetChildren().Any()
            ? builder.AddSettings<NextEmbeddingOptions>(NextEmbeddingOptions.NextSection)
            : null;
        builder.Services.AddSingleton(services => new Embedders(
            CreateEmbedder(configured, services), next is null ? null : CreateEmbedder(next, services)));
        builder.Services.AddSingleton<EmbeddingModelStore>();
        builder.Services.AddHostedService<Warmup>();
        return builder;
    }

    private static Embedder CreateEmbedder(EmbeddingOptions options, IServiceProvider services)
    {
        IEmbeddingGenerator<string, Embedding<float>> generator = options switch
        {
            { Mode: EmbeddingOptions.Mock } => new MockEmbeddingGenerator(),
            { Mode: EmbeddingOptions.OpenAI } => new OpenAIEmbeddingGenerator(options),
            { Folder: { Length: > 0 } folder } => new OnnxEmbeddingGenerator(folder),
            _ => new UseLiteEmbeddingGenerator(UseLiteEmbeddingGenerator.DefaultFolder),
        };
        return new(
            generator, options.Mode != EmbeddingOptions.OpenAI, services.GetRequiredService<IMeterFactory>().Create("MnemoLite"),
            services.GetRequiredService<TimeProvider>());
    }

    /// <summary>The first run of a model is slower than the others: it is over before the server listens.</summary>
    private sealed class Warmup(EmbeddingModelStore models) : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            foreach (var embedder in new[] { models.Current, models.Next })
            {
                if (embedder is { Model.InProcess: true })
                    await embedder.EmbedNowAsync(["warm", "the first run is slower than the others"], cancellationToken);
            }
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
