using System.Numerics.Tensors;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.AI;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Tests.Unit.Embeddings;

public sealed class EmbeddingReferenceTests
{
    private static readonly UseLiteEmbeddingGenerator Generator = new(UseLiteEmbeddingGenerator.DefaultFolder);
    private static readonly string ModelFile = Path.Combine(UseLiteEmbeddingGenerator.DefaultFolder, "use-lite-fp16.onnx");
    private static readonly Lazy<UseLiteModel> OnnxModel = new(() => new UseLiteOnnxModel(ModelFile)), Int16Model = new(() => new UseLiteInt16Model(ModelFile));
    private static readonly UnigramTokenizer Tokenizer = UnigramTokenizer.Load(Path.Combine(UseLiteEmbeddingGenerator.DefaultFolder, "vocab.json"));
    private static readonly List<Reference> References = JsonSerializer.Deserialize<List<Reference>>(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Unit", "Embeddings", "embedding-reference.json")), JsonSerializerOptions.Web)!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static MatrixTheoryData<int, bool> Cases => new([.. Enumerable.Range(0, References.Count)], [false, true]);

    [Theory]
    [MemberData(nameof(Cases))]
    public void Tokens_and_vector_are_those_of_the_reference(int index, bool inIntegers)
    {
        var model = ModelOf(inIntegers);
        var reference = References[index];
        var tokens = Tokenizer.Encode(reference.Text);
        Assert.Equal(reference.TokenIds, tokens);

        var vector = new float[UseLiteModel.Dimension];
        model.Encode([tokens.AsMemory(..Math.Min(tokens.Length, UseLiteModel.MaxTokens))], vector); // the original reads no more of a text
        Assert.InRange(Similarity(reference.Embedding, vector), 0.9999, 1.0001);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Rows_beside_one_another_are_encoded_as_alone(bool inIntegers)
    {
        var model = ModelOf(inIntegers);
        ReadOnlyMemory<int>[] rows = [.. new[] { "the red fox", "", "Deploy on Friday", "", "a" }.Select(text => Tokenizer.Encode(text).AsMemory())];
        var together = new float[rows.Length * UseLiteModel.Dimension];
        model.Encode(rows, together);
        for (var i = 0; i < rows.Length; i++)
        {
            var alone = new float[UseLiteModel.Dimension];
            model.Encode([rows[i]], alone);
            Assert.InRange(Similarity(alone, together[(i * UseLiteModel.Dimension)..((i + 1) * UseLiteModel.Dimension)]), 0.999999, 1.000001);
        }
    }

    [Fact]
    public void In_integers_it_answers_as_ONNX_Runtime_does()
    {
        var (one, other) = (ModelOf(inIntegers: false), ModelOf(inIntegers: true));
        var random = new Random(1);
        foreach (var count in (int[])[0, 1, 2, 3, 4, 5, 17, 127, 128])
        {
            ReadOnlyMemory<int> row = Enumerable.Range(0, count).Select(_ => random.Next(8000)).ToArray();
            var (vector, otherVector) = (new float[UseLiteModel.Dimension], new float[UseLiteModel.Dimension]);
            one.Encode([row], vector);
            other.Encode([row], otherVector);
            Assert.InRange(Similarity(vector, otherVector), 0.99999, 1.00001);
        }
    }

    [Fact]
    public async Task A_text_that_the_model_reads_whole_has_the_models_vector()
    {
        foreach (var reference in References.Where(reference => reference.TokenIds.Length <= UseLiteModel.MaxTokens))
            Assert.InRange(Similarity(reference.Embedding, await EmbedAsync(reference.Text)), 0.9999, 1.0001);
    }

    [Fact]
    public void The_directions_are_of_length_one_at_right_angles_and_have_most_of_every_embedding()
    {
        var directions = Generator.GetService<EmbeddingDirections>()!.Values.Chunk(UseLiteModel.Dimension).ToArray();
        Assert.Equal(EmbeddingDirections.Count, directions.Length);
        for (var i = 0; i < directions.Length; i++)
        {
            for (var j = 0; j <= i; j++)
                Assert.Equal(i == j ? 1 : 0, TensorPrimitives.Dot<float>(directions[i], directions[j]), 0.002); // they are of 16 bits
        }
        foreach (var reference in References)
            Assert.InRange(directions.Sum(direction => Math.Pow(TensorPrimitives.Dot<float>(direction, reference.Embedding), 2)), 0.5, 1);
    }

    [Fact]
    public async Task A_batch_answers_as_one_text_at_a_time_does()
    {
        var batch = await Generator.GenerateAsync(References.Select(reference => reference.Text), cancellationToken: Cancelled);
        Assert.Equal(References.Count, batch.Count);
        for (var i = 0; i < References.Count; i++)
            Assert.InRange(Similarity(batch[i].Vector.ToArray(), await EmbedAsync(References[i].Text)), 0.999999, 1.000001);
    }

    [Fact]
    public async Task Every_part_of_a_long_text_counts()
    {
        string[] sentences = [.. Enumerable.Range(0, 100).Select(i => $"The meeting number {i} was about the budget of the year {1900 + i}.")];
        var whole = await EmbedAsync(string.Join(' ', sentences));
        Assert.Equal(1, TensorPrimitives.Norm(whole), 4);
        Assert.Equal(whole, await EmbedAsync(string.Join(' ', sentences)));
        foreach (var place in (int[])[0, 50, 99])
        {
            var changed = sentences.ToArray();
            changed[place] = "Penguins live on the southern ice and eat fish.";
            Assert.True(Similarity(whole, await EmbedAsync(string.Join(' ', changed))) < 0.9999f, $"sentence {place} is ignored");
        }
    }

    [Theory]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(257)]
    public async Task Texts_at_the_edge_of_what_the_model_reads_are_embedded_whole(int words)
    {
        var text = string.Join(' ', Enumerable.Repeat("the", words));
        Assert.Equal(words, Tokenizer.Encode(text).Length);
        Assert.Equal(1, TensorPrimitives.Norm(await EmbedAsync(text)), 4);
    }

    [Theory]
    [InlineData("a\nb", "a b")]
    [InlineData("  a \t\r\n b  ", "a b")]
    [InlineData("ﬁne", "fine")]
    public void White_space_and_compatibility_forms_make_no_difference(string text, string same) =>
        Assert.Equal(Tokenizer.Encode(same), Tokenizer.Encode(text));

    [Theory]
    [InlineData("")]
    [InlineData(" \n\t")]
    [InlineData("\u0000\u0001")]
    [InlineData("\ud800")]
    [InlineData("\udc00 x \ud83d")]
    [InlineData("😀😀 naïve 日本語 العربية")]
    [InlineData("\ufffe")]
    public async Task No_text_is_too_strange(string text) => Assert.True(float.IsFinite(TensorPrimitives.Norm(await EmbedAsync(text))));

    [Fact]
    public async Task Concurrent_callers_get_the_answers_of_a_single_one()
    {
        var alone = new List<float[]>();
        foreach (var reference in References)
            alone.Add(await EmbedAsync(reference.Text));
        var together = await Task.WhenAll(References.Select(reference => Task.Run(() => EmbedAsync(reference.Text), Cancelled)));
        Assert.Equal(alone, together);
    }

    [Fact]
    public async Task The_mock_is_the_same_everywhere_and_near_for_shared_words()
    {
        using var mock = new MockEmbeddingGenerator();
        var vectors = await mock.GenerateAsync(["the red fox", "the red dog", "seven blue boats"], cancellationToken: Cancelled);
        Assert.Equal(512, vectors[0].Vector.Length);
        var (shared, apart) = (Similarity(Vector(0), Vector(1)), Similarity(Vector(0), Vector(2)));
        Assert.True(shared > apart + 0.3f, $"{shared} and {apart}");
        var bytes = Vector(0).Select(value => (byte)(value > 0 ? 1 : 0)).ToArray();
        Assert.Equal("74da5a4ddd4d27f9", Convert.ToHexStringLower(SHA256.HashData(bytes))[..16]);

        float[] Vector(int index) => vectors[index].Vector.ToArray();
    }

    [Fact]
    public void The_files_that_ship_are_those_the_documentation_names()
    {
        var readme = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "models", "README.md"));
        foreach (var file in (string[])["use-lite-fp16.onnx", "vocab.json"])
        {
            var hash = Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(UseLiteEmbeddingGenerator.DefaultFolder, file))));
            Assert.Contains($"{hash}  {file}", readme, StringComparison.Ordinal);
        }
    }

    private static UseLiteModel ModelOf(bool inIntegers)
    {
        Assert.SkipWhen(inIntegers && !Int16Matrix.IsSupported, "This processor has no AVX2.");
        return (inIntegers ? Int16Model : OnnxModel).Value;
    }

    private static float Similarity(float[] one, float[] other) => TensorPrimitives.CosineSimilarity<float>(one, other);

    private static async Task<float[]> EmbedAsync(string text) =>
        (await Generator.GenerateVectorAsync(text, cancellationToken: Cancelled)).ToArray();

    private sealed record Reference(string Text, [property: System.Text.Json.Serialization.JsonPropertyName("token_ids")] int[] TokenIds, float[] Embedding);
}
