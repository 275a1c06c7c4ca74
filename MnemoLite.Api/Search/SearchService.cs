using Microsoft.Extensions.AI;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>Finds events by meaning, metadata and time.</summary>
internal sealed class SearchService(SearchStore store, IEmbeddingGenerator<string, Embedding<float>> embeddings)
{
    public async Task<SearchResult> SearchAsync(SearchRequest request, CancellationToken cancellationToken)
    {
        TimeWindow.Check(request.TsStart, request.TsEnd);
        if (string.IsNullOrWhiteSpace(request.Query))
            return await store.FindNewestAsync(request, cancellationToken);
        var embedding = await embeddings.GenerateVectorAsync(request.Query, cancellationToken: cancellationToken);
        return await store.FindNearestAsync(request, embedding.ToArray(), cancellationToken);
    }
}
