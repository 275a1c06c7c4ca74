using System.Globalization;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Search;
using Npgsql;

namespace MnemoLite.Api.Storage;

/// <summary>The SQL of giving the events of a store their short forms, while it is used.</summary>
internal sealed class ShorteningStore(NpgsqlDataSource dataSource, EventIndexes indexes)
{
    /// <summary>
    /// With more events than these the store gets an HNSW index of their short forms: up to <see cref="FlatIndex.MostEvents"/> are searched in memory, and until there are as many it
    /// should be built. Without it an event is written faster.
    /// </summary>
    public const int MostWithoutIndex = FlatIndex.MostEvents * 4 / 5;

    /// <summary>Gives some events that have none their short form, in the order of their ids.</summary>
    /// <returns>The last of them; null after the last of all.</returns>
    public async Task<Guid?> FillAsync(Guid after, int limit, CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand("""
            WITH due AS (
                SELECT id FROM events WHERE id > $1 AND embedding IS NOT NULL AND embedding_short IS NULL ORDER BY id LIMIT $2 FOR NO KEY UPDATE
            ), filled AS (
                UPDATE events SET embedding_short = short_form(embedding, space) FROM due WHERE events.id = due.id
            )
            SELECT id FROM due ORDER BY id DESC LIMIT 1
            """);
        command.Parameters.Add(new() { Value = after });
        command.Parameters.Add(new() { Value = limit });
        return await command.ExecuteScalarAsync(cancellationToken) as Guid?;
    }

    /// <summary>
    /// Builds those of the indexes of short forms that are to be there and are not, as 0019_no_index_of_few.sql does in an empty store: last those that tell
    /// that there are short forms, and before them that of embeddings that have none.
    /// </summary>
    public async Task BuildIndexesAsync(EmbeddingModel model, CancellationToken cancellationToken)
    {
        await indexes.BuildAsync(
            "_embedding_whole",
            string.Create(CultureInfo.InvariantCulture, $"USING hnsw ((embedding::halfvec({model.Dimension})) halfvec_cosine_ops) WHERE embedding_short IS NULL"),
            cancellationToken);
        if (await HasManyEventsAsync(cancellationToken))
            await indexes.BuildAsync("_embedding_short", "USING hnsw (embedding_short halfvec_cosine_ops) WITH (m = 12)", cancellationToken);
        await indexes.BuildAsync("_short_by_time", "(space, timestamp) INCLUDE (id, embedding_short)", cancellationToken);
    }

    /// <summary>Whether the store has an HNSW index of short forms.</summary>
    public async Task<bool> HasIndexAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand($"SELECT {ShortForms.HasIndex}");
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private async Task<bool> HasManyEventsAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand($"SELECT count(*) > {MostWithoutIndex} FROM (SELECT FROM events LIMIT {MostWithoutIndex + 1}) AS counted");
        return (bool)(await command.ExecuteScalarAsync(cancellationToken))!;
    }
}
