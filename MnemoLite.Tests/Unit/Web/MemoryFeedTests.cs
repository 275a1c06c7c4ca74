using System.Net;
using System.Net.Http.Json;
using MnemoLite.Client;
using MnemoLite.Web.Components.Events;

namespace MnemoLite.Tests.Unit.Web;

public sealed class MemoryFeedTests
{
    [Fact]
    public async Task A_newer_search_ends_the_older_request_and_its_answer_is_the_one_shown()
    {
        using var service = new Service();
        using var http = new HttpClient(service) { BaseAddress = new("http://service/") };
        using var feed = new MemoryFeed(new(http), TimeProvider.System);

        var older = feed.ShowAsync(new() { Query = "serv" }, TestContext.Current.CancellationToken);
        await service.Asked.Task;
        await feed.ShowAsync(new() { Query = "server" }, TestContext.Current.CancellationToken);
        await older;

        Assert.True(service.Older.IsCancellationRequested);
        Assert.Equal("/search?q=server", feed.Page!.Asked);
        Assert.False(feed.IsLoading);
        Assert.Null(feed.Away);
    }

    /// <summary>Answers nothing to the first request, and all others at once.</summary>
    private sealed class Service : HttpMessageHandler
    {
        public TaskCompletionSource Asked { get; } = new();

        public CancellationToken Older { get; private set; }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (Asked.TrySetResult())
            {
                Older = cancellationToken;
                await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
            }
            return new(HttpStatusCode.OK) { Content = JsonContent.Create(new SearchResult([], 0), MnemoLiteJson.Default.SearchResult) };
        }
    }
}
