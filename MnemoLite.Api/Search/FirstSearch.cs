using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>Searches by words and by meaning as soon as the store is ready: the first search of a process takes ten times as long as others, so no user is to be the first.</summary>
internal sealed class FirstSearch(SearchService search, EmbeddingModelStore models, StorePreparation preparation, TimeProvider clock) : BackgroundService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!preparation.Ready)
            await Task.Delay(Pause, clock, stoppingToken);
        try
        {
            // Neither asks a model, which may be another's and be paid for, or takes a turn.
            await search.FindAsync(Space.Default, new() { Query = "the first search", Mode = SearchMode.Keyword }, vector: null, stoppingToken);
            var vector = new float[models.Current.Model.Dimension];
            vector[0] = 1;
            await search.FindAsync(Space.Default, new(), vector, stoppingToken);
        }
        catch (Exception) when (!stoppingToken.IsCancellationRequested)
        {
            // whatever is wrong, the next who searches is told of it; it is no reason to end
        }
    }
}
