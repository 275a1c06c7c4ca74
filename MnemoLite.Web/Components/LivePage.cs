using System.Net;
using System.Net.ServerSentEvents;
using Microsoft.AspNetCore.Components;
using MnemoLite.Client;

namespace MnemoLite.Web.Components;

/// <summary>
/// A page that shows how things are now: it loads when it is opened, again at intervals, and soon after an event has changed. While the service is away
/// it keeps what it shows, says so, and tries again.
/// </summary>
/// <remarks>What is loaded belongs in a property with <see cref="PersistentStateAttribute"/>, so that it is not loaded a second time, nor blinks, when the
/// prerendered page becomes interactive.</remarks>
public abstract class LivePage : ComponentBase, IDisposable
{
    private static readonly TimeSpan Eager = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan PrerenderPatience = TimeSpan.FromSeconds(1);

    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _changed = new(0, 1);

    protected LivePage() => Closing = _closing.Token;

    /// <summary>How often it is loaded again.</summary>
    protected virtual TimeSpan Period => TimeSpan.FromSeconds(10);

    /// <summary>Whether a change of an event is a reason to load again; within <see cref="Eager"/>, however many changes there are.</summary>
    protected virtual bool FollowsChanges => false;

    /// <summary>Whether this change is such a reason, where not every one is.</summary>
    protected virtual bool Concerns(SseItem<EventChange> change) => true;

    /// <summary>Whether there is something to show.</summary>
    protected abstract bool HasContent { get; }

    /// <summary>Why the service does not answer; null while it does.</summary>
    protected string? Away { get; private set; }

    /// <summary>When it was loaded last.</summary>
    protected DateTimeOffset Now { get; private set; }

    /// <summary>Ends what the page has begun when it is closed.</summary>
    protected CancellationToken Closing { get; }

    [Inject]
    protected MnemoLiteClient Client { get; set; } = default!;

    [Inject]
    protected TimeProvider Clock { get; set; } = default!;

    [Inject]
    private LiveChanges Changes { get; set; } = default!;

    [Inject]
    private NavigationManager Navigation { get; set; } = default!;

    [Inject]
    private KeyRequirement Keys { get; set; } = default!;

    /// <summary>Reads what is shown from the service.</summary>
    protected abstract Task LoadAsync(CancellationToken cancellationToken);

    /// <summary>Loads now, whatever the time; to be awaited where a choice of the reader changes what is shown.</summary>
    protected async Task RefreshAsync(CancellationToken cancellationToken)
    {
        try
        {
            await LoadAsync(cancellationToken);
            Away = null;
        }
        catch (Exception failure) when (!Closing.IsCancellationRequested
            && (MemoryService.IsAway(failure) || failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Away = "The memory service is not answering.";
        }
        catch (MnemoLiteException refused) when (refused.StatusCode == HttpStatusCode.Unauthorized && !Closing.IsCancellationRequested)
        {
            Keys.Forget();
            Navigation.NavigateTo(Navigation.Uri, forceLoad: true); // to the sign-in, as the key of this one is none any more
        }
        Now = Clock.GetUtcNow();
    }

    protected override async Task OnInitializedAsync()
    {
        Now = Clock.GetUtcNow();
        if (HasContent)
            return;
        using var patience = new CancellationTokenSource(RendererInfo.IsInteractive ? Timeout.InfiniteTimeSpan : PrerenderPatience, Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, Closing);
        try
        {
            await RefreshAsync(either.Token);
        }
        catch (OperationCanceledException) when (patience.IsCancellationRequested)
        {
            // it says that it loads, and does once it is interactive
        }
    }

    protected override void OnAfterRender(bool firstRender)
    {
        if (firstRender)
            _ = WatchAsync();
    }

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        _closing.Cancel();
        _closing.Dispose();
    }

    /// <summary>Loads again whenever it is time to, until the page is closed; a failure is the page's.</summary>
    private async Task WatchAsync()
    {
        if (FollowsChanges)
            Changes.Changed += Note;
        try
        {
            while (true)
            {
                await Task.Delay(Eager, Clock, Closing);
                if (Away is null)
                    await _changed.WaitAsync(Period - Eager, Closing);
                await RefreshAsync(Closing);
                StateHasChanged();
            }
        }
        catch (OperationCanceledException) when (Closing.IsCancellationRequested)
        {
            // the page was closed
        }
        catch (Exception failure)
        {
            await DispatchExceptionAsync(failure);
        }
        finally
        {
            Changes.Changed -= Note;
        }
    }

    private void Note(SseItem<EventChange> change)
    {
        if (!Concerns(change))
            return;
        lock (_changed)
        {
            if (_changed.CurrentCount == 0)
                _changed.Release();
        }
    }
}
