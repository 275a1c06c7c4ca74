using System.Buffers;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace MnemoLite.Api.Embeddings;

/// <summary>
/// A dense layer, y = xW + b, in 16-bit integers: half the memory of 32-bit floating point numbers to read, and twice as many products at once.
/// </summary>
/// <remarks>
/// Each row of x, and each column of W, is scaled to a length of at most <see cref="Length"/> and rounded. By the inequality of Cauchy and Schwarz no sum
/// of their products, nor of some of them, is then beyond 32 bits, and it is exact, in whatever order. What rounding takes from a row
/// is about a ten-thousandth of its length.
/// </remarks>
internal sealed class Int16Matrix
{
    private const int RowsAtOnce = 4, ColumnsAtOnce = 16, Pair = 2;

    /// <summary>Its square is below 2³¹ with what rounding may add, half for each of 1,536 inputs: (46300 + √1536 / 2)² = 2³¹ - 2.0 · 10⁶.</summary>
    private const float Length = 46_300;

    private readonly int _start;
    private readonly short[] _weights;
    private readonly float[] _scales, _bias;

    /// <param name="values">The weights: for each input one to every output.</param>
    /// <param name="bias">What is added to each output; their number is a multiple of 16, that of the inputs of 16, too, and at most 1,536.</param>
    public Int16Matrix(ReadOnlySpan<Half> values, float[] bias)
    {
        (Outputs, _bias) = (bias.Length, bias);
        Inputs = values.Length / Outputs;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Inputs, 1536);
        ArgumentOutOfRangeException.ThrowIfNotEqual(Inputs * Outputs, values.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(Inputs % ColumnsAtOnce + Outputs % ColumnsAtOnce, 0);
        _weights = AllocateAligned(values.Length, out _start);
        _scales = new float[Outputs];
        var column = new float[Inputs];
        for (var output = 0; output < Outputs; output++)
        {
            for (var input = 0; input < Inputs; input++)
                column[input] = (float)values[input * Outputs + output];
            var scale = ScaleOf(column);
            _scales[output] = 1 / scale;
            for (var input = 0; input < Inputs; input++)
                _weights[_start + PlaceOf(input, output)] = (short)MathF.Round(column[input] * scale);
        }
    }

    /// <summary>Whether this processor multiplies so.</summary>
    public static bool IsSupported => Avx2.IsSupported && Fma.IsSupported;

    /// <summary>How many numbers a row has.</summary>
    public int Inputs { get; }

    /// <summary>How many numbers a row of the result has.</summary>
    public int Outputs { get; }

    /// <summary>The layer's answer to each row.</summary>
    /// <param name="rows">One after the other.</param>
    /// <param name="results">Takes as many rows, one after the other.</param>
    public void Multiply(ReadOnlySpan<float> rows, Span<float> results)
    {
        var count = rows.Length / Inputs;
        var blocks = (count + RowsAtOnce - 1) / RowsAtOnce;
        var rounded = ArrayPool<short>.Shared.Rent(blocks * RowsAtOnce * Inputs);
        var scales = ArrayPool<float>.Shared.Rent(blocks * RowsAtOnce);
        try
        {
            for (var row = 0; row < count; row++)
                scales[row] = RoundRow(rows.Slice(row * Inputs, Inputs), rounded.AsSpan(row * Inputs, Inputs));
            rounded.AsSpan(count * Inputs, (blocks * RowsAtOnce - count) * Inputs).Clear();
            for (var column = 0; column < Outputs; column += ColumnsAtOnce) // its weights are in the processor's cache for all rows
            {
                for (var row = 0; row < count; row += RowsAtOnce)
                    MultiplyBlock(rounded, scales, row, column, Math.Min(RowsAtOnce, count - row), results);
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(scales);
            ArrayPool<short>.Shared.Return(rounded);
        }
    }

    /// <summary>Where a weight stands: sixteen columns after sixteen, in them input pair after input pair, in these column after column.</summary>
    private int PlaceOf(int input, int output) =>
        output / ColumnsAtOnce * ColumnsAtOnce * Inputs + input / Pair * Pair * ColumnsAtOnce + output % ColumnsAtOnce * Pair + input % Pair;

    private static float ScaleOf(ReadOnlySpan<float> numbers)
    {
        var length = TensorPrimitives.Norm(numbers);
        return length == 0 ? 1 : Math.Min(Length / length, short.MaxValue / Math.Abs(TensorPrimitives.MaxMagnitude(numbers)));
    }

    private static float RoundRow(ReadOnlySpan<float> row, Span<short> rounded)
    {
        var scale = ScaleOf(row);
        for (var i = 0; i < row.Length; i += Vector256<short>.Count)
        {
            var first = Avx.ConvertToVector256Int32(Vector256.Create(row[i..]) * scale);
            var second = Avx.ConvertToVector256Int32(Vector256.Create(row[(i + Vector256<float>.Count)..]) * scale);
            Vector256.Narrow(first, second).CopyTo(rounded[i..]);
        }
        return 1 / scale;
    }

    /// <summary>Four rows times sixteen columns. Of rows after the last there is room, but no result.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyBlock(short[] rows, float[] rowScales, int row, int column, int count, Span<float> results)
    {
        nint pairs = Inputs / Pair;
        ref var weights = ref _weights[_start + column * Inputs];
        ref var row0 = ref Unsafe.As<short, int>(ref rows[row * Inputs]);
        ref var row1 = ref Unsafe.Add(ref row0, pairs);
        ref var row2 = ref Unsafe.Add(ref row1, pairs);
        ref var row3 = ref Unsafe.Add(ref row2, pairs);
        Vector256<int> left0 = default, left1 = default, left2 = default, left3 = default;
        Vector256<int> right0 = default, right1 = default, right2 = default, right3 = default;
        for (nint pair = 0; pair < pairs; pair++)
        {
            var left = Vector256.LoadUnsafe(ref weights, (nuint)pair * (Pair * ColumnsAtOnce));
            var right = Vector256.LoadUnsafe(ref weights, (nuint)pair * (Pair * ColumnsAtOnce) + ColumnsAtOnce);
            var inputs = Vector256.Create(Unsafe.Add(ref row0, pair)).AsInt16();
            left0 += Avx2.MultiplyAddAdjacent(inputs, left);
            right0 += Avx2.MultiplyAddAdjacent(inputs, right);
            inputs = Vector256.Create(Unsafe.Add(ref row1, pair)).AsInt16();
            left1 += Avx2.MultiplyAddAdjacent(inputs, left);
            right1 += Avx2.MultiplyAddAdjacent(inputs, right);
            inputs = Vector256.Create(Unsafe.Add(ref row2, pair)).AsInt16();
            left2 += Avx2.MultiplyAddAdjacent(inputs, left);
            right2 += Avx2.MultiplyAddAdjacent(inputs, right);
            inputs = Vector256.Create(Unsafe.Add(ref row3, pair)).AsInt16();
            left3 += Avx2.MultiplyAddAdjacent(inputs, left);
            right3 += Avx2.MultiplyAddAdjacent(inputs, right);
        }
        Finish(left0, right0, 0, results);
        Finish(left1, right1, 1, results);
        Finish(left2, right2, 2, results);
        Finish(left3, right3, 3, results);

        void Finish(Vector256<int> left, Vector256<int> right, int place, Span<float> results)
        {
            if (place >= count)
                return;
            var result = results.Slice((row + place) * Outputs + column, ColumnsAtOnce);
            FinishHalf(left, column, rowScales[row + place], result);
            FinishHalf(right, column + Vector256<float>.Count, rowScales[row + place], result[Vector256<float>.Count..]);
        }
    }

    private void FinishHalf(Vector256<int> sums, int column, float rowScale, Span<float> result) =>
        (Vector256.ConvertToSingle(sums) * (rowScale * Vector256.Create(_scales.AsSpan(column))) + Vector256.Create(_bias.AsSpan(column))).CopyTo(result);

    /// <summary>Memory that begins with a line of the processor's cache: a read across two lines takes twice as long.</summary>
    private static short[] AllocateAligned(int length, out int start)
    {
        const int Line = 64;
        var array = GC.AllocateUninitializedArray<short>(length + Line / sizeof(short), pinned: true);
        start = (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(array, 0) & (Line - 1)) / sizeof(short);
        return array;
    }
}
