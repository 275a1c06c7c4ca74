using System.Globalization;
using Npgsql;

namespace MnemoLite.Api.Database;

internal static class DatabaseServices
{
    public const string ConnectionName = "mnemolite";

    /// <summary>The data source, and the preparation of the store at start.</summary>
    public static IHostApplicationBuilder AddDatabase(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOptions<DatabaseOptions>()
            .BindConfiguration(DatabaseOptions.Section)
            .ValidateDataAnnotations()
            .ValidateOnStart();
        var options = builder.Configuration.GetSection(DatabaseOptions.Section).Get<DatabaseOptions>() ?? new();
        builder.AddNpgsqlDataSource(ConnectionName, configureDataSourceBuilder: dataSource => Configure(dataSource, options));
        builder.Services.AddSingleton<StorePreparation>();
        builder.Services.AddHostedService(services => services.GetRequiredService<StorePreparation>());
        return builder;
    }

    private static void Configure(NpgsqlDataSourceBuilder dataSource, DatabaseOptions options)
    {
        var connection = dataSource.ConnectionStringBuilder;
        connection.ApplicationName = "mnemolite";
        connection.MaxPoolSize = options.MaxPoolSize;
        connection.CommandTimeout = options.CommandTimeoutSeconds;
        connection.MaxAutoPrepare = 50;
        connection.AutoPrepareMinUsages = 2;
        connection.Options = string.Create(CultureInfo.InvariantCulture,
            $"-c hnsw.ef_search={options.HnswEfSearch} -c hnsw.iterative_scan=strict_order");
    }
}
