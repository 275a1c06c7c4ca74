using MnemoLite.Client;

namespace MnemoLite.Web.Components.Events;

/// <summary>
/// What the memories page shows: the newest events, or what was found for a query. A newer request ends the older one;
/// while the service is away it keeps what it has and says why.
/// </summary>
public sealed class MemoryFeed(MnemoLiteClient client, TimeProvider time) : IDisposable
{
    private const int PageSize = 20;
    private const string NoAnswer = "The memory service is not answering.";
    private const string NoDatabase = "The memory service is up, but its database is away.";

    private CancellationTokenSource _newest = new();

    /// <summary>What is asked for; empty for the newest events. Null before anything was.</summary>
    public string? Query { get; private set; }

    /// <summary>The events, with what <see cref="FeedPage.Query"/> they answer; null while there is nothing to show.</summary>
    public FeedPage? Page { get; private set; }

    public bool IsLoading { get; private set; }

    /// <summary>Why the service does not answer; null while it does.</summary>
    public string? Away { get; private set; }

    /// <summary>Why the service refused the query.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Loads the first page for a query.</summary>
    public Task ShowAsync(string query, CancellationToken cancellationToken = default)
    {
        Query = query;
        if (Page is { Events: [] })
            Page = null;
        return LoadAsync(
            async token =>
            {
                var started = time.GetTimestamp();
                var page = await FetchAsync(query, former: null, token);
                return page with { Took = time.GetElapsedTime(started) };
            },
            cancellationToken);
    }

    /// <summary>Loads the next page after what is shown.</summary>
    public Task ShowMoreAsync(CancellationToken cancellationToken = default) =>
        Page is { HasMore: true } former
            ? LoadAsync(
                async token =>
                {
                    var next = await FetchAsync(former.Query, former, token);
                    var known = former.Events.Select(e => e.Id).ToHashSet();
                    return next with { Events = [.. former.Events, .. next.Events.Where(e => known.Add(e.Id))], Took = former.Took };
                },
                cancellationToken)
            : Task.CompletedTask;

    /// <summary>Asks the service how it is, and loads again what is missing once it is back.</summary>
    public async Task CheckAsync(CancellationToken cancellationToken = default)
    {
        if (IsLoading)
            return;
        string? away;
        try
        {
            away = (await client.HealthAsync(cancellationToken)).Database ? null : NoDatabase;
        }
        catch (Exception failure) when (MemoryService.IsAway(failure))
        {
            away = NoAnswer;
        }
        if (away is not null)
            Away = away;
        else if (Away is not null && !IsLoading)
            await ShowAsync(Query ?? "", cancellationToken);
    }

    /// <summary>Puts a new event where it belongs among the newest ones.</summary>
    public void Insert(Event added)
    {
        if (Page is not { Query: "" } page)
            return;
        var position = page.Events.TakeWhile(e => e.Timestamp > added.Timestamp).Count();
        if (position < page.Events.Count || !page.HasMore)
            Page = page with { Events = [.. page.Events.Take(position), added, .. page.Events.Skip(position)] };
    }

    /// <summary>What to carry over from the prerendered page to the interactive one.</summary>
    public FeedState Capture() => new(Query, Page, Away, Refusal);

    public void Restore(FeedState state) => (Query, Page, Away, Refusal) = (state.Query, state.Page, state.Away, state.Refusal);

    public void Dispose()
    {
        _newest.Cancel();
        _newest.Dispose();
    }

    private async Task LoadAsync(Func<CancellationToken, Task<FeedPage>> load, CancellationToken cancellationToken)
    {
        await _newest.CancelAsync();
        _newest.Dispose();
        _newest = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var token = _newest.Token;

        IsLoading = true;
        Refusal = null;
        try
        {
            var page = await load(token);
            if (token.IsCancellationRequested)
                return;
            Page = page;
            Away = null;
        }
        catch (Exception) when (token.IsCancellationRequested)
        {
            return;
        }
        catch (Exception failure) when (MemoryService.IsAway(failure))
        {
            Away = failure is MnemoLiteException { StatusCode: System.Net.HttpStatusCode.ServiceUnavailable } ? NoDatabase : NoAnswer;
        }
        catch (MnemoLiteException refused)
        {
            Refusal = refused.Problem?.Errors is { Count: > 0 } errors ? string.Join(" ", errors.Values.SelectMany(e => e)) : refused.Message;
        }
        if (Page?.Query != Query)
            Page = null;
        IsLoading = false;
    }

    private async Task<FeedPage> FetchAsync(string query, FeedPage? former, CancellationToken cancellationToken)
    {
        if (query.Length == 0)
        {
            var newest = await client.ListAsync(PageSize, former?.NextCursor, cancellationToken);
            return new FeedPage(query, newest.Events) { NextCursor = newest.NextCursor };
        }
        var offset = former?.NextOffset ?? 0;
        var found = await client.SearchAsync(new SearchRequest { Query = query, Limit = PageSize, Offset = offset }, cancellationToken);
        var next = offset + found.Events.Count;
        return new FeedPage(query, found.Events)
        {
            Total = found.Total,
            NextOffset = found.Events.Count > 0 && next < found.Total ? next : null,
        };
    }
}

/// <summary>The events that are shown.</summary>
/// <param name="Query">What they answer; empty for the newest events.</param>
/// <param name="Events">Newest first, or best first.</param>
public sealed record FeedPage(string Query, IReadOnlyList<Event> Events)
{
    /// <summary>Where the list goes on.</summary>
    public string? NextCursor { get; init; }

    /// <summary>Where the search goes on.</summary>
    public int? NextOffset { get; init; }

    /// <summary>How many events were found.</summary>
    public long? Total { get; init; }

    /// <summary>How long the service took for the first page, as seen from here.</summary>
    public TimeSpan Took { get; init; }

    public bool HasMore => NextCursor is not null || NextOffset is not null;
}

/// <summary>A feed between prerendering and interactivity.</summary>
public sealed record FeedState(string? Query, FeedPage? Page, string? Away, string? Refusal)
{
    private const int MaxBytes = 512 * 1024;

    /// <summary>Whether it is small enough to travel inside the page; larger ones are better fetched again.</summary>
    public bool IsPortable =>
        Page is null ? Away is not null || Refusal is not null : Page.Events.Sum(e => (long)e.Content.Utf8.Length + e.Metadata.Utf8.Length) < MaxBytes;
}
