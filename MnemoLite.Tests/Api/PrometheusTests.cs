using System.Diagnostics;
using System.Net;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

public sealed class PrometheusTests(RunningApplication app)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("# TYPE a counter\na 1")] // a line that does not end
    [InlineData("a 1\n")] // no type
    [InlineData("# TYPE a counter\n# TYPE a counter\na 1\n")]
    [InlineData("# TYPE a counter\na 1\na 2\n")]
    [InlineData("# TYPE a counter\na{x=\"1\",y=\"2\"} 1\na{y=\"2\",x=\"1\"} 1\n")]
    [InlineData("# TYPE a counter\na -1\n")]
    [InlineData("# TYPE a gauge\na{x=\"1\",x=\"2\"} 1\n")]
    [InlineData("# TYPE a gauge\na{x=\"1\"y=\"2\"} 1\n")]
    [InlineData("# TYPE a gauge\na{x=\"\\d\"} 1\n")]
    [InlineData("# TYPE a gauge\na{x.y=\"1\"} 1\n")]
    [InlineData("# TYPE a gauge\na one\n")]
    [InlineData("# TYPE a gauge\n# TYPE b gauge\nb 1\na 1\n")]
    [InlineData("# TYPE a histogram\na 1\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 2\na_sum 1\na_count 3\n")]
    [InlineData("# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n")]
    public void What_breaks_the_format_is_refused(string text) => Assert.Throws<FormatException>(() => PrometheusText.Parse(text));

    [Fact]
    public async Task The_metrics_are_well_formed_and_tell_of_requests_connections_and_the_runtime()
    {
        await app.Client.CreateAsync(new() { Content = JsonText.From(new { text = "Searches compare it in memory" }) }, Cancelled);
        await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={app.ConnectionString}");
        using var http = await api.ConnectAsync(Cancelled);
        for (var i = 0; i < 3; i++)
            (await http.GetAsync($"/v1/events/{Guid.NewGuid()}", Cancelled)).Dispose();
        (string, string)[] notFound = [("http_request_method", "GET"), ("http_route", "/v1/events/{id}"), ("http_response_status_code", "404")];

        PrometheusText metrics = null!;
        await Eventually.UntilAsync(async () =>
        {
            metrics = await ReadAsync(http);
            return metrics.Single("mnemolite_search_index_events") > 0 && metrics.Samples.Any(sample =>
                sample.Name == "http_server_request_duration_seconds_count" && sample.Value == 3
                && notFound.All(label => sample.Labels.GetValueOrDefault(label.Item1) == label.Item2));
        });

        string[] bounds = ["0.001", "0.005", "0.01", "0.02", "0.05", "0.1", "0.5", "1", "5", "+Inf"];
        Assert.All(bounds, bound => metrics.Single("http_server_request_duration_seconds_bucket", [.. notFound, ("le", bound)]));
        Assert.Equal(7, metrics.Single("db_client_connection_max", ("db_client_connection_pool_name", "mnemolite")));
        Assert.All((string[])["idle", "used"], state => metrics.Single("db_client_connection_count", ("db_client_connection_state", state)));
        Assert.Equal(0, metrics.Single("mnemolite_database_waiting"));
        Assert.Equal(0, metrics.Single("mnemolite_embeddings_pending"));
        Assert.Equal(0, metrics.Single("mnemolite_cache_evictions_total", ("cache", "event"))); // there before it happens, or its rate could not be known
        Assert.True(metrics.Single("dotnet_process_memory_working_set_bytes") > 0);
        Assert.Contains(metrics.Samples, sample => sample.Name == "dotnet_gc_collections_total");
        Assert.Contains(metrics.Samples, sample => sample.Name == "http_server_active_requests");
        using var posted = await http.PostAsync("/metrics", null, Cancelled);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, posted.StatusCode);
    }

    [Fact]
    public async Task Promtool_takes_the_metrics_and_they_tell_of_embeddings_the_store_and_the_disks()
    {
        await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={app.ConnectionString}");
        using var http = await api.ConnectAsync(Cancelled);
        PrometheusText metrics = null!;
        await Eventually.UntilAsync(async () => (metrics = await ReadAsync(http)).Samples.Any(sample => sample.Name == "mnemolite_store_size_bytes"));

        Assert.All((string[])["service", "database"], disk =>
            Assert.InRange(metrics.Single("mnemolite_disk_free_bytes", ("disk", disk)), 1, metrics.Single("mnemolite_disk_size_bytes", ("disk", disk))));
        Assert.True(metrics.Single("mnemolite_store_size_bytes") > 0);
        Assert.True(metrics.Single("mnemolite_machine_memory_size_bytes") > 0);
        Assert.Equal(1, metrics.Single("gen_ai_client_operation_duration_seconds_count", ("gen_ai_operation_name", "embeddings"))); // the first, at start
        Assert.DoesNotContain(metrics.Samples, sample => sample.Name.StartsWith("mnemolite_replication_", StringComparison.Ordinal));

        var start = new ProcessStartInfo("promtool", ["check", "metrics"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var promtool = Process.Start(start)!;
        await promtool.StandardInput.WriteAsync(await http.GetStringAsync("/metrics", Cancelled));
        promtool.StandardInput.Close();
        var remarks = await promtool.StandardError.ReadToEndAsync(Cancelled) + await promtool.StandardOutput.ReadToEndAsync(Cancelled);
        // OpenTelemetry's own names, which end as a histogram's would.
        string[] accepted = ["db_client_connection_count", "dotnet_assembly_count", "dotnet_process_cpu_count", "dotnet_timer_count"];
        Assert.All(remarks.Split('\n', StringSplitOptions.RemoveEmptyEntries), remark => Assert.Contains(remark.Split(' ')[0], accepted));
    }

    [Fact]
    public async Task What_is_remembered_asked_or_secret_is_in_no_metric_and_makes_no_series()
    {
        await using var api = ApiProcess.Start($"--ConnectionStrings:mnemolite={app.ConnectionString}");
        using var http = await api.ConnectAsync(Cancelled);
        var client = new MnemoLiteClient(http);
        await AskAsync();
        var before = (await ReadAsync(http)).Samples.Count;
        var words = new List<string>();
        for (var i = 0; i < 5; i++)
            words.Add(await AskAsync());

        var text = "";
        await Eventually.UntilAsync(async () =>
        {
            text = await http.GetStringAsync("/metrics", Cancelled);
            return PrometheusText.Parse(text).Single("http_server_request_duration_seconds_count", ("http_route", "/v1/search")) == words.Count + 1;
        });

        Assert.All(words, word => Assert.DoesNotContain(word, text, StringComparison.OrdinalIgnoreCase));
        var connection = new NpgsqlConnectionStringBuilder(app.ConnectionString);
        Assert.DoesNotContain(connection.Password!, text, StringComparison.Ordinal);
        Assert.DoesNotContain("Username", text, StringComparison.OrdinalIgnoreCase);
        Assert.InRange(PrometheusText.Parse(text).Samples.Count, before, before + 60); // some more for /metrics itself, none for each word

        async Task<string> AskAsync()
        {
            var word = $"w{Guid.NewGuid():N}";
            var @event = await client.CreateAsync(
                new() { Content = JsonText.From(new { text = word }), Metadata = JsonText.From(new { severity = word, project = word }) }, Cancelled);
            await client.SearchAsync(new() { Query = word }, Cancelled);
            await client.GetTimelineAsync(severity: word, cancellationToken: Cancelled);
            await client.GetAsync(@event.Id, Cancelled);
            (await http.GetAsync($"/{word}?{word}={word}", Cancelled)).Dispose();
            using var odd = new HttpRequestMessage(new(word.ToUpperInvariant()), "/v1/events");
            odd.Headers.Host = $"{word}.example";
            (await http.SendAsync(odd, Cancelled)).Dispose();
            return word;
        }
    }

    private static async Task<PrometheusText> ReadAsync(HttpClient http)
    {
        using var answer = await http.GetAsync("/metrics", Cancelled);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
        return PrometheusText.Parse(await answer.Content.ReadAsStringAsync(Cancelled));
    }
}
