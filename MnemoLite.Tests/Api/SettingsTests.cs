using System.IO.Pipelines;
using System.Net;
using System.Net.Http.Json;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

public sealed class SettingsTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Database:MaxPoolSize", "0", "from 1 to 1000")]
    [InlineData("Database:MaxPoolSize", "many", "from 1 to 1000")]
    [InlineData("Database:MinPoolSize", "900", "from 0 to MaxPoolSize")]
    [InlineData("Database:StatementTimeoutSeconds", "-1", "from 1 to 3600")]
    [InlineData("Database:MaxPolSize", "9", "MaxPoolSize")]
    [InlineData("Graph:MaxNodes", "1e9", "from 1 to 100000")]
    public async Task A_wrong_value_stops_the_start_with_its_name_and_what_is_allowed(string name, string value, string allowed)
    {
        await using var api = ApiProcess.Start($"--{name}={value}");
        Assert.Equal(1, await api.WaitForExitAsync(Cancelled));
        Assert.Contains(name, api.Output, StringComparison.Ordinal);
        Assert.Contains(allowed, api.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", api.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_statement_that_takes_too_long_is_stopped_and_says_so()
    {
        await using var api = ApiProcess.Start(
            $"--ConnectionStrings:mnemolite={app.ConnectionString}", "--Database:StatementTimeoutSeconds=1");
        using var http = await api.ConnectAsync(Cancelled);
        var (id, held) = await HoldAsync();
        await using (held)
        {
            using var answer = await http.PatchAsJsonAsync($"/v1/events/{id}/metadata", new { a = 1 }, Cancelled);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.NotNull(answer.Headers.RetryAfter);
            Assert.Contains("too long", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        }
        Assert.Equal("{}", (await app.Client.GetAsync(id, Cancelled))!.Metadata.ToString());
    }

    [Fact]
    public async Task A_client_that_goes_away_stops_its_query()
    {
        var (id, held) = await HoldAsync();
        await using (held)
        {
            using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
            var request = app.Http.PatchAsJsonAsync($"/v1/events/{id}/metadata", new { a = 1 }, leaving.Token);
            await Eventually.UntilAsync(async () => await CountWaitingAsync() == 1);
            await leaving.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => request);
            await Eventually.UntilAsync(async () => await CountWaitingAsync() == 0);
        }
        Assert.Equal("{}", (await app.Client.GetAsync(id, Cancelled))!.Metadata.ToString());

        async Task<long> CountWaitingAsync()
        {
            await using var command = new NpgsqlCommand(
                "SELECT count(*) FROM pg_stat_activity WHERE pg_blocking_pids(pid) @> ARRAY[pg_backend_pid()]", held);
            return (long)(await command.ExecuteScalarAsync(Cancelled))!;
        }
    }

    [Fact]
    public async Task A_batch_the_database_takes_no_more_of_says_how_much_is_stored()
    {
        await using var api = ApiProcess.Start(
            $"--ConnectionStrings:mnemolite={app.ConnectionString}", "--Database:StatementTimeoutSeconds=1");
        using var http = await api.ConnectAsync(Cancelled);
        var run = Guid.NewGuid();
        var (id, held) = await HoldAsync();
        await using (held)
        {
            await using (var delete = new NpgsqlCommand("DELETE FROM events WHERE id = $1", held) { Parameters = { new() { Value = id } } })
                await delete.ExecuteNonQueryAsync(Cancelled); // whether the id is free is open until we commit
            var body = new Pipe();
            var sending = http.PostAsync("/v1/events/batch", new StreamContent(body.Reader.AsStream()), Cancelled);
            for (var i = 0; i < 400; i++) // those beyond a chunk's 256 push these out of the client's buffer
                await WriteAsync($$$"""{"content": {}, "metadata": {"run": "{{{run}}}"}}""");
            await Eventually.UntilAsync(async () => (await app.Client.SearchAsync(new() { Metadata = JsonText.From(new { run }) }, Cancelled)).Total == 256);
            await WriteAsync($$$"""{"content": {}, "id": "{{{id}}}"}""");
            await body.Writer.CompleteAsync();

            using var answer = await sending;
            Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
            Assert.Contains("256 of the events", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);

            async Task WriteAsync(string line) => await body.Writer.WriteAsync(System.Text.Encoding.UTF8.GetBytes(line + "\n"), Cancelled);
        }
    }

    /// <summary>An event whose row a transaction of ours holds, so that a change of it waits.</summary>
    private async Task<(Guid Id, NpgsqlConnection Held)> HoldAsync()
    {
        var @event = await app.Client.CreateAsync(new() { Content = JsonText.Parse("{}") }, Cancelled);
        var connection = new NpgsqlConnection(app.ConnectionString);
        await connection.OpenAsync(Cancelled);
        await using (var begin = new NpgsqlCommand("BEGIN", connection))
            await begin.ExecuteNonQueryAsync(Cancelled);
        await using var hold = new NpgsqlCommand("SELECT FROM events WHERE id = $1 FOR UPDATE", connection);
        hold.Parameters.Add(new() { Value = @event.Id });
        await hold.ExecuteNonQueryAsync(Cancelled);
        return (@event.Id, connection);
    }
}
