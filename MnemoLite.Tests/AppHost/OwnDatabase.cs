using Microsoft.Extensions.Logging.Abstractions;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using Npgsql;

namespace MnemoLite.Tests.AppHost;

/// <summary>A database of one test, on the server of the application.</summary>
internal sealed class OwnDatabase : IAsyncDisposable
{
    private readonly string _server;
    private readonly string _name = $"test_{Guid.NewGuid():N}";

    private OwnDatabase(string server) => _server = server;

    public string ConnectionString => new NpgsqlConnectionStringBuilder(_server) { Database = _name, Pooling = false }.ConnectionString;

    /// <summary>The setting that makes an instance of the API use it.</summary>
    public string Setting => $"--ConnectionStrings:mnemolite={new NpgsqlConnectionStringBuilder(_server) { Database = _name }}";

    /// <summary>With the schema as it is today, or with nothing: then whoever starts on it brings the schema up to date.</summary>
    public static async Task<OwnDatabase> CreateAsync(RunningApplication app, bool hasSchema = true)
    {
        var database = new OwnDatabase(app.ConnectionString);
        await ExecuteAsync(database._server, $"CREATE DATABASE {database._name} TEMPLATE {(hasSchema ? await app.TemplateAsync() : "template1")}");
        return database;
    }

    /// <summary>A database to be copied, with the schema and nothing else.</summary>
    public static async Task<string> CreateTemplateAsync(string server)
    {
        var template = new OwnDatabase(server);
        await ExecuteAsync(server, $"CREATE DATABASE {template._name}");
        await using var dataSource = NpgsqlDataSource.Create(template.ConnectionString);
        await Migrations.RunAsync(dataSource, UseLiteModel.Dimension, NullLoggerFactory.Instance, CancellationToken.None);
        return template._name;
    }

    /// <summary>Runs a statement; the first column of its rows.</summary>
    public Task<List<string>> ExecuteAsync(string sql) => ExecuteAsync(ConnectionString, sql);

    public async ValueTask DisposeAsync() => await ExecuteAsync(_server, $"DROP DATABASE {_name} WITH (FORCE)");

    private static async Task<List<string>> ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(sql, connection);
        await using var reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<string>();
        while (await reader.ReadAsync(CancellationToken.None))
            rows.Add(reader.GetValue(0).ToString()!);
        return rows;
    }
}
