using System.Globalization;
using System.Text;
using Aspire.Hosting.Testing;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Api;

public sealed class ExportTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_export_restored_into_an_empty_store_exports_the_same_bytes()
    {
        var data = RunningApplication.DataDirectory();
        await using (var other = await RunningApplication.StartAsync(data))
        {
            using var http = other.CreateHttpClient("api");
            string[] items =
            [
                """{"content": {"text": "plain"}, "metadata": {"b": 1, "a": [1.10, 1e5, -0, null, true]}}""",
                """{"content": {"z": {"deep": ["ünï", "汉字", "🙂", "<&>'\"\\/\b\f\n\r\t\u0007\u001f"]}, "a": 12345678901234567890.1234567890}}""",
                """{"content": {"number": 1}, "timestamp": "1970-01-01T00:00:00Z"}""",
                """{"content": {"number": 2}, "timestamp": "9999-12-31T23:59:59.999999Z"}""",
                """{"content": {"text": "same time"}, "timestamp": "2026-01-31T12:00:00.123456+05:30"}""",
                """{"content": {"text": "own id"}, "id": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "timestamp": "2026-01-31T12:00:00.1Z"}""",
                $$"""{"content": {}, "embedding": [{{string.Join(',', Enumerable.Range(0, 512).Select(i => $"{MathF.Sin(i):R}"))}}]}""",
                .. Enumerable.Range(0, 500).Select(i => $$$"""{"content": {"text": "memory number {{{i}}}"}, "metadata": {"i": {{{i}}}}}"""),
            ];
            var first = await ImportAsync(http, string.Join('\n', items));
            Assert.Equal((items.Length, 0), (first.Created, first.Failed));
            var exported = await http.GetStringAsync("/v1/events/export", Cancelled);
            Assert.Equal(items.Length, exported.Count(c => c == '\n'));

            var emptyData = RunningApplication.DataDirectory();
            await using (var empty = await RunningApplication.StartAsync(emptyData))
            {
                using var emptyHttp = empty.CreateHttpClient("api");
                Assert.Equal("", await emptyHttp.GetStringAsync("/v1/events/export", Cancelled));
                Assert.Equal(items.Length, (await ImportAsync(emptyHttp, exported)).Created);
                Assert.Equal(exported, await emptyHttp.GetStringAsync("/v1/events/export", Cancelled));
            }
            emptyData.Delete(recursive: true);
        }
        data.Delete(recursive: true);
    }

    [Fact]
    public async Task An_export_may_be_of_a_part()
    {
        var run = Guid.NewGuid();
        await ImportAsync(app.Http, string.Join('\n', Enumerable.Range(0, 6).Select(i =>
            $$$"""{"content": {"n": {{{i}}}}, "metadata": {"run": "{{{run}}}", "i": {{{i}}}}, "timestamp": "2027-06-0{{{i + 1}}}T00:00:00Z"}""")));
        var metadata = Uri.EscapeDataString($$"""{"run": "{{run}}"}""");
        var filter = Uri.EscapeDataString("""{"i": {"$gte": 2}}""");

        var exported = await app.Http.GetStringAsync(
            $"/v1/events/export?metadata={metadata}&filter={filter}&ts_end=2027-06-05T00:00:00Z", Cancelled);
        Assert.Equal(
            ["""{"n": 2}""", """{"n": 3}""", """{"n": 4}"""],
            exported.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Select(line => System.Text.Json.JsonSerializer.Deserialize(line, MnemoLiteJson.Default.Event)!.Content.ToString()));
    }

    [Fact]
    public async Task What_the_client_exports_it_can_store_again()
    {
        var run = Guid.NewGuid();
        await ImportAsync(app.Http, string.Join('\n', Enumerable.Range(0, 4).Select(i =>
            $$$"""{"content": {"text": "line {{{i}}}"}, "metadata": {"run": "{{{run}}}"}, "timestamp": "2027-07-0{{{i + 1}}}T00:00:00+02:00"}""")));
        using var lines = new MemoryStream();
        await app.Client.ExportToAsync(
            lines, JsonText.From(new { run }), DateTimeOffset.Parse("2027-07-02T00:00:00+02:00", CultureInfo.InvariantCulture),
            DateTimeOffset.Parse("2027-07-03T00:00:00+02:00", CultureInfo.InvariantCulture), Cancelled);
        lines.Position = 0;
        var again = await app.Client.StoreAsync(lines, Cancelled);
        Assert.Equal((0, 2, 0), (again.Created, again.Existing, again.Failed));
    }

    [Fact]
    public async Task The_client_reads_an_export_as_it_comes()
    {
        var created = await app.Client.CreateAsync(
            new() { Content = JsonText.Parse("{}"), Timestamp = DateTimeOffset.UnixEpoch.AddSeconds(1) }, Cancelled);
        await foreach (var @event in app.Client.ExportAsync(Cancelled))
        {
            if (@event.Id == created.Id)
                return; // the others are not read
        }
        Assert.Fail("The event is not in the export.");
    }

    private static async Task<BatchResult> ImportAsync(HttpClient http, string lines)
    {
        using var answer = await http.PostAsync("/v1/events/batch", new StringContent(lines, Encoding.UTF8, "application/x-ndjson"), Cancelled);
        answer.EnsureSuccessStatusCode();
        return (await System.Net.Http.Json.HttpContentJsonExtensions.ReadFromJsonAsync(answer.Content, MnemoLiteJson.Default.BatchResult, Cancelled))!;
    }
}
