using System.Numerics.Tensors;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using Microsoft.Extensions.ObjectPool;

namespace MnemoLite.Api.Embeddings;

/// <summary>
/// The sentence encoder of our own, with its dense layers in 16-bit integers, for processors that have AVX2: two Transformer layers, the mean over the tokens,
/// and one layer more. It answers as <see cref="UseLiteOnnxModel"/> does but for rounding, and sooner (models/README.md).
/// </summary>
internal sealed class UseLiteInt16Model : UseLiteModel
{
    private const int TokenSize = 256, Heads = 4;
    private const float Epsilon = 1e-6f;

    private readonly float[] _timing;
    private readonly ReadOnlyMemory<byte> _embeddings;
    private readonly TransformerLayer _first, _second;
    private readonly Int16Matrix _firstResidual, _last;
    private readonly ObjectPool<Workspace> _workspaces = ObjectPool.Create<Workspace>();

    /// <param name="path">The ONNX file, as models/use-lite/convert.py names its tensors.</param>
    public UseLiteInt16Model(string path)
    {
        var tensors = new OnnxTensors(path);
        _timing = tensors.Floats("timing");
        _embeddings = tensors.Halves("embeddings");
        (_first, _second) = (new(tensors, "l0"), new(tensors, "l1"));
        (_firstResidual, _last) = (Dense(tensors, "l0_res"), Dense(tensors, "tanh"));
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<ReadOnlyMemory<int>> rows, Memory<float> vectors)
    {
        var texts = new Range[rows.Length];
        var count = 0;
        for (var i = 0; i < rows.Length; i++)
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan(rows[i].Length, MaxTokens, nameof(rows));
            texts[i] = count..(count += rows[i].Length);
        }
        var encoded = vectors.Span[..(rows.Length * Dimension)];
        var memory = _workspaces.Get();
        try
        {
            memory.Reserve(count * TransformerLayer.NumbersForToken + rows.Length * TransformerLayer.NumbersForText);
            _last.Multiply(EncodeTokens(rows, texts, count, memory), encoded);
        }
        finally
        {
            _workspaces.Return(memory);
        }
        for (var i = 0; i < rows.Length; i++)
        {
            var vector = encoded.Slice(i * Dimension, Dimension);
            TensorPrimitives.Tanh(vector, vector);
            TensorPrimitives.Divide(vector, Math.Max(TensorPrimitives.Norm<float>(vector), Epsilon), vector);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
    }

    /// <summary>The means over each text's tokens.</summary>
    private Span<float> EncodeTokens(ReadOnlySpan<ReadOnlyMemory<int>> rows, Range[] texts, int count, Workspace memory)
    {
        var tokens = memory.Take(count * TokenSize);
        for (var i = 0; i < rows.Length; i++)
            LookUp(rows[i].Span, tokens[(texts[i].Start.Value * TokenSize)..]);
        var values = memory.Take(count * Dimension);
        _firstResidual.Multiply(tokens, values);
        _first.Attend(tokens, texts, values, memory);
        _first.FeedForward(values, memory);
        _second.Attend(values, texts, values, memory);
        var means = memory.Take(rows.Length * Dimension);
        _second.FeedForwardToMeans(values, texts, means, memory);
        return means;
    }

    /// <summary>Twice the embedding of each token and the signal of its place.</summary>
    private void LookUp(ReadOnlySpan<int> ids, Span<float> values)
    {
        var embeddings = MemoryMarshal.Cast<byte, Half>(_embeddings.Span);
        for (var place = 0; place < ids.Length; place++)
        {
            var value = values.Slice(place * TokenSize, TokenSize);
            TensorPrimitives.ConvertToSingle(embeddings.Slice(ids[place] * TokenSize, TokenSize), value);
            TensorPrimitives.MultiplyAdd(value, 2, _timing.AsSpan(place * TokenSize, TokenSize), value);
        }
    }

    private static Int16Matrix Dense(OnnxTensors tensors, string name) => new(MemoryMarshal.Cast<byte, Half>(tensors.Halves(name).Span), tensors.Floats($"{name}_b"));

    /// <summary>Attention and the two dense layers after it, each added to what it was given and normalised before.</summary>
    private sealed class TransformerLayer(OnnxTensors tensors, string name)
    {
        /// <summary>What a run needs at most at once: the tokens and their values; beside them these normalised, three times as many, and what is added.</summary>
        public const int NumbersForToken = TokenSize + Dimension + Dimension + 3 * Dimension + Dimension;

        /// <summary>The same for each text: three means.</summary>
        public const int NumbersForText = Dimension + Dimension + 3 * Dimension;

        private readonly Int16Matrix _queriesKeysValues = Dense(tensors, $"{name}_qkv"), _attended = Dense(tensors, $"{name}_out");
        private readonly Int16Matrix _inner = Dense(tensors, $"{name}_ff1"), _outer = Dense(tensors, $"{name}_ff2");
        private readonly float _queryScale = tensors.Floats($"{name}_qscale")[0];
        private readonly (float[] Scale, float[] Shift) _beforeAttention = (tensors.Floats($"{name}_ln1_s"), tensors.Floats($"{name}_ln1_b"));
        private readonly (float[] Scale, float[] Shift) _beforeInner = (tensors.Floats($"{name}_ln2_s"), tensors.Floats($"{name}_ln2_b"));

        /// <summary>Adds to <paramref name="values"/> what the tokens of each text make of one another.</summary>
        public void Attend(ReadOnlySpan<float> tokens, Range[] texts, Span<float> values, Workspace memory)
        {
            var (size, taken) = (_queriesKeysValues.Inputs, memory.Taken);
            var normal = memory.Take(tokens.Length);
            Normalize(tokens, normal, _beforeAttention);
            var asked = memory.Take(tokens.Length * 3);
            _queriesKeysValues.Multiply(normal, asked);
            foreach (var text in texts)
            {
                for (var head = 0; head < Heads; head++)
                    AttendText(asked[(text.Start.Value * 3 * size)..(text.End.Value * 3 * size)], head, normal[(text.Start.Value * size)..]);
            }
            var attended = memory.Take(values.Length);
            _attended.Multiply(normal, attended);
            TensorPrimitives.Add(values, attended, values);
            memory.Taken = taken;
        }

        /// <summary>Adds what the dense layers make of each token.</summary>
        public void FeedForward(Span<float> values, Workspace memory)
        {
            var taken = memory.Taken;
            var added = memory.Take(values.Length);
            _outer.MultiplySparse(Inner(values, memory), added); // nine in ten of these inputs are 0; of their means, below, fewer
            TensorPrimitives.Add(values, added, values);
            memory.Taken = taken;
        }

        /// <summary>The same, of which only the mean over each text's tokens is wanted: the mean of a layer's answers is its answer to the mean.</summary>
        public void FeedForwardToMeans(ReadOnlySpan<float> values, Range[] texts, Span<float> means, Workspace memory)
        {
            var inner = Inner(values, memory);
            var innerMeans = memory.Take(texts.Length * _outer.Inputs);
            WriteMeans(inner, texts, innerMeans);
            _outer.Multiply(innerMeans, means);
            var valueMeans = memory.Take(means.Length);
            WriteMeans(values, texts, valueMeans);
            TensorPrimitives.Add(means, valueMeans, means);
            for (var text = 0; text < texts.Length; text++)
            {
                if (texts[text].Start.Value == texts[text].End.Value) // the mean over no token is 0, without the layer's bias
                    means.Slice(text * _outer.Outputs, _outer.Outputs).Clear();
            }
        }

        private Span<float> Inner(ReadOnlySpan<float> values, Workspace memory)
        {
            var normal = memory.Take(values.Length);
            Normalize(values, normal, _beforeInner);
            var inner = memory.Take(values.Length / _inner.Inputs * _inner.Outputs);
            _inner.Multiply(normal, inner);
            TensorPrimitives.Max(inner, 0, inner);
            return inner;
        }

        /// <summary>One head's part of what each token takes from the others: the mean of their values, weighted by softmax(query · key).</summary>
        private void AttendText(ReadOnlySpan<float> asked, int head, Span<float> results)
        {
            var size = _queriesKeysValues.Inputs;
            var (width, count) = (size / Heads, asked.Length / (3 * size));
            Span<float> weights = stackalloc float[MaxTokens];
            weights = weights[..count];
            for (var token = 0; token < count; token++)
            {
                var query = Part(asked, token, 0);
                for (var other = 0; other < count; other++)
                    weights[other] = _queryScale * TensorPrimitives.Dot(query, Part(asked, other, 1));
                TensorPrimitives.Subtract(weights, TensorPrimitives.Max<float>(weights), weights);
                TensorPrimitives.Exp(weights, weights);
                TensorPrimitives.Divide(weights, TensorPrimitives.Sum<float>(weights), weights);
                AddUp(weights, asked[(2 * size + head * width)..], 3 * size, results.Slice(token * size + head * width, width));
            }

            ReadOnlySpan<float> Part(ReadOnlySpan<float> asked, int token, int part) => asked.Slice((token * 3 + part) * size + head * width, width);
        }

        /// <summary>The sum of rows, each times its weight.</summary>
        /// <param name="weights">One a row.</param>
        /// <param name="rows">The first row begins with it.</param>
        /// <param name="stride">How far a row is from the next.</param>
        /// <param name="result">As many numbers as count of each row, a multiple of 32.</param>
        private static void AddUp(ReadOnlySpan<float> weights, ReadOnlySpan<float> rows, int stride, Span<float> result)
        {
            const int Step = 32;
            for (var start = 0; start < result.Length; start += Step)
            {
                Vector256<float> sum0 = default, sum1 = default, sum2 = default, sum3 = default;
                for (var row = 0; row < weights.Length; row++)
                {
                    var values = rows.Slice(row * stride + start, Step);
                    var weight = Vector256.Create(weights[row]);
                    sum0 = Vector256.FusedMultiplyAdd(Vector256.Create(values), weight, sum0);
                    sum1 = Vector256.FusedMultiplyAdd(Vector256.Create(values[8..]), weight, sum1);
                    sum2 = Vector256.FusedMultiplyAdd(Vector256.Create(values[16..]), weight, sum2);
                    sum3 = Vector256.FusedMultiplyAdd(Vector256.Create(values[24..]), weight, sum3);
                }
                sum0.CopyTo(result[start..]);
                sum1.CopyTo(result[(start + 8)..]);
                sum2.CopyTo(result[(start + 16)..]);
                sum3.CopyTo(result[(start + 24)..]);
            }
        }

        /// <summary>Brings each row to the mean 0 and the variance 1, then to the scale and shift that were learned.</summary>
        private static void Normalize(ReadOnlySpan<float> rows, Span<float> results, (float[] Scale, float[] Shift) learned)
        {
            var size = learned.Scale.Length;
            for (var start = 0; start < rows.Length; start += size)
            {
                var row = rows.Slice(start, size);
                var result = results.Slice(start, size);
                TensorPrimitives.Subtract(row, TensorPrimitives.Sum(row) / size, result);
                var variance = TensorPrimitives.SumOfSquares<float>(result) / size;
                TensorPrimitives.Divide(result, MathF.Sqrt(variance + Epsilon), result);
                TensorPrimitives.MultiplyAdd(result, learned.Scale, learned.Shift, result);
            }
        }

        private static void WriteMeans(ReadOnlySpan<float> rows, Range[] texts, Span<float> means)
        {
            var size = means.Length / texts.Length;
            for (var text = 0; text < texts.Length; text++)
            {
                var (start, end) = (texts[text].Start.Value, texts[text].End.Value);
                var mean = means.Slice(text * size, size);
                mean.Clear();
                for (var token = start; token < end; token++)
                    TensorPrimitives.Add(mean, rows.Slice(token * size, size), mean);
                TensorPrimitives.Divide(mean, Math.Max(end - start, 1), mean);
            }
        }
    }

    /// <summary>Memory of one run, which later ones use again.</summary>
    private sealed class Workspace
    {
        private float[] _numbers = [];

        /// <summary>How many numbers are taken; set back to give up those taken since.</summary>
        public int Taken { get; set; }

        public void Reserve(int count)
        {
            if (_numbers.Length < count)
                _numbers = GC.AllocateUninitializedArray<float>(count);
            Taken = 0;
        }

        public Span<float> Take(int count)
        {
            Taken += count;
            return _numbers.AsSpan(Taken - count, count);
        }
    }
}
