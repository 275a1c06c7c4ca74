using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace MnemoLite.Api.Database;

internal static partial class DatabaseServices
{
    public const string ConnectionName = "mnemolite";

    /// <summary>
    /// The data source, which is the primary where the connection string names several hosts, and the reads, which may be of a standby; the
    /// preparation of the store at start, and the feed of its changes.
    /// </summary>
    public static IHostApplicationBuilder AddDatabase(this IHostApplicationBuilder builder)
    {
        var options = builder.AddSettings<DatabaseOptions>(DatabaseOptions.Section);
        builder.AddKeyedNpgsqlDataSource(ConnectionName, configureDataSourceBuilder: dataSource => Configure(dataSource, options));
        builder.Services.AddSingleton(services =>
            services.GetRequiredKeyedService<NpgsqlDataSource>(ConnectionName) is var dataSource && dataSource is NpgsqlMultiHostDataSource hosts
                ? hosts.WithTargetSession(TargetSessionAttributes.Primary)
                : dataSource);
        builder.Services.AddSingleton<DatabaseCircuit>();
        builder.Services.AddSingleton<WriteHorizon>();
        builder.Services.AddSingleton<Reads>();
        builder.Services.AddHostedService(services => services.GetRequiredService<Reads>());
        builder.Services.AddSingleton<EventPartitions>();
        builder.Services.AddSingleton<EventIndexes>();
        builder.Services.AddSingleton<AloneInStore>();
        builder.Services.AddSingleton<StorePreparation>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StorePreparation>());
        builder.Services.AddSingleton<ChangeFeed>();
        builder.Services.AddHostedService(services => services.GetRequiredService<ChangeFeed>());
        return builder;
    }

    private static void Configure(NpgsqlDataSourceBuilder dataSource, DatabaseOptions options)
    {
        dataSource.Name = ConnectionName; // what its metrics call the pool; they would say the connection string otherwise
        dataSource.ConfigureTracing(tracing => tracing // only as a part of something: what looks every second makes no traces
            .ConfigureCommandFilter(_ => Activity.Current is not null).ConfigureBatchFilter(_ => Activity.Current is not null)
            .ConfigureCommandSpanNameProvider(command => SpanName(command.CommandText))
            .ConfigureBatchSpanNameProvider(batch => SpanName(batch.BatchCommands[0].CommandText))
            .EnablePhysicalOpenTracing(false));
        var connection = dataSource.ConnectionStringBuilder;
        connection.ApplicationName = "mnemolite";
        connection.TargetSessionAttributes = null; // which of several hosts is meant depends on what is done
        connection.MinPoolSize = options.MinPoolSize;
        connection.MaxPoolSize = options.MaxPoolSize;
        connection.CommandTimeout = options.StatementTimeoutSeconds + 5; // PostgreSQL is the first to stop a statement
        connection.TcpKeepAlive = true; // a machine that is gone is noticed without a word from it
        (connection.TcpKeepAliveTime, connection.TcpKeepAliveInterval) = (5, 2);
        connection.MaxAutoPrepare = 0; // a statement that fails while it is prepared makes the next one on its connection fail (npgsql #6391)
        string[] settings =
        [
            "jit=off", // compiling a statement takes longer than any of ours runs
            "client_min_messages=warning", // a notice is sent at once, each, and a search by words has one for every word that means nothing
            "gin_pending_list_limit=64", // kB: every search reads the whole of this list
            $"statement_timeout={options.StatementTimeoutSeconds}s",
            string.Create(CultureInfo.InvariantCulture, $"hnsw.ef_search={options.HnswEfSearch}"),
            "hnsw.iterative_scan=relaxed_order",
        ];
        connection.Options = string.Join(' ', settings.Select(setting => $"-c {setting}"));
    }

    /// <summary>What is done first to which of our tables, such as <c>SELECT events</c>.</summary>
    private static string? SpanName(string sql) => Target().Match(sql) is not { Success: true } target ? null
        : $"{(target.Groups["verb"] is { Success: true } verb ? verb.Value : "SELECT")} {target.Groups["table"].Value}";

    [GeneratedRegex(@"(?:(?<verb>INSERT|DELETE|UPDATE)(?: INTO| FROM)?|FROM|JOIN) (?<table>events|nodes|edges|words|idempotency_keys)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex Target();
}
