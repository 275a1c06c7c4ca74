using Microsoft.AspNetCore.Http.HttpResults;
using MnemoLite.Client;

namespace MnemoLite.Api.Storage;

internal static class StorageEndpoints
{
    public static IHostApplicationBuilder AddStorage(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<StorageStore>();
        builder.Services.AddSingleton<ReembeddingStore>();
        builder.Services.AddHostedService<ReembeddingWorker>();
        return builder;
    }

    public static void MapStorage(this IEndpointRouteBuilder app) =>
        app.MapGet("/v1/store", GetAsync).WithTags("Operations").WithName("GetStore").WithSummary("What the store holds")
            .WithDescription("Its model, how many events it has, its size, and how far embedding everything again has come, while that goes on.")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);

    private static async Task<Ok<StoreState>> GetAsync(StorageStore store, CancellationToken cancellationToken) =>
        TypedResults.Ok(await store.ReadAsync(cancellationToken));
}
