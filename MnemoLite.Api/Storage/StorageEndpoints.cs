using Microsoft.AspNetCore.Http.HttpResults;
using MnemoLite.Api.Database;
using MnemoLite.Client;

namespace MnemoLite.Api.Storage;

internal static class StorageEndpoints
{
    public static IHostApplicationBuilder AddStorage(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<StorageStore>();
        builder.Services.AddSingleton<ReembeddingStore>();
        builder.Services.AddHostedService<ReembeddingWorker>();
        builder.Services.AddSingleton<ShorteningStore>();
        builder.Services.AddHostedService<ShorteningWorker>();
        builder.AddSettings<RetentionOptions>(RetentionOptions.Section);
        builder.Services.AddSingleton<PartitionStore>();
        builder.Services.AddHostedService<PartitionWorker>();
        return builder;
    }

    public static void MapStorage(this IEndpointRouteBuilder app)
    {
        var store = app.MapGroup("/v1/store").WithTags("Operations").NeedsDatabase().ProducesProblem(StatusCodes.Status503ServiceUnavailable);
        store.MapGet("", GetAsync).WithName("GetStore").WithSummary("What the store holds")
            .WithDescription("Its model, how many events it has, its size, its partitions, and how far embedding everything again has come, while "
                + "that goes on.");
        store.MapPost("/partition", PartitionAsync).RequireAuthorization(Scopes.Admin).WithName("PartitionStore").WithSummary("Partition events by month")
            .WithDescription("Nothing is lost; a partitioned store stays as it is. Until it is done nobody else reads or writes events.");
    }

    private static async Task<Ok<StoreState>> GetAsync(StorageStore store, CancellationToken cancellationToken) =>
        TypedResults.Ok(await store.ReadAsync(cancellationToken));

    private static async Task<Ok<StoreState>> PartitionAsync(PartitionStore partitions, StorageStore store, CancellationToken cancellationToken)
    {
        await partitions.PartitionAsync(cancellationToken);
        return TypedResults.Ok(await store.ReadAsync(cancellationToken));
    }
}
