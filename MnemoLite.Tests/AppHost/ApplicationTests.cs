using Aspire.Hosting.Testing;
using MnemoLite.Client;

namespace MnemoLite.Tests.AppHost;

public sealed class ApplicationTests(RunningApplication shared)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_dashboard_answers_with_its_page()
    {
        using var http = new HttpClient();
        var page = await http.GetStringAsync(shared.Web, Cancelled);
        Assert.Contains("<title>Overview · MnemoLite</title>", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Memories_outlive_a_restart_of_the_whole_application()
    {
        var data = RunningApplication.DataDirectory();
        Event before;
        await using (var app = await RunningApplication.StartAsync(data))
        {
            using var http = app.CreateHttpClient("api");
            before = await new MnemoLiteClient(http).CreateAsync(
                new() { Content = JsonText.Parse("""{"text": "the deploy key is rotated every spring"}""") }, Cancelled);
        }
        await using (var app = await RunningApplication.StartAsync(data))
        {
            using var http = app.CreateHttpClient("api");
            var client = new MnemoLiteClient(http);
            var found = await client.SearchAsync(new() { Query = "how often do we change the deployment secret?" }, Cancelled);
            Assert.Equal(before.Id, Assert.Single(found.Events).Id);
            Assert.Equal(before.Timestamp, (await client.GetAsync(before.Id, Cancelled))!.Timestamp);
        }
        data.Delete(recursive: true);
    }
}
