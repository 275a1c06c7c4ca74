using System.Net.Http.Json;
using MnemoLite.Bench.Load;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

/// <summary>What the benchmark measures the API against does the same as the API.</summary>
public sealed class BenchmarkReferenceTests(RunningApplication app)
{
    [Fact]
    public async Task The_bare_search_finds_what_the_API_finds()
    {
        var cancellationToken = TestContext.Current.CancellationToken;
        var created = await app.Client.CreateAsync(new() { Content = JsonText.From(new { text = "A bare endpoint is what a search is measured against" }) }, cancellationToken);
        for (var i = 1; i < 10; i++) // a page is full whatever others store
            await app.Client.CreateAsync(new() { Content = JsonText.From(new { text = $"What a search is measured against, {i}" }) }, cancellationToken);
        var vector = created.Embedding!;
        using var answer = await app.Http.PostAsync(
            new Uri("v1/search/similarity", UriKind.Relative), JsonContent.Create(new { embedding = vector, limit = 10 }), cancellationToken);
        var found = await answer.Content.ReadFromJsonAsync(MnemoLiteJson.Default.SearchPage, cancellationToken);

        var search = await CapturedSearch.TakeAsync(app.ConnectionString, cancellationToken);
        await using var source = NpgsqlDataSource.Create(app.ConnectionString);
        var bare = await search.RunAsync(source, vector, cancellationToken);
        Assert.Contains(created.Id, bare.Select(@event => @event.Id));
        Assert.Equal(found!.Data.Count, bare.Count);

        await using var literal = source.CreateCommand(search.ToLiteral(vector));
        await using var reader = await literal.ExecuteReaderAsync(cancellationToken);
        var ids = new List<Guid>();
        while (await reader.ReadAsync(cancellationToken))
            ids.Add(reader.GetGuid(0));
        Assert.Contains(created.Id, ids);
        Assert.Equal(found.Data.Count, ids.Count);
    }
}
