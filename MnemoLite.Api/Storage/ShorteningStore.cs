using System.Globalization;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using Npgsql;

namespace MnemoLite.Api.Storage;

/// <summary>The SQL of giving the events of a store their short forms, while it is used.</summary>
internal sealed class ShorteningStore(NpgsqlDataSource dataSource, EventIndexes indexes)
{
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
    /// Builds those of the indexes of short forms that are not there, as 0014_short_forms_by_time.sql does in an empty store: last the one that tells
    /// that there are short forms, and before it that of embeddings that have none.
    /// </summary>
    public async Task BuildIndexesAsync(EmbeddingModel model, CancellationToken cancellationToken)
    {
        await indexes.BuildAsync(
            "_embedding_whole",
            string.Create(CultureInfo.InvariantCulture, $"USING hnsw ((embedding::halfvec({model.Dimension})) halfvec_cosine_ops) WHERE embedding_short IS NULL"),
            cancellationToken);
        await indexes.BuildAsync("_short_by_time", "(space, timestamp) INCLUDE (id, embedding_short)", cancellationToken);
        await indexes.BuildAsync("_embedding_short", "USING hnsw (embedding_short halfvec_cosine_ops) WITH (m = 12)", cancellationToken);
    }
}
