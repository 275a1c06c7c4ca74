using System.Globalization;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using MnemoLite.Client;
using MnemoLite.Tests.Api;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Security;

/// <summary>Text that wants to be SQL stays text: wherever a client may send one, nothing changes in the database, and it is found again as it was stored.</summary>
public sealed class InjectionTests(RunningApplication app) : IAsyncLifetime
{
    private static readonly string[] Payloads =
    [
        "' OR '1'='1", "' OR 1=1 --", "'; DROP TABLE events; --", "'); DELETE FROM events; --", "\"; DROP TABLE events; --", "\\'; DELETE FROM events; --",
        "$$; CREATE TABLE injected (a int); $$", "' UNION SELECT current_user, version() --", "1; CREATE ROLE injected SUPERUSER", "'||(SELECT set_config('role', 'postgres', false))||'",
        "a' AND 1=(SELECT 1 FROM pg_sleep(0)) AND 'a'='a", "}'; UPDATE events SET metadata = '{}'; --", "$.* ? (@ == 1)", "{\"$gt\": \"\"}", "' & !a | 'b':* <-> ('", "%' ESCAPE '\\", "E'\\047'; --",
        "\u02bc OR 1=1 --", "/* */; COPY events TO PROGRAM 'true'; --",
    ];

    private OwnDatabase _database = null!;
    private ApiProcess _api = null!;
    private HttpClient _http = null!;
    private MnemoLiteClient _client = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app);
        _api = ApiProcess.Start(_database.Setting);
        _http = await _api.ConnectAsync(Cancelled);
        _client = new(_http);
    }

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        await _api.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_of_it_is_run_wherever_it_is_sent()
    {
        var kept = await _client.CreateAsync(new() { Content = JsonText.From(new { text = "what is kept" }), Metadata = JsonText.From(new { a = 1 }) }, Cancelled);
        var node = await _client.CreateNodeAsync(new() { Type = "thing", Label = "what is kept" }, Cancelled);
        var before = await SchemaAsync();
        var inputs = 0;
        foreach (var operation in (await Operation.ReadAsync(_http)).Where(operation => operation.Path != "/v1/store/partition")) // which changes the schema itself
        {
            foreach (var payload in Payloads)
            {
                var id = operation.Method == HttpMethod.Get || operation.Path.Contains("/search", StringComparison.Ordinal) ? kept.Id : Guid.CreateVersion7();
                var parameters = operation.Parameters.Where(parameter => parameter.In == "query").ToList();
                foreach (var parameter in parameters.DefaultIfEmpty())
                {
                    var url = operation.Path.Replace("{id}", id.ToString(), StringComparison.Ordinal);
                    await SendAsync(operation, parameter is null ? url : $"{url}?{parameter.Name}={Uri.EscapeDataString(payload)}", payload, id);
                    inputs++;
                }
                foreach (var parameter in operation.Parameters.Where(parameter => parameter.In == "path"))
                    await SendAsync(operation, operation.Path.Replace($"{{{parameter.Name}}}", Uri.EscapeDataString(payload), StringComparison.Ordinal), payload, id);
                foreach (var parameter in operation.Parameters.Where(parameter => parameter.In == "header" && Ascii.IsValid(payload)))
                    await SendAsync(operation, operation.Path, payload, id, parameter.Name);
            }
        }
        Assert.True(inputs > 45 * Payloads.Length, inputs.ToString(CultureInfo.InvariantCulture));
        await CallToolsAsync(kept.Id);

        Assert.Equal(before, await SchemaAsync());
        Assert.Equal(kept.Metadata.ToString(), (await _client.GetAsync(kept.Id, Cancelled))!.Metadata.ToString());
        Assert.Equal("what is kept", (await _client.ExpandAsync(node.Id, cancellationToken: Cancelled))!.Nodes[0].Data.Label);
        Assert.DoesNotContain("fail: ", _api.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_stored_and_found_as_the_text_it_is()
    {
        var stored = new Dictionary<string, Guid>();
        foreach (var payload in Payloads)
        {
            var metadata = JsonText.From(new Dictionary<string, string> { ["injected"] = payload, [payload] = "as a name" });
            stored[payload] = (await _client.CreateAsync(new() { Content = JsonText.From(new { text = payload }), Metadata = metadata }, Cancelled)).Id;
        }
        foreach (var (payload, id) in stored)
        {
            var read = await _client.GetAsync(id, Cancelled);
            Assert.Equal(payload, read!.Content.ToElement().GetProperty("text").GetString());
            Assert.Equal("as a name", read.Metadata.ToElement().GetProperty(payload).GetString());
            var exact = await _client.SearchAsync(new() { Filter = JsonText.From(new { injected = payload }) }, Cancelled);
            Assert.Equal(id, Assert.Single(exact.Events).Id);
            var contained = await _client.SearchAsync(
                new() { Metadata = JsonText.From(new Dictionary<string, string> { ["injected"] = payload, [payload] = "as a name" }) }, Cancelled);
            Assert.Equal(id, Assert.Single(contained.Events).Id);
            var meant = await _client.SearchAsync(new() { Query = payload, Mode = SearchMode.Semantic, Limit = 100 }, Cancelled);
            Assert.Contains(id, meant.Events.Select(found => found.Id));
        }
    }

    private async Task SendAsync(Operation operation, string url, string payload, Guid id, string? header = null)
    {
        using var request = new HttpRequestMessage(operation.Method, url);
        if (operation.Body is { } body)
            request.Content = JsonContent.Create(body.Fill(payload, id));
        if (header is not null)
            request.Headers.TryAddWithoutValidation(header, payload);
        using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
        var what = $"{operation.Method} {url} {header} {payload}: {(int)answer.StatusCode}";
        Assert.True((int)answer.StatusCode < 500, what);
        if (answer.Content.Headers.ContentType?.MediaType == "application/problem+json")
            Assert.DoesNotContain("syntax error", await answer.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    private async Task CallToolsAsync(Guid id)
    {
        var tools = (await CallAsync("tools/list", new { })).GetProperty("result").GetProperty("tools").EnumerateArray().ToList();
        Assert.True(tools.Count >= 8);
        foreach (var tool in tools)
        {
            var name = tool.GetProperty("name").GetString();
            foreach (var payload in Payloads)
            {
                var arguments = new Schema(tool, tool.GetProperty("inputSchema")).Fill(payload, name is "forget" or "update" ? Guid.CreateVersion7() : id);
                var told = await CallAsync("tools/call", new { name, arguments });
                Assert.DoesNotContain("syntax error", told.ToString(), StringComparison.Ordinal);
            }
        }
    }

    private async Task<JsonElement> CallAsync(string method, object parameters)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp") { Content = JsonContent.Create(new { jsonrpc = "2.0", id = 1, method, @params = parameters }) };
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        using var answer = await _http.SendAsync(request, Cancelled);
        var body = await answer.Content.ReadAsStringAsync(Cancelled);
        Assert.True(answer.IsSuccessStatusCode, body);
        return JsonElement.Parse(body.Split('\n').LastOrDefault(line => line.StartsWith("data: ", StringComparison.Ordinal))?[6..] ?? body);
    }

    /// <summary>What there is in the database, beside the rows of its tables and what extensions bring: relations, functions, roles, settings.</summary>
    private Task<List<string>> SchemaAsync() => _database.ExecuteAsync("""
        SELECT concat_ws(' ', 'relation', relkind, relname) FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_class.oid AND deptype = 'e')
        UNION ALL SELECT concat('function ', proname) FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
        UNION ALL SELECT concat_ws(' ', 'role', rolname, rolsuper) FROM pg_roles
        UNION ALL SELECT concat('setting ', setconfig::text) FROM pg_db_role_setting
        ORDER BY 1
        """);
}
