using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Security;

/// <summary>How much one may ask of the service, and how slowly.</summary>
public sealed class LimitTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Who_asks_too_much_has_to_wait_and_nobody_else()
    {
        await using var api = new ProtectedApi(app) { Settings = ["--Limits:RequestsPerSecond=1"] };
        await api.InitializeAsync();
        var greedy = api.Clients[Scopes.Read];
        await Eventually.UntilAsync(async () =>
        {
            using var answer = await greedy.GetAsync("/v1/events/", Cancelled);
            if (answer.StatusCode == HttpStatusCode.OK)
                return false;
            Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
            Assert.True(answer.Headers.RetryAfter!.Delta!.Value.TotalSeconds >= 1);
            var problem = await answer.Content.ReadFromJsonAsync(MnemoLiteJson.Default.Problem, Cancelled);
            Assert.Contains("Retry-After", problem!.Detail, StringComparison.Ordinal);
            return true;
        });
        using var other = await api.Clients[Scopes.Write].GetAsync("/v1/events/", Cancelled);
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        for (var i = 0; i < 20; i++)
        {
            using var probe = await api.Stranger.GetAsync("/alive", Cancelled);
            Assert.Equal(HttpStatusCode.OK, probe.StatusCode);
        }
    }

    [Fact]
    public async Task Fifty_users_of_one_key_are_not_limited()
    {
        await using var api = new ProtectedApi(app);
        await api.InitializeAsync();
        var statuses = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            var seen = new List<HttpStatusCode>();
            for (var i = 0; i < 30; i++)
            {
                using var answer = await api.Clients[Scopes.Read].GetAsync("/v1/events/", Cancelled);
                seen.Add(answer.StatusCode);
            }
            return seen;
        }));
        Assert.All(statuses.SelectMany(seen => seen), status => Assert.Equal(HttpStatusCode.OK, status));
    }

    [Fact]
    public async Task Searches_beyond_those_that_can_wait_are_refused()
    {
        await using var database = await OwnDatabase.CreateAsync(app);
        await using var api = ApiProcess.Start(database.Setting, "--Limits:ConcurrentSearches=1", "--Limits:WaitingSearches=0");
        using var http = await api.ConnectAsync(Cancelled);
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Cancelled);
        await using var held = await connection.BeginTransactionAsync(Cancelled);
        await using (var hold = new NpgsqlCommand("LOCK TABLE events", connection, held))
            await hold.ExecuteNonQueryAsync(Cancelled);

        var searches = new[] { "the first", "the second" }.Select(query => http.PostAsJsonAsync("/v1/search", new { query }, Cancelled)).ToList();
        var first = await Task.WhenAny(searches); // the other waits for the table
        using var refused = await first;
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Contains("Too many searches", await refused.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        await held.RollbackAsync(Cancelled);
        searches.Remove(first);
        using var answer = await Assert.Single(searches);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Theory]
    [InlineData("GET /alive HTTP/1.1\r\nHost: localhost\r\nX-Never:")]
    [InlineData("POST /v1/events HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{")]
    public async Task A_request_that_never_comes_to_its_end_is_ended(string start)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("localhost", app.Http.BaseAddress!.Port, Cancelled);
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(start), Cancelled);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        using var reader = new StreamReader(client.GetStream(), Encoding.ASCII);
        Assert.StartsWith("HTTP/1.1 408 ", await reader.ReadToEndAsync(patience.Token), StringComparison.Ordinal);
    }
}
