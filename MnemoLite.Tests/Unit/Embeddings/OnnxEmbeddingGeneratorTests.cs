using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.AI;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Tests.Unit.Embeddings;

/// <summary>A folder with a model made here: each token has a vector of its own, looked up in a table.</summary>
public sealed class OnnxEmbeddingGeneratorTests : IDisposable
{
    private const int Dimension = 8;
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("mnemolite-model-");

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_model_with_WordPiece_gives_the_mean_of_its_tokens_or_its_own(bool pooled)
    {
        string[] vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "sleep", "##s", "[MASK]"];
        await System.IO.File.WriteAllLinesAsync(File("vocab.txt"), vocabulary, Cancelled);
        await System.IO.File.WriteAllBytesAsync(File("model.onnx"), TinyModel.Make(vocabulary.Length, Dimension, pooled), Cancelled);
        using var generator = new OnnxEmbeddingGenerator(_folder.FullName);

        var made = await generator.GenerateAsync(["The cat sleeps", "cat"], cancellationToken: Cancelled); // the shorter one is padded
        var alone = await generator.GenerateAsync(["The cat sleeps"], cancellationToken: Cancelled);

        Assert.Equal(Mean(2, 4, 5, 6, 7, 3), made[0].Vector.ToArray(), Near);
        if (!pooled) // a model that pools by itself, and without the mask, is not spared the padding
            Assert.Equal(Mean(2, 5, 3), made[1].Vector.ToArray(), Near);
        Assert.Equal(made[0].Vector.ToArray(), alone[0].Vector.ToArray(), Near);
        var metadata = generator.GetService<EmbeddingGeneratorMetadata>()!;
        Assert.Equal(Dimension, metadata.DefaultModelDimensions);
        Assert.Matches($"^{_folder.Name}-[0-9a-f]{{8}}$", metadata.DefaultModelId!);
    }

    [Fact]
    public async Task A_model_with_SentencePiece_reads_its_pieces()
    {
        string[] pieces = ["<unk>", "<s>", "</s>", "▁the", "▁cat", "▁sleep", "s", "▁"];
        await System.IO.File.WriteAllBytesAsync(File("sentencepiece.bpe.model"), TinyModel.MakeSentencePiece(pieces), Cancelled);
        await System.IO.File.WriteAllBytesAsync(File("model.onnx"), TinyModel.Make(pieces.Length + 1, Dimension, pooled: false), Cancelled);
        using (var generator = new OnnxEmbeddingGenerator(_folder.FullName))
            Assert.Equal(Mean(1, 3, 4, 5, 6, 2), (await generator.GenerateVectorAsync("the cat sleeps", cancellationToken: Cancelled)).ToArray(), Near);

        await System.IO.File.WriteAllTextAsync(File("tokenizer_config.json"), """{"tokenizer_class": "XLMRobertaTokenizer"}""", Cancelled);
        using (var generator = new OnnxEmbeddingGenerator(_folder.FullName))
            Assert.Equal(Mean(0, 4, 5, 6, 7, 2), (await generator.GenerateVectorAsync("the cat sleeps", cancellationToken: Cancelled)).ToArray(), Near);
    }

    [Fact]
    public async Task A_long_text_is_cut_at_the_models_length()
    {
        string[] vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "cat", "[MASK]"];
        await System.IO.File.WriteAllLinesAsync(File("vocab.txt"), vocabulary, Cancelled);
        await System.IO.File.WriteAllBytesAsync(File("model.onnx"), TinyModel.Make(vocabulary.Length, Dimension, pooled: false), Cancelled);
        await System.IO.File.WriteAllTextAsync(File("config.json"), """{"max_position_embeddings": 4}""", Cancelled);
        using var generator = new OnnxEmbeddingGenerator(_folder.FullName);
        var vector = await generator.GenerateVectorAsync("the the cat cat cat cat", cancellationToken: Cancelled);
        Assert.Equal(Mean(2, 4, 4, 3), vector.ToArray(), Near);
    }

    [Fact]
    public void What_a_folder_lacks_is_told()
    {
        Assert.Contains("no such folder", OnnxEmbeddingGenerator.FindMissing(File("nowhere")), StringComparison.Ordinal);
        Assert.Contains("model.onnx", OnnxEmbeddingGenerator.FindMissing(_folder.FullName), StringComparison.Ordinal);
        System.IO.File.WriteAllBytes(File("model.onnx"), []);
        Assert.Contains("vocab.txt", OnnxEmbeddingGenerator.FindMissing(_folder.FullName), StringComparison.Ordinal);
        System.IO.File.WriteAllText(File("vocab.txt"), "");
        Assert.Null(OnnxEmbeddingGenerator.FindMissing(_folder.FullName));
    }

    private static bool Near(float a, float b) => MathF.Abs(a - b) < 1e-5f;

    private static float[] Mean(params int[] tokens)
    {
        var sum = new float[Dimension];
        foreach (var token in tokens)
        {
            for (var i = 0; i < Dimension; i++)
                sum[i] += TinyModel.Weight(token, i);
        }
        var norm = MathF.Sqrt(sum.Sum(value => value * value));
        return Array.ConvertAll(sum, value => value / norm);
    }

    private string File(string name) => Path.Combine(_folder.FullName, name);

    /// <summary>Writes the two formats, both Protocol Buffers, field by field.</summary>
    private static class TinyModel
    {
        private const int Int64 = 7, Float = 1;

        public static float Weight(int token, int place) => MathF.Sin(token * 3.7f + place * 1.3f);

        /// <summary>input_ids → Gather from a table → a vector a token; or, pooled, their plain mean.</summary>
        public static byte[] Make(int tokens, int dimension, bool pooled)
        {
            var weights = new byte[tokens * dimension * sizeof(float)];
            for (var i = 0; i < tokens * dimension; i++)
                BinaryPrimitives.WriteSingleLittleEndian(weights.AsSpan(i * sizeof(float)), Weight(i / dimension, i % dimension));
            var table = Message((1, tokens), (1, dimension), (2, Float), (8, "table"), (9, weights));
            var gather = Message((1, "table"), (1, "input_ids"), (2, pooled ? "tokens" : "last_hidden_state"), (4, "Gather"));
            var axes = Message((1, "axes"), (8, 1), (20, 7)); // ints = [1]
            var keep = Message((1, "keepdims"), (3, 0), (20, 2));
            var mean = Message((1, "tokens"), (2, "sentence_embedding"), (4, "ReduceMean"), (5, axes), (5, keep));
            var output = pooled
                ? Value("sentence_embedding", Float, "batch", dimension)
                : Value("last_hidden_state", Float, "batch", "length", dimension);
            List<(int, object)> graph = [(1, gather), (2, "tiny"), (5, table), (11, Value("input_ids", Int64, "batch", "length")), (12, output)];
            if (pooled)
                graph.Insert(1, (1, mean));
            else
                graph.Add((11, Value("attention_mask", Int64, "batch", "length")));
            return Message((1, 8), (7, Message([.. graph])), (8, Message((1, ""), (2, 13))));
        }

        public static byte[] MakeSentencePiece(string[] pieces)
        {
            List<(int, object)> model = [];
            for (var i = 0; i < pieces.Length; i++)
                model.Add((1, Message((1, pieces[i]), (2, i < 3 ? 0f : -1f - i), (3, i == 0 ? 2 : i < 3 ? 3 : 1)))); // unknown, control, normal
            model.Add((2, Message((3, 1), (40, 0), (41, 1), (42, 2), (43, -1)))); // unigram; unk, bos, eos, pad
            model.Add((3, Message((1, "identity"), (3, 1), (4, 1), (5, 1)))); // dummy prefix, extra spaces out, spaces escaped
            return Message([.. model]);
        }

        private static byte[] Value(string name, int type, params object[] shape)
        {
            var dimensions = Array.ConvertAll(shape, size => (1, (object)(size is string symbol ? Message((2, symbol)) : Message((1, size)))));
            return Message((1, name), (2, Message((1, Message((1, type), (2, Message(dimensions)))))));
        }

        private static byte[] Message(params (int Field, object Value)[] fields)
        {
            using var bytes = new MemoryStream();
            foreach (var (field, value) in fields)
            {
                switch (value)
                {
                    case int number:
                        Varint(bytes, (ulong)field << 3);
                        Varint(bytes, (ulong)(long)number);
                        break;
                    case float number:
                        Varint(bytes, (ulong)field << 3 | 5);
                        bytes.Write(BitConverter.GetBytes(number));
                        break;
                    default:
                        var content = value as byte[] ?? Encoding.UTF8.GetBytes((string)value);
                        Varint(bytes, (ulong)field << 3 | 2);
                        Varint(bytes, (ulong)content.Length);
                        bytes.Write(content);
                        break;
                }
            }
            return bytes.ToArray();
        }

        private static void Varint(MemoryStream bytes, ulong value)
        {
            for (; value >= 0x80; value >>= 7)
                bytes.WriteByte((byte)(value | 0x80));
            bytes.WriteByte((byte)value);
        }
    }
}
