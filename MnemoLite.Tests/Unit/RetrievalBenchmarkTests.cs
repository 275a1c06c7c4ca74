using MnemoLite.Bench.Retrieval;

namespace MnemoLite.Tests.Unit;

/// <summary>The figures of the retrieval benchmark, and the labelled set they are taken on.</summary>
public sealed class RetrievalBenchmarkTests
{
    private static readonly Dictionary<string, int> Relevant = new() { ["a"] = 2, ["b"] = 2, ["c"] = 1 };

    [Fact]
    public void The_best_order_has_the_best_figures() =>
        Assert.Equal(new(1, 1, 1, 1), RetrievalMetrics.Of(Relevant, ["a", "b", "c", "x"]));

    [Fact]
    public void What_is_not_found_counts_nothing() =>
        Assert.Equal(new(0, 0, 0, 0), RetrievalMetrics.Of(Relevant, ["x", "y"]));

    [Fact]
    public void Figures_are_as_by_hand()
    {
        var metrics = RetrievalMetrics.Of(Relevant, ["c", "x", "a", "y", "z", "b"]);
        Assert.Equal(0, metrics.RecallAt1);
        Assert.Equal(0.5, metrics.RecallAt5);
        Assert.Equal(1.0 / 3, metrics.ReciprocalRank);
        // 1/log2(2) + 3/log2(4) + 3/log2(7) of 3/log2(2) + 3/log2(3) + 1/log2(4)
        Assert.Equal((1 + 1.5 + (3 / 2.807354922)) / (3 + (3 / 1.584962501) + 0.5), metrics.Ndcg, 1e-9);
    }

    [Fact]
    public void More_answers_than_five_do_not_make_the_best_less()
    {
        var many = Enumerable.Range(0, 7).ToDictionary(i => $"{i}", _ => 2);
        Assert.Equal(1, RetrievalMetrics.Of(many, [.. many.Keys]).RecallAt5);
    }

    [Fact]
    public void The_labelled_set_is_whole()
    {
        var set = LabelledSet.Load(LabelledSet.Folder);
        Assert.Equal(1000, set.Memories.Count);
        var ids = set.Memories.Select(memory => memory.Id).ToHashSet();
        Assert.Equal(1000, ids.Count);
        Assert.Equal(1000, set.Memories.Select(memory => memory.Text).Distinct().Count());
        Assert.All(set.Memories, memory => Assert.Contains(memory.Metadata["type"], (string[])["preference", "decision", "code", "meeting", "bug"]));
        Assert.Equal(set.Queries.Count, set.Queries.Select(query => query.Id).Distinct().Count());
        Assert.All(set.Queries, query =>
        {
            Assert.All(query.Relevant, label => Assert.True(ids.Contains(label.Key) && label.Value is 1 or 2, $"{query.Id}: {label}"));
            Assert.Contains(2, query.Relevant.Values);
            Assert.Contains(query.Kind, (string[])["paraphrase", "shared", "identifier", "typo"]);
        });
        Assert.InRange(set.Queries.Count(query => query.IsForTuning), 100, set.Queries.Count - 100);
    }
}
