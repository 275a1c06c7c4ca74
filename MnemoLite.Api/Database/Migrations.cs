using DbUp;
using DbUp.Postgresql;
using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>Brings the schema up to date with the numbered scripts of the folder <c>Migrations</c>.</summary>
internal static class Migrations
{
    private const long LockId = 0x4D6E656D6F; // "Mnemo": only one instance migrates at a time

    /// <exception cref="NpgsqlException">The database is away, or refused a script.</exception>
    public static async Task RunAsync(NpgsqlDataSource dataSource, int dimension, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        await using var connection = await dataSource.OpenConnectionAsync(cancellationToken);
        await using (var wait = new NpgsqlCommand("SELECT pg_advisory_lock($1)", connection) { CommandTimeout = 0 })
        {
            wait.Parameters.Add(new NpgsqlParameter { Value = LockId });
            await wait.ExecuteNonQueryAsync(cancellationToken);
        }
        try
        {
            var result = DeployChanges.To
                .PostgresqlDatabase(new PostgresqlConnectionManager(dataSource))
                .WithScriptsEmbeddedInAssembly(typeof(Migrations).Assembly, name => name.EndsWith(".sql", StringComparison.Ordinal))
                .WithVariable("dimension", dimension.ToString(System.Globalization.CultureInfo.InvariantCulture))
                .WithTransactionPerScript()
                .WithExecutionTimeout(TimeSpan.FromHours(1))
                .LogTo(loggers)
                .Build()
                .PerformUpgrade();
            if (!result.Successful)
                throw result.Error;
        }
        finally
        {
            await using var release = new NpgsqlCommand("SELECT pg_advisory_unlock($1)", connection);
            release.Parameters.Add(new NpgsqlParameter { Value = LockId });
            await release.ExecuteNonQueryAsync(CancellationToken.None);
        }
    }
}
