using System.Buffers;
using Microsoft.ML.OnnxRuntime;

namespace MnemoLite.Api.Embeddings;

/// <summary>The sentence encoder by ONNX Runtime, on any processor.</summary>
internal sealed class UseLiteOnnxModel : UseLiteModel
{
    private static readonly string[] Inputs = ["input_ids", "attention_mask"];
    private static readonly string[] Outputs = ["embedding"];

    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();

    /// <param name="path">The ONNX file.</param>
    public UseLiteOnnxModel(string path)
    {
        using var options = new Microsoft.ML.OnnxRuntime.SessionOptions
        {
            // Requests are the unit of parallelism: one thread each, the caller's.
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
        };
        _session = new(path, options);
    }

    /// <inheritdoc/>
    public override void Encode(ReadOnlySpan<ReadOnlyMemory<int>> rows, Memory<float> vectors)
    {
        var width = 1; // the model wants a column even where no row has a token
        foreach (var row in rows)
            width = Math.Max(width, row.Length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(width, MaxTokens, nameof(rows));

        var size = rows.Length * width;
        var buffer = ArrayPool<long>.Shared.Rent(2 * size);
        try
        {
            var ids = buffer.AsMemory(0, size);
            var mask = buffer.AsMemory(size, size);
            for (var row = 0; row < rows.Length; row++)
            {
                var tokens = rows[row].Span;
                var rowIds = ids.Span.Slice(row * width, width);
                var rowMask = mask.Span.Slice(row * width, width);
                for (var i = 0; i < tokens.Length; i++)
                    rowIds[i] = tokens[i];
                rowIds[tokens.Length..].Clear();
                rowMask[..tokens.Length].Fill(1);
                rowMask[tokens.Length..].Clear();
            }

            long[] shape = [rows.Length, width];
            using var idsValue = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, ids, shape);
            using var maskValue = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, mask, shape);
            using var vectorsValue = OrtValue.CreateTensorValueFromMemory(
                OrtMemoryInfo.DefaultInstance, vectors[..(rows.Length * Dimension)], [rows.Length, Dimension]);
            _session.Run(_runOptions, Inputs, [idsValue, maskValue], Outputs, [vectorsValue]);
        }
        finally
        {
            ArrayPool<long>.Shared.Return(buffer);
        }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _runOptions.Dispose();
        _session.Dispose();
    }
}
