using MnemoLite.Api.Database;
using Npgsql;
using NpgsqlTypes;

namespace MnemoLite.Api.Embeddings;

/// <summary>The store's embeddings are of a model that is not configured.</summary>
internal sealed class OtherModelException(string model, int dimension) : Exception($"The store holds embeddings of {model}.")
{
    public string Model { get; } = model;

    public int Dimension { get; } = dimension;
}

/// <summary>The embedder of the configured model, and that of the model everything is to be embedded with again, if any.</summary>
internal sealed record Embedders(Embedder Configured, Embedder? Next) : IDisposable
{
    public void Dispose()
    {
        Configured.Dispose();
        Next?.Dispose();
    }
}

/// <summary>Which model the store's embeddings are of: the configured one, or the next one, once everything is embedded again with it.</summary>
internal sealed class EmbeddingModelStore(NpgsqlDataSource dataSource, Reads reads, Embedders embedders)
{
    /// <summary>What <c>check_model</c> (0006_reembedding.sql) refuses a statement with.</summary>
    private const string ModelChanged = "ML001";

    private volatile Embedder? _stored;
    private volatile ShortForms? _shortForms;

    /// <summary>Makes embeddings that can be stored and compared.</summary>
    public Embedder Current => _stored ?? embedders.Configured;

    /// <summary>The short forms by which the store finds embeddings; null where its index by meaning is of whole ones.</summary>
    public ShortForms? ShortForms => _shortForms;

    /// <summary>The same, as far as a model's embeddings have any: the store may have gone over to another meanwhile, which a statement finds out.</summary>
    public ShortForms? ShortFormsOf(EmbeddingModel model) => _shortForms is { } forms && forms.Dimension == model.Dimension ? forms : null;

    /// <summary>The one everything is to be embedded with again, if any.</summary>
    public Embedder? Next => embedders.Next;

    /// <summary>Whether the next model's turn is over, or there is none.</summary>
    public bool IsSettled => Next is null || Current == Next;

    /// <summary>Reads which model it is; an empty store gets the configured one.</summary>
    /// <exception cref="OtherModelException">It is none of those configured.</exception>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        await using var command = dataSource.CreateCommand($"""
            WITH made AS (INSERT INTO store (embedding_model, dimension) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING embedding_model, dimension)
            SELECT embedding_model, dimension, CASE WHEN EXISTS (
                    SELECT FROM pg_index WHERE indexrelid IN (to_regclass('events_short_by_time'), to_regclass('events_embedding_short')) AND indisvalid)
                THEN {ShortForms.Directions} END
            FROM (SELECT embedding_model, dimension FROM store UNION ALL SELECT embedding_model, dimension FROM made) AS stored
            """);
        command.Parameters.Add(new() { Value = embedders.Configured.Model.Id });
        command.Parameters.Add(new() { Value = embedders.Configured.Model.Dimension });
        await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
        {
            await reader.ReadAsync(cancellationToken);
            var (id, dimension) = (reader.GetString(0), reader.GetInt32(1));
            _stored = new[] { embedders.Configured, Next }.FirstOrDefault(embedder => embedder?.Model.Id == id && embedder.Model.Dimension == dimension)
                ?? throw new OtherModelException(id, dimension);
            _shortForms = reader.IsDBNull(2) ? null : new(reader.GetFieldValue<float[,]>(2));
        }
        await reads.CatchUpAsync(cancellationToken); // a standby may not know of that model yet
    }

    /// <summary>Has what is written from now on get a short form, if the store's model has directions. Fails where a long write stands in the way.</summary>
    public async Task BeginShortFormsAsync(CancellationToken cancellationToken)
    {
        if (ShortForms is not null || Current.Directions is not { } directions)
            return;
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        await using (var patience = new NpgsqlCommand("SET LOCAL lock_timeout = '2s'", connection, transaction))
            await patience.ExecuteNonQueryAsync(cancellationToken);
        await using var begin = new NpgsqlCommand("SELECT begin_short_forms($1, $2)", connection, transaction);
        begin.Parameters.Add(new() { Value = directions.First, NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.Real });
        begin.Parameters.Add(new() { Value = Current.Model.Dimension });
        await begin.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        await RefreshAsync(cancellationToken);
    }

    /// <summary>Does work with the current embedder; once more if the store turns out to have gone over to the next.</summary>
    public async Task<T> UseAsync<T>(Func<Embedder, Task<T>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work(Current);
        }
        catch (PostgresException exception) when (exception.SqlState == ModelChanged)
        {
            await RefreshAsync(cancellationToken);
            return await work(Current);
        }
    }
}
