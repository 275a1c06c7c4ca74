using System.Net;
using MnemoLite.Client;

namespace MnemoLite.Web.Components.Events;

/// <summary>
/// What the search page shows: the newest events, or what was found. A newer request ends the older one; while the service is away it keeps
/// what it has and says why.
/// </summary>
public sealed class MemoryFeed(MnemoLiteClient client, TimeProvider time) : IDisposable
{
    private const int PageSize = 20;
    private const string NoAnswer = "The memory service is not answering.";
    private const string NoDatabase = "The memory service is up, but its database is away.";

    private CancellationTokenSource _newest = new();
    private SearchAsk _ask = new();

    /// <summary>What is asked for, as <see cref="SearchAsk"/> writes it. Null before anything was.</summary>
    public string? Asked { get; private set; }

    /// <summary>The events, with what <see cref="FeedPage.Asked"/> they answer; null while there is nothing to show.</summary>
    public FeedPage? Page { get; private set; }

    public bool IsLoading { get; private set; }

    /// <summary>Why the service does not answer; null while it does.</summary>
    public string? Away { get; private set; }

    /// <summary>Why the service refused the query.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Whether the store holds nothing at all, so that a first memory is waited for.</summary>
    public bool IsEmpty => _ask is { IsList: true, IsFiltered: false } && Page is { Events: [] } && Page.Asked == Asked;

    /// <summary>Where the reader is, for what a day is.</summary>
    public TimeZoneInfo Zone { get; set; } = TimeZoneInfo.Utc;

    /// <summary>Loads what is asked for.</summary>
    public Task ShowAsync(SearchAsk ask, CancellationToken cancellationToken = default)
    {
        (_ask, Asked) = (ask, ask.ToString());
        if (Page is { Events: [] } && Page.Asked != Asked)
            Page = null;
        return LoadAsync(
            async token =>
            {
                var started = time.GetTimestamp();
                var page = await FetchAsync(ask, cursor: null, token);
                return page with { Took = time.GetElapsedTime(started) };
            },
            cancellationToken);
    }

    /// <summary>Loads what comes after what is shown, where that is a list.</summary>
    public Task ShowMoreAsync(CancellationToken cancellationToken = default) =>
        Page is { NextCursor: { } cursor } former
            ? LoadAsync(
                async token =>
                {
                    var next = await FetchAsync(_ask, cursor, token);
                    var known = former.Events.Select(e => e.Id).ToHashSet();
                    return next with { Events = [.. former.Events, .. next.Events.Where(e => known.Add(e.Id))], Took = former.Took };
                },
                cancellationToken)
            : Task.CompletedTask;

    /// <summary>Asks the service how it is, and loads again once it is back, or while nothing is remembered yet.</summary>
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
        else if ((Away is not null || IsEmpty) && !IsLoading)
            await ShowAsync(_ask, cancellationToken);
    }

    /// <summary>Puts a new event where it belongs among the newest ones.</summary>
    public void Insert(Event added)
    {
        if (Page is not { Asked: SearchAsk.Path } page)
            return;
        var position = page.Events.TakeWhile(e => e.Timestamp > added.Timestamp).Count();
        if (position < page.Events.Count || page.NextCursor is null)
            Page = page with { Events = [.. page.Events.Take(position), added, .. page.Events.Skip(position)] };
    }

    /// <summary>What to carry over from the prerendered page to the interactive one.</summary>
    public FeedState Capture() => new(Asked, Page, Away, Refusal);

    public void Restore(SearchAsk ask, FeedState state) =>
        (_ask, Asked, Page, Away, Refusal) = (ask, state.Asked, state.Page, state.Away, state.Refusal);

    public void Dispose()
    {
        _newest.Cancel();
        _newest.Dispose();
    }

    private async Task LoadAsync(Func<CancellationToken, Task<FeedPage>> load, CancellationToken cancellationToken)
    {
        _newest.Cancel();
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
            Away = failure is MnemoLiteException { StatusCode: HttpStatusCode.ServiceUnavailable } ? NoDatabase : NoAnswer;
        }
        catch (MnemoLiteException refused)
        {
            Refusal = refused.Problem?.Errors is { Count: > 0 } errors
                ? string.Join(" ", errors.Values.SelectMany(e => e))
                : refused.Message;
        }
        if (Page?.Asked != Asked)
            Page = null;
        IsLoading = false;
    }

    private async Task<FeedPage> FetchAsync(SearchAsk ask, string? cursor, CancellationToken cancellationToken)
    {
        if (ask.IsList)
        {
            var (from, to) = ask.Window(time.GetUtcNow(), Zone);
            var newest = await client.ListAsync(from, to, PageSize, cursor, cancellationToken);
            return new(ask.ToString(), newest.Events) { NextCursor = newest.NextCursor };
        }
        var found = await client.SearchAsync(ask.ToRequest(PageSize, time.GetUtcNow(), Zone), cancellationToken);
        return new(ask.ToString(), found.Events) { Total = found.Total, Pages = (int)((found.Total + PageSize - 1) / PageSize) };
    }
}

/// <summary>The events that are shown.</summary>
/// <param name="Asked">What they answer, as <see cref="SearchAsk"/> writes it.</param>
/// <param name="Events">Newest first, or best first.</param>
public sealed record FeedPage(string Asked, IReadOnlyList<Event> Events)
{
    /// <summary>Where the list goes on.</summary>
    public string? NextCursor { get; init; }

    /// <summary>How many events were found.</summary>
    public long? Total { get; init; }

    /// <summary>How many pages of them there are.</summary>
    public int Pages { get; init; }

    /// <summary>How long the service took for the first page, as seen from here.</summary>
    public TimeSpan Took { get; init; }
}

/// <summary>A feed between prerendering and interactivity.</summary>
public sealed record FeedState(string? Asked, FeedPage? Page, string? Away, string? Refusal)
{
    private const int MaxBytes = 512 * 1024;

    /// <summary>Whether it is small enough to travel inside the page; larger ones are better fetched again.</summary>
    public bool IsPortable => Page is null
        ? Away is not null || Refusal is not null
        : Page.Events.Sum(e => (long)e.Content.Utf8.Length + e.Metadata.Utf8.Length) < MaxBytes;
}
