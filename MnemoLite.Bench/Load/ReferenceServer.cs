using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MnemoLite.Api.Database;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>What the API is measured against: a server that answers the same with nothing between the request and the database.</summary>
internal static class ReferenceServer
{
    private static readonly string EventColumns = $"{EventRow.Columns}, embedding::real[]";

    /// <param name="bytes">The length of the constant.</param>
    public static async Task<int> RunAsync(int bytes)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var connectionString = builder.Configuration.GetConnectionString("mnemolite")!;
        await using var source = CreateDataSource(connectionString);
        var search = await CapturedSearch.TakeAsync(connectionString, CancellationToken.None);
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, MnemoLiteJson.Default));
        await using var app = builder.Build();

        var constant = System.Text.Encoding.ASCII.GetBytes($"{{\"text\":\"{new string('x', Math.Max(bytes - 11, 0))}\"}}");
        app.MapGet("/constant", () => TypedResults.Bytes(constant, "application/json"));
        app.MapGet("/events/{id:guid}", async Task<Results<JsonHttpResult<Event>, NotFound>> (Guid id, CancellationToken cancellationToken) =>
        {
            await using var command = source.CreateCommand($"SELECT {EventColumns} FROM events WHERE id = $1 AND space = $2");
            command.Parameters.Add(new() { Value = id });
            command.Parameters.Add(new() { Value = Spaces.Default });
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            return await reader.ReadAsync(cancellationToken)
                ? TypedResults.Json(EventRow.Read(reader) with { Embedding = reader.GetFieldValue<float[]>(EventRow.Count) }, MnemoLiteJson.Default.Event)
                : TypedResults.NotFound();
        });
        app.MapPost("/nearest", async (float[] vector, CancellationToken cancellationToken) =>
            TypedResults.Json(await search.RunAsync(source, vector, cancellationToken), MnemoLiteJson.Default.IReadOnlyListEvent));

        _ = Task.Run(async () =>
        {
            while (await Console.In.ReadLineAsync() is not null)
            {
            }
            await app.StopAsync(); // the benchmark has ended
        });
        await app.RunAsync();
        return 0;
    }

    /// <summary>With the API's pool and the settings of its sessions.</summary>
    private static NpgsqlDataSource CreateDataSource(string connectionString)
    {
        var options = new DatabaseOptions();
        return NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(connectionString)
        {
            MinPoolSize = options.MinPoolSize,
            MaxPoolSize = options.MaxPoolSize,
            Options = SessionOptions,
        });
    }

    public static string SessionOptions { get; } =
        string.Create(CultureInfo.InvariantCulture, $"-c hnsw.ef_search={new DatabaseOptions().HnswEfSearch} -c hnsw.iterative_scan=relaxed_order");

    /// <summary>The query of an event, its id in the text.</summary>
    public static string EventSql(Guid id) => $"SELECT {EventColumns} FROM events WHERE id = '{id}' AND space = '{Spaces.Default}'";
}
