namespace MnemoLite.Api;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "The store is ready: embeddings of {Model}, {Dimension} dimensions")]
    public static partial void StoreReady(ILogger logger, string model, int dimension);

    [LoggerMessage(2, LogLevel.Warning, "The store is not ready, trying again in a second: {Reason}")]
    public static partial void StoreNotReady(ILogger logger, string reason);

    [LoggerMessage(3, LogLevel.Critical,
        "The store holds embeddings of {StoredModel} ({StoredDimension} dimensions), but {Model} ({Dimension}) is configured. "
        + "They cannot be mixed: configure the stored model again, and the other as NextEmbedding; then everything is embedded again with it "
        + "while the stored one answers (docs/search.md).")]
    public static partial void OtherModel(ILogger logger, string storedModel, int storedDimension, string model, int dimension);

    [LoggerMessage(4, LogLevel.Warning,
        "pgvector {Version} is in use: before 0.8.4 a vacuum can damage an HNSW index. Prefer a newer one where your system has it; "
        + "REINDEX TABLE CONCURRENTLY events mends a damaged one.")]
    public static partial void OldPgvector(ILogger logger, string version);

    [LoggerMessage(5, LogLevel.Warning, "The database is away: {Reason}")]
    public static partial void DatabaseAway(ILogger logger, string reason);

    [LoggerMessage(7, LogLevel.Warning, "Changes cannot be told or heard for now, trying again in a second: {Reason}")]
    public static partial void ChangeFeedAway(ILogger logger, string reason);

    [LoggerMessage(8, LogLevel.Warning, "Embeddings cannot be made for now, trying again soon: {Reason}")]
    public static partial void EmbeddingsAway(ILogger logger, string reason);

    [LoggerMessage(9, LogLevel.Warning, "The embedding of event {Id} is given up: {Reason}")]
    public static partial void EmbeddingGivenUp(ILogger logger, Guid id, string reason);

    [LoggerMessage(10, LogLevel.Critical,
        "The store has gone over to embeddings of {StoredModel} ({StoredDimension} dimensions): configure that model here too, and restart.")]
    public static partial void OtherModelNow(ILogger logger, string storedModel, int storedDimension);

    [LoggerMessage(11, LogLevel.Information, "Everything is being embedded again with {Model} ({Dimension} dimensions); {Due} of {Total} events are left")]
    public static partial void Reembedding(ILogger logger, string model, int dimension, long due, long total);

    [LoggerMessage(12, LogLevel.Information, "The store has gone over to embeddings of {Model} ({Dimension} dimensions): configure it as Embedding now")]
    public static partial void Reembedded(ILogger logger, string model, int dimension);

    [LoggerMessage(13, LogLevel.Warning, "Embedding everything again pauses, and goes on soon: {Reason}")]
    public static partial void ReembeddingPauses(ILogger logger, string reason);

    [LoggerMessage(14, LogLevel.Warning, "Partitions could not be looked after, trying again in an hour: {Reason}")]
    public static partial void PartitionsNotMaintained(ILogger logger, string reason);

    [LoggerMessage(15, LogLevel.Warning,
        "Retention:Months is {Months}, but events are not partitioned, so all are kept: ./mnemolite partition (POST /v1/store/partition) does it.")]
    public static partial void RetentionNeedsPartitions(ILogger logger, int months);

    [LoggerMessage(16, LogLevel.Information, "{Count} events from before {Cut} were dropped, as Retention:Months says")]
    public static partial void EventsDropped(ILogger logger, long count, DateTimeOffset cut);

    [LoggerMessage(17, LogLevel.Warning, "Statements cannot be counted, as pg_stat_statements could not be made here: {Reason}")]
    public static partial void StatementsNotCounted(ILogger logger, string reason);

    [LoggerMessage(30, LogLevel.Information, "A standby answers at {Host}:{Port}: reads go there while it has replayed what was written")]
    public static partial void StandbyAnswers(ILogger logger, string? host, int port);

    [LoggerMessage(31, LogLevel.Warning, "No standby answers, so reads go to the primary: {Reason}")]
    public static partial void StandbyAway(ILogger logger, string reason);

    [LoggerMessage(40, LogLevel.Critical,
        "The API would listen at {Addresses}, where others than this machine can reach it, and there is no key to ask them for, so it does not start. "
        + "Make one: ./mnemolite keys create NAME --scope admin (docs/security.md).")]
    public static partial void NoKey(ILogger logger, string addresses);

    [LoggerMessage(41, LogLevel.Warning, "Keys are required, and there is none yet: ./mnemolite keys create NAME --scope admin makes one")]
    public static partial void NoKeyYet(ILogger logger);

    [LoggerMessage(42, LogLevel.Warning, "A wrong key came from {Address}: {Reason}")]
    public static partial void WrongKey(ILogger logger, System.Net.IPAddress address, string reason);

    [LoggerMessage(43, LogLevel.Warning,
        "Keys that are bound to spaces are refused: this user of PostgreSQL may not make the role that keeps them apart. Have a superuser run "
        + "CREATE ROLE mnemolite_bound NOLOGIN; GRANT mnemolite_bound TO the user (docs/spaces.md), and restart.")]
    public static partial void SpacesNotKeptApart(ILogger logger);

    [LoggerMessage(44, LogLevel.Information, "The events that are there get short forms of their embeddings, while the store is used")]
    public static partial void Shortening(ILogger logger);

    [LoggerMessage(45, LogLevel.Information, "All events have short forms; the index events_embedding is only there for a former release")]
    public static partial void Shortened(ILogger logger);

    [LoggerMessage(46, LogLevel.Warning, "Giving events short forms pauses, and goes on soon: {Reason}")]
    public static partial void ShorteningPauses(ILogger logger, string reason);

    [LoggerMessage(47, LogLevel.Warning, "The index in memory is not brought up to date for now, trying again in a second; searches use the database's: {Reason}")]
    public static partial void FlatIndexPauses(ILogger logger, string reason);

    [LoggerMessage(6, LogLevel.Error, "A request failed")]
    public static partial void RequestFailed(ILogger logger, Exception exception);
}
