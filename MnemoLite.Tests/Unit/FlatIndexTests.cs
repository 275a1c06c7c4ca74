using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Search;

namespace MnemoLite.Tests.Unit;

/// <summary>The index in memory, against an exact comparison.</summary>
public sealed class FlatIndexTests
{
    private const int Numbers = EmbeddingDirections.OfMeaning, MostWithoutForm = 50;
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly FlatIndex _index = new("a model", Numbers);
    private readonly Random _random = new(7);

    [Fact]
    public void The_nearest_are_among_what_it_gives_whatever_their_length()
    {
        var forms = Fill(9000);
        for (var i = 0; i < 20; i++)
        {
            var question = Vector();
            var candidates = _index.Find("one", question, 100, null, null);
            Assert.False(candidates.AreAll);
            Assert.Equal(100, candidates.Ids.Distinct().Count());
            var nearest = forms.OrderByDescending(form => Likeness(form.Value, question)).Take(90).Select(form => form.Key);
            Assert.Empty(nearest.Except(candidates.Ids));
            Assert.All(
                candidates.Ids.Zip(candidates.Ids.Skip(1)), // nearest first, but for what is lost of them
                pair => Assert.True(Likeness(forms[pair.First], question) > Likeness(forms[pair.Second], question) - 0.01f));
        }
    }

    [Fact]
    public void What_is_gone_or_elsewhere_is_not_found_and_what_changed_only_as_it_is()
    {
        var forms = Fill(9000);
        foreach (var id in forms.Keys.Where((_, place) => place % 3 == 0).ToList())
        {
            _index.Remove(id);
            forms.Remove(id);
        }
        foreach (var id in forms.Keys.Where((_, place) => place % 3 == 0).ToList())
        {
            forms[id] = Vector();
            _index.Put(id, "one", Start, Halves(forms[id]));
        }
        var moved = forms.Keys.Last();
        _index.Put(moved, "two", Start, Halves(forms[moved]));
        forms.Remove(moved);
        _index.Remove(Guid.NewGuid());

        Assert.Equal(forms.Count + 1, _index.Count);
        Assert.Equal([moved], _index.Find("two", Vector(), 100, null, null).Ids);
        _index.Remove(moved);
        Assert.Empty(_index.Find("two", Vector(), 100, null, null).Ids);
        _index.Put(moved, "two", Start, Halves(Vector()));
        Assert.Equal([moved], _index.Find("two", Vector(), 100, null, null).Ids);
        var all = _index.Find("one", Vector(), forms.Count, null, null);
        Assert.True(all.AreAll);
        Assert.Equal(forms.Keys.Order(), all.Ids.Order());
        var question = Vector();
        Assert.Empty(forms.OrderByDescending(form => Likeness(form.Value, question)).Take(90).Select(form => form.Key)
            .Except(_index.Find("one", question, 100, null, null).Ids));
        Assert.True(_index.Find("none", question, 100, null, null) is { Ids: [], AreAll: true });
    }

    [Theory]
    [InlineData(10, 20, 11)]
    [InlineData(null, 20, 21)]
    [InlineData(10, null, 290)]
    [InlineData(20, 10, 0)]
    public void A_time_keeps_the_others_out_and_has_both_its_ends(int? from, int? to, int count)
    {
        Fill(300);
        var found = _index.Find("one", Vector(), 300, from is { } first ? Start.AddSeconds(first) : null, to is { } last ? Start.AddSeconds(last) : null)!;
        Assert.Equal(count, found.Ids.Length);
    }

    [Fact]
    public void What_has_no_short_form_is_always_given_unless_it_is_too_much()
    {
        Fill(1000);
        var without = Enumerable.Range(0, MostWithoutForm + 1).Select(_ => Guid.NewGuid()).ToList();
        foreach (var id in without.Skip(1))
            _index.Put(id, "one", Start, []);
        Assert.Empty(without.Skip(1).Except(_index.Find("one", Vector(), 100, null, null).Ids));

        _index.Put(without[0], "one", Start, []);
        var tooMany = _index.Find("one", Vector(), 100, null, null);
        Assert.True(tooMany.HaveOthers);
        Assert.Equal(100, tooMany.Ids.Except(without).Count());
        _index.Put(without[1], "one", Start, Halves(Vector()));
        Assert.False(_index.Find("one", Vector(), 100, null, null).HaveOthers);
    }

    [Fact]
    public async Task Searches_go_on_while_it_changes_and_never_miss_what_stays()
    {
        var near = Vector();
        var stays = Enumerable.Range(0, 40).Select(_ => Guid.NewGuid()).ToHashSet();
        foreach (var id in stays)
            _index.Put(id, "one", Start, Halves(near));
        var isDone = false;
        var searches = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            for (var i = 0; !Volatile.Read(ref isDone); i++)
            {
                var found = _index.Find("one", near, 40, null, null);
                Assert.True(stays.IsSubsetOf(found.Ids), $"search {i}");
            }
        })).ToArray();
        for (var round = 0; round < 20; round++)
        {
            foreach (var id in Fill(1000).Keys)
                _index.Remove(id);
        }
        Volatile.Write(ref isDone, true);
        await Task.WhenAll(searches);
        Assert.Equal(stays.Count, _index.Count);
    }

    /// <summary>Puts in events a second after the other.</summary>
    private Dictionary<Guid, float[]> Fill(int count)
    {
        var forms = new Dictionary<Guid, float[]>();
        for (var i = 0; i < count; i++)
        {
            var id = Guid.NewGuid();
            forms[id] = Vector();
            _index.Put(id, "one", Start.AddSeconds(i), Halves(forms[id]));
        }
        return forms;
    }

    private float[] Vector()
    {
        var length = _random.NextSingle() * 3 + 0.1f;
        return [.. Enumerable.Range(0, Numbers).Select(place => (_random.NextSingle() - 0.5f) * length / (1 + place / 20))];
    }

    private static Half[] Halves(float[] vector) => Array.ConvertAll(vector, number => (Half)number);

    private static float Likeness(float[] one, float[] other) => System.Numerics.Tensors.TensorPrimitives.CosineSimilarity<float>(one, other);
}
