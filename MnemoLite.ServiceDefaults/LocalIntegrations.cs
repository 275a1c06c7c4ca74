using Microsoft.Extensions.Caching.StackExchangeRedis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using OpenTelemetry.Instrumentation.StackExchangeRedis;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using StackExchange.Redis;

namespace Microsoft.Extensions.Hosting;

/// <summary>The client integrations without Aspire's packages: the same names, the same configuration keys.</summary>
public static class LocalIntegrations
{
    /// <summary>Registers an <see cref="NpgsqlDataSource"/> by the name of its connection string, with its traces and metrics.</summary>
    /// <exception cref="InvalidOperationException">When the data source is first asked for and there is no such connection string.</exception>
    public static void AddKeyedNpgsqlDataSource(
        this IHostApplicationBuilder builder, string name, Action<NpgsqlDataSourceBuilder>? configureDataSourceBuilder = null)
    {
        builder.Services.AddNpgsqlDataSource(
            string.Empty,
            (services, dataSource) =>
            {
                dataSource.ConnectionStringBuilder.ConnectionString = services.ConnectionString(name);
                configureDataSourceBuilder?.Invoke(dataSource);
            },
            serviceKey: name);
        builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddNpgsql());
        builder.Services.ConfigureOpenTelemetryMeterProvider(metrics => metrics.AddMeter("Npgsql"));
    }

    /// <summary>
    /// Registers an <see cref="IConnectionMultiplexer"/>, with its traces, and an <c>IDistributedCache</c> for the connection string of that name.
    /// </summary>
    public static void AddRedisDistributedCache(this IHostApplicationBuilder builder, string connectionName)
    {
        builder.Services.AddSingleton<IConnectionMultiplexer>(services =>
        {
            var options = ConfigurationOptions.Parse(services.ConnectionString(connectionName));
            options.AbortOnConnectFail = false;
            var connection = ConnectionMultiplexer.Connect(options);
            if (services.GetService<TracerProvider>() is not null)
                services.GetRequiredService<StackExchangeRedisInstrumentation>().AddConnection(connection);
            return connection;
        });
        builder.Services.ConfigureOpenTelemetryTracerProvider(tracing => tracing
            .AddSource("OpenTelemetry.Instrumentation.StackExchangeRedis").ConfigureRedisInstrumentation(_ => { }));
        builder.Services.AddStackExchangeRedisCache(_ => { });
        builder.Services.AddOptions<RedisCacheOptions>().Configure<IServiceProvider>((options, services) =>
            options.ConnectionMultiplexerFactory = () => Task.FromResult(services.GetRequiredService<IConnectionMultiplexer>()));
    }

    private static string ConnectionString(this IServiceProvider services, string name) =>
        services.GetRequiredService<IConfiguration>().GetConnectionString(name)
        ?? throw new InvalidOperationException($"There is no connection string '{name}': set ConnectionStrings__{name}.");
}
