using Npgsql;

namespace MnemoLite.Api.Database;

/// <summary>Commands that are prepared only where it pays.</summary>
internal static class PreparedCommands
{
    /// <param name="command">What is executed.</param>
    /// <param name="isPrepared">Whether one plan is good for all values, and the statement is one of few: PostgreSQL makes the plan once then.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<NpgsqlDataReader> ExecuteReaderAsync(this NpgsqlCommand command, bool isPrepared, CancellationToken cancellationToken)
    {
        if (isPrepared)
            await command.PrepareAsync(cancellationToken);
        return await command.ExecuteReaderAsync(cancellationToken);
    }
}
