using DbUp;
using DbUp.Engine;
using DbUp.Postgresql;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>Brings the schema up to date with the numbered scripts of the folder <c>Migrations</c>.</summary>
internal static class Migrations
{
    private const long LockId = 0x4D6E656D6F; // "Mnemo": only one instance migrates at a time

    /// <returns>Whether keys can be bound to spaces: PostgreSQL has the role that row-level security holds for.</returns>
    /// <exception cref="NpgsqlException">The database is away, or refused a script.</exception>
    public static async Task<bool> RunAsync(NpgsqlDataSource dataSource, int dimension, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using (var wait = new NpgsqlCommand($"SET statement_timeout = 0; SELECT pg_advisory_lock({LockId})", connection) { CommandTimeout = 0 })
            await wait.ExecuteNonQueryAsync(cancellationToken);
        try
        {
            var result = DeployChanges.To
                .PostgresqlDatabase(new PostgresqlConnectionManager(dataSource))
                .WithScriptsEmbeddedInAssembly(typeof(Migrations).Assembly, name => name.EndsWith(".sql", StringComparison.Ordinal))
                .WithVariable("dimension", dimension.ToString(System.Globalization.CultureInfo.InvariantCulture))
                .WithPreprocessor(new WithoutTimeout())
                .WithTransactionPerScript()
                .WithExecutionTimeout(TimeSpan.FromHours(1))
                .LogTo(loggers)
                .Build()
                .PerformUpgrade();
            if (!result.Successful)
                throw result.Error;
            return await SecureSpacesAsync(connection, cancellationToken);
        }
        finally
        {
            await using var release = new NpgsqlCommand("SELECT pg_advisory_unlock($1)", connection);
            release.Parameters.Add(new NpgsqlParameter { Value = LockId });
            await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }

    /// <summary>
    /// Where it changes a table it waits for those who read it, and everyone else waits behind it: no longer than told, then it is tried again.
    /// </summary>
    private static async Task<bool> SecureSpacesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using (var patience = new NpgsqlCommand("SET lock_timeout = '2s'", connection))
            await patience.ExecuteNonQueryAsync(cancellationToken);
        await using var secure = new NpgsqlCommand("SELECT secure_spaces()", connection);
        return (bool)(await secure.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>A script that fills or indexes a large table takes the time it needs.</summary>
    private sealed class WithoutTimeout : IScriptPreprocessor
    {
        public string Process(string contents) => "SET LOCAL statement_timeout = 0;\n" + contents;
    }
}
