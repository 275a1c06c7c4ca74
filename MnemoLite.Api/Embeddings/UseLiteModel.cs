using System.Buffers;
using Microsoft.ML.OnnxRuntime;

namespace MnemoLite.Api.Embeddings;

/// <summary>The sentence encoder itself: tokens in, vectors of length 1 out. Safe for concurrent use; runs on the caller's thread.</summary>
internal sealed class UseLiteModel : IDisposable
{
    /// <summary>How many numbers a vector has.</summary>
    public const int Dimension = 512;

    /// <summary>How many tokens the model reads; the rest of a longer row would be lost.</summary>
    public const int MaxTokens = 128;

    private static readonly string[] Inputs = ["input_ids", "attention_mask"];
    private static readonly string[] Outputs = ["embedding"];

    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();

    /// <param name="path">The ONNX file.</param>
    public UseLiteModel(string path)
    {
        using var options = new Microsoft.ML.OnnxRuntime.SessionOptions
        {
            // Requests are the unit of parallelism: one thread each, the caller's.
            IntraOpNumThreads = 1,
            InterOpNumThreads = 1,
        };
        _session = new(path, options);
    }

    /// <summary>Encodes the rows together.</summary>
    /// <param name="rows">The tokens of each row, at most <see cref="MaxTokens"/>; shorter rows are padded to the longest.</param>
    /// <param name="vectors">Takes one vector a row, one after the other.</param>
    public void Encode(ReadOnlySpan<ReadOnlyMemory<int>> rows, Memory<float> vectors)
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
    public void Dispose()
    {
        _runOptions.Dispose();
        _session.Dispose();
    }
}
