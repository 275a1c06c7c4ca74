using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>Searches once, as soon as the store is ready: the first search of a process takes ten times as long as others, so no user is to be the first.</summary>
internal sealed class FirstSearch(SearchService search, EmbeddingModelStore models, StorePreparation preparation, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!preparation.Ready)
            await Task.Delay(Pause, clock, stoppingToken);
        try
        {
            var mode = models.Current.Model.InProcess ? SearchMode.Hybrid : SearchMode.Keyword; // nobody is to be asked, or paid, for this
            await search.FindAsync(Space.Default, new() { Query = "the first search", Mode = mode }, vector: null, stoppingToken); // and takes nobody's turn
        }
        catch (Exception) when (!stoppingToken.IsCancellationRequested)
        {
            // whatever is wrong, the next who searches is told of it; it is no reason to end
        }
    }
}
