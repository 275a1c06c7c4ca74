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

    public static async Task<OwnDatabase> CreateAsync(RunningApplication app)
    {
        var database = new OwnDatabase(app.ConnectionString);
        await ExecuteAsync(database._server, $"CREATE DATABASE {database._name}");
        return database;
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
