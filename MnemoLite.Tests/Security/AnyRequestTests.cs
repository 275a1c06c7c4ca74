using System.Reflection;
using System.Text;
using System.Text.Json;
using CsCheck;
using Microsoft.AspNetCore.Components;
using MnemoLite.Client;
using MnemoLite.Tests.Api;
using MnemoLite.Tests.AppHost;
using static MnemoLite.Tests.Api.OddInput;

namespace MnemoLite.Tests.Security;

/// <summary>
/// Any request, as bytes on the wire, to every route of the API, every tool of MCP and every route of the dashboard: it is answered, what is wrong is
/// told without a word about the inside, nothing fails, and what was stored is as it was. (BadInputTests asks the API with what fits HTTP.)
/// </summary>
public sealed class AnyRequestTests(RunningApplication app) : IAsyncLifetime
{
    private static readonly Gen<string> Method = Gen.Frequency(
        (3, Among("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")), (1, Among("TRACE", "CONNECT", "PROPFIND", "get", "G\0T", "", new string('M', 500))));

    /// <summary>What stands behind a path that is right, raw.</summary>
    private static readonly Gen<string> PathEnd = Gen.Frequency(
        (6, Gen.Const("")),
        (4, Among("/", "//", "/../..", "/..%2f..%2f..%2fetc%2fpasswd", "/%2e%2e/%2e%2e", "/..;/", "\\..\\..", "%00", "%", "%zz", "%c0%af", "%ff", "\u00ff\u00fe", ";a=b", "/*",
            "?", "??", "?&&=&", "?=", "?a=1&a=2", "?limit=%", "?limit=%00", "?limit=1&limit=2", "?cursor=%ed%a0%80", "?limit[]=1", "#", " x", "\t", "?" + new string('a', 5000),
            "/" + new string('b', 5000), "?" + string.Join('&', Enumerable.Repeat("a=b", 1100)))));

    private static readonly Gen<string> Header = Among(
        "Content-Type: text/plain", "Content-Type: application/json; charset=utf-16", "Content-Type: application/json; charset=\"", "Content-Type: application/json; charset=none", "Content-Type: multipart/form-data",
        "Content-Type: application/x-www-form-urlencoded", "Content-Type: application/x-ndjson", "Content-Type: /", "Content-Type: \u00e9", "Content-Encoding: gzip",
        "Content-Encoding: br, br", "Accept: text/html", "Accept: */*;q=2", "Accept: ,;", "Accept-Encoding: zstd, *;q=0", "Accept-Language: \u00ff", "Range: bytes=0-0",
        "Range: bytes=9-1,-", "If-None-Match: \"", "If-Modified-Since: never", "Cache-Control: max-age=-1", "Cache-Control: =", "Idempotency-Key:", "Idempotency-Key: \u00e9",
        "Idempotency-Key: " + new string('k', 5000), "Last-Event-ID: -1", "traceparent: 00-0-0-00", "tracestate: ,=,", "baggage: =;,", "Cookie: mnemolite=x; =; a", "Cookie: \u0080",
        "Authorization: Bearer", "Authorization: Bearer mnemo_0_0", "Authorization: Basic %%%", "X-HTTP-Method-Override: DELETE", "X-Original-URL: /v1/store/partition",
        "X-Forwarded-For: ;,", "X-Forwarded-Host: example.org", "Forwarded: for=_", "Host: ", "Origin: https://example.org", "Origin: \u00ff", "Expect: 100-continue", "Expect: x",
        "Upgrade: websocket", "Upgrade: h2c\r\nHTTP2-Settings: A", "Connection: Host", "TE: trailers", "Trailer: Content-Length", "Max-Forwards: -1", "X: " + new string('h', 20_000),
        "Mcp-Session-Id: x", "MCP-Protocol-Version: 1", "MCP-Protocol-Version: 2025-06-18");

    private static readonly Gen<byte[]> Bytes = Gen.OneOf(
        Gen.Byte.Array[0, 50], Gen.OneOf(Broken, Giant, Json(2)).Select(Encoding.UTF8.GetBytes),
        Among<byte[]>([0xc0, 0xaf], [.. "{\"content\":{\"text\":\""u8, 0xed, 0xa0, 0x80, .. "\"}}"u8], [0xef, 0xbb, 0xbf, .. "{}"u8], [0xff, 0xfe, (byte)'{', 0, (byte)'}', 0]));

    /// <summary>What no answer may tell: where it runs, how it is made, how it asks the database.</summary>
    private static readonly string[] Inside =
        ["   at ", "Exception", "Npgsql", "SqlState", "SELECT ", "INSERT ", "relation \"", "System.", "Microsoft.", "MnemoLite.Api", ".cs:line", AppContext.BaseDirectory, "/home/", "Password="];

    private OwnDatabase _database = null!;
    private ApiProcess _api = null!;
    private HttpClient _http = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app);
        _api = ApiProcess.Start(_database.Setting);
        _http = await _api.ConnectAsync(Cancelled);
    }

    public async ValueTask DisposeAsync()
    {
        _http?.Dispose();
        await _api.DisposeAsync();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task Any_request_to_any_route_of_the_API()
    {
        var routes = (await Operation.ReadAsync(_http)).Select(operation => (Method: operation.Method.Method, Path: operation.Url(), Body: operation.Body?.Near(3))).ToList();
        routes.AddRange(new[] { ("GET", "/openapi/v1.json"), ("GET", "/scalar/"), ("GET", "/alive"), ("GET", "/alive/ready"), ("POST", "/mcp"), ("GET", "/mcp"), ("GET", "/"), ("OPTIONS", "*") }
            .Select(route => (route.Item1, Gen.Const(route.Item2), (Gen<string>?)null)));
        await StaysAsItWasAsync(async () =>
        {
            foreach (var route in routes)
            {
                var body = route.Body is null ? Bytes : Gen.OneOf(route.Body.Select(Encoding.UTF8.GetBytes), Bytes);
                await Request(route.Method, route.Path, body).SampleAsync(request => CheckAsync(_api, request, problems: true), iter: 25, threads: 1);
            }
        });
    }

    [Fact]
    public async Task Any_call_of_any_tool()
    {
        var listed = JsonElement.Parse((await CallAsync("""{"jsonrpc":"2.0","id":1,"method":"tools/list"}"""))!);
        var tools = listed.GetProperty("result").GetProperty("tools").EnumerateArray().ToList();
        Assert.True(tools.Count >= 8);
        await StaysAsItWasAsync(async () =>
        {
            foreach (var tool in tools)
            {
                var name = tool.GetProperty("name").GetRawText();
                await new Schema(tool, tool.GetProperty("inputSchema")).Near(3).SampleAsync(
                    arguments => CallAsync($$$"""{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":{{{name}}},"arguments":{{{arguments}}}}}"""),
                    iter: 40, threads: 1);
            }
            await Gen.Select(
                    Gen.Frequency((3, Gen.Const("\"2.0\"")), (1, Json(0))), Gen.OneOf(Json(1), Gen.Const("7")),
                    Gen.OneOf(Text.Select(Quoted), Among("\"initialize\"", "\"tools/call\"", "\"resources/read\"", "\"resources/list\"", "\"prompts/get\"", "\"completion/complete\"",
                        "\"logging/setLevel\"", "\"notifications/cancelled\"", "\"ping\"", "null", "1")),
                    Gen.OneOf(Object(2), Json(1), Text.Select(uri => $$"""{"uri":{{Quoted(uri)}}}"""), Text.Select(id => $$"""{"uri":{{Quoted($"memory://{id}")}}}""")))
                .SampleAsync(
                    call => CallAsync($$"""{"jsonrpc":{{call.Item1}},"id":{{call.Item2}},"method":{{call.Item3}},"params":{{call.Item4}}}""", isTool: false),
                    iter: 200, threads: 1);
        });
    }

    [Fact]
    public async Task Any_request_to_any_route_of_the_dashboard()
    {
        await using var web = ApiProcess.StartDashboard(_http.BaseAddress!);
        await web.FindAddressAsync(Cancelled);
        var pages = typeof(MnemoLite.Web.Components.App).Assembly.GetTypes().SelectMany(page => page.GetCustomAttributes<RouteAttribute>()).Select(route => ("GET", route.Template)).ToList();
        Assert.True(pages.Count >= 10);
        var marker = await StoreMarkerAsync();
        (string, string)[] others =
        [
            ("GET", "/export"), ("POST", "/import/lines"), ("POST", "/sign-in"), ("POST", "/sign-out"), ("POST", "/_blazor/negotiate"), ("GET", "/_blazor"), ("POST", "/_blazor"),
            ("DELETE", "/_blazor"), ("GET", "/_blazor/initializers"), ("POST", "/_blazor/disconnect"), ("GET", "/app.css"), ("GET", "/alive"), ("GET", "/no/such/page"),
            ("GET", "/_framework/blazor.web.js"),
        ];
        var query = Gen.Select(Among("q", "mode", "f", "range", "from", "to", "page", "node", "depth", "period", "ReturnUrl", "id"), Gen.OneOf(Text, Number)).List[0, 4].Select(parameters =>
            string.Join('&', parameters.Where(parameter => parameter.Item2.Length < 6000).Select(parameter => $"{parameter.Item1}={Escaped(parameter.Item2)}")));
        await StaysAsItWasAsync(async () =>
        {
            foreach (var (method, path) in pages.Concat(others))
            {
                var url = query.Select(query => $"{path.Replace("{Id:guid}", marker.Id.ToString(), StringComparison.Ordinal)}?{query}");
                await Request(method, url, Bytes).SampleAsync(request => CheckAsync(web, request, problems: false), iter: 20, threads: 1);
            }
        });
        HasNoFailure(web);
    }

    /// <summary>A request that is mostly right: one thing of it is odd, or two.</summary>
    private static Gen<byte[]> Request(string method, Gen<string> path, Gen<byte[]> body) => Gen.Select(
        Gen.Frequency((9, Gen.Const(method)), (1, Method)), path, Gen.Frequency((2, Gen.Const("")), (1, PathEnd)), Header.Array[0, 2], body, (method, path, end, headers, body) =>
        {
            var own = headers.Any(header => header.StartsWith("Content-Type:", StringComparison.Ordinal)) ? "" : "Content-Type: application/json\r\n";
            var length = method is "GET" or "HEAD" && body.Length % 3 != 0 ? "" : $"Content-Length: {body.Length}\r\n";
            var host = headers.Any(header => header.StartsWith("Host:", StringComparison.Ordinal)) ? "" : "Host: localhost\r\n";
            var head = $"{method} {path}{end} HTTP/1.1\r\n{host}Connection: close\r\n{own}{length}{string.Concat(headers.Select(header => header + "\r\n"))}\r\n";
            return (byte[])[.. Encoding.Latin1.GetBytes(head), .. length.Length == 0 ? [] : body];
        });

    private static async Task CheckAsync(ApiProcess server, byte[] request, bool problems)
    {
        var sent = Encoding.Latin1.GetString(request);
        sent = sent.Length <= 2000 ? sent : $"{sent[..2000]}…";
        var answers = await RawHttp.SendAsync(await server.FindAddressAsync(Cancelled), request, Cancelled);
        Assert.True(answers.Count >= 1, $"No answer to {sent}");
        var answer = answers[^1];
        var what = $"{sent}\n\n{answer.Status} {answer.Body}";
        Assert.True(answer.Status < 500 || answer.Status is 501 or 505 && !answer.IsOfApplication, what);
        if (answer.Status < 400)
            return;
        foreach (var word in Inside)
            Assert.False(answer.Body.Contains(word, StringComparison.Ordinal) && !sent.Contains(word, StringComparison.Ordinal), what);
        if (!answer.IsOfApplication) // what is no HTTP, or too much of it, the server itself refuses
            Assert.True(answer.Status is 400 or 405 or 408 or 411 or 413 or 414 or 431 or 501 or 505 && answer.Body.Length == 0, what);
        else if (problems && !sent.StartsWith("HEAD ", StringComparison.Ordinal) && !sent.Contains(" /mcp", StringComparison.Ordinal))
        {
            Assert.True(answer.Headers.GetValueOrDefault("Content-Type") == "application/problem+json", what);
            Assert.NotEmpty(JsonElement.Parse(answer.Body).GetProperty("detail").GetString()!);
        }
    }

    /// <summary>Sends a JSON-RPC message; what came back, if it is more than that it was taken.</summary>
    private async Task<string?> CallAsync(string message, bool isTool = true)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/mcp") { Content = new StringContent(message, Encoding.UTF8, "application/json") };
        request.Headers.Accept.ParseAdd("application/json, text/event-stream");
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        patience.CancelAfter(TimeSpan.FromSeconds(30));
        using var answer = await _http.SendAsync(request, patience.Token);
        var body = await answer.Content.ReadAsStringAsync(patience.Token);
        var what = $"{message[..Math.Min(message.Length, 2000)]}\n{(int)answer.StatusCode} {body}";
        Assert.True((int)answer.StatusCode < 500, what);
        var data = body.Split('\n').LastOrDefault(line => line.StartsWith("data: ", StringComparison.Ordinal))?[6..] ?? body;
        if (data.Length == 0)
            return null;
        var told = JsonElement.Parse(data);
        if (answer.Content.Headers.ContentType?.MediaType == "application/problem+json")
        {
            Assert.NotEmpty(told.GetProperty("detail").GetString()!);
            return null;
        }
        var isError = told.TryGetProperty("error", out var error) || told.GetProperty("result").TryGetProperty("isError", out var failed) && failed.GetBoolean();
        if (isError && !data.Contains("did not contain a valid JSON-RPC message: ", StringComparison.Ordinal)) // the SDK's own words, with a type of .NET now and then
            Assert.DoesNotContain(Inside, word => data.Contains(word, StringComparison.Ordinal) && !message.Contains(word, StringComparison.Ordinal));
        if (isTool) // of other params whose names it cannot read the SDK makes an internal error, before anything of ours is asked
            Assert.False(isError && error.ValueKind == JsonValueKind.Object && error.GetProperty("code").GetInt32() == -32603, what);
        return data;
    }

    /// <summary>Whatever is done: a memory is the same after it, the service answers, and had no error of its own.</summary>
    private async Task StaysAsItWasAsync(Func<Task> act)
    {
        var marker = await StoreMarkerAsync();
        await act();
        using var ready = await _http.GetAsync("/alive/ready", Cancelled);
        Assert.True(ready.IsSuccessStatusCode);
        var after = await new MnemoLiteClient(_http).GetAsync(marker.Id, Cancelled);
        Assert.Equal((marker.Content.ToString(), marker.Metadata.ToString(), marker.Timestamp), (after!.Content.ToString(), after.Metadata.ToString(), after.Timestamp));
        HasNoFailure(_api);
    }

    private static void HasNoFailure(ApiProcess service)
    {
        var failure = service.Output.IndexOf("fail: ", StringComparison.Ordinal);
        Assert.True(failure < 0, service.Output[Math.Max(failure, 0)..]);
    }

    private Task<Event> StoreMarkerAsync() => new MnemoLiteClient(_http).CreateAsync(
        new() { Content = JsonText.From(new { text = "what stays as it is" }), Metadata = JsonText.From(new { marker = Guid.NewGuid() }) }, Cancelled);

    private static string Escaped(string text) => Uri.EscapeDataString(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)));
}
