using System.Buffers;
using System.Numerics;
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
    private const int RowsAtOnce = 4, Pair = 2, OutputsMultiple = 32, InputsMultiple = 16;

    /// <summary>Its square is below 2³¹ with what rounding may add, half for each of 1,536 inputs: (46300 + √1536 / 2)² = 2³¹ - 2.0 · 10⁶.</summary>
    private const float Length = 46_300;

    private readonly bool _is512Bits;
    private readonly int _columnsAtOnce, _start;
    private readonly short[] _weights;
    private readonly float[] _scales, _bias;

    /// <param name="values">The weights: for each input one to every output.</param>
    /// <param name="bias">What is added to each output; their number is a multiple of 32, that of the inputs of 16 and at most 1,536.</param>
    /// <param name="is512Bits">Whether to multiply 512 bits at once, or 256; null for as many as the processor does.</param>
    public Int16Matrix(ReadOnlySpan<Half> values, float[] bias, bool? is512Bits = null)
    {
        (Outputs, _bias) = (bias.Length, bias);
        Inputs = values.Length / Outputs;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Inputs, 1536);
        ArgumentOutOfRangeException.ThrowIfNotEqual(Inputs * Outputs, values.Length);
        ArgumentOutOfRangeException.ThrowIfNotEqual(Inputs % InputsMultiple + Outputs % OutputsMultiple, 0);
        _is512Bits = is512Bits ?? Is512BitsSupported;
        _columnsAtOnce = 2 * (_is512Bits ? Vector512<int>.Count : Vector256<int>.Count);
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

    /// <summary>Whether it multiplies 512 bits at once, and does not get slower by that.</summary>
    public static bool Is512BitsSupported => Avx512BW.IsSupported && Vector512.IsHardwareAccelerated;

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
        Span<int> sums = stackalloc int[RowsAtOnce * _columnsAtOnce];
        try
        {
            for (var row = 0; row < count; row++)
                scales[row] = RoundRow(rows.Slice(row * Inputs, Inputs), rounded.AsSpan(row * Inputs, Inputs));
            rounded.AsSpan(count * Inputs, (blocks * RowsAtOnce - count) * Inputs).Clear();
            for (var column = 0; column < Outputs; column += _columnsAtOnce) // its weights are in the processor's cache for all rows
            {
                for (var first = 0; first < count; first += RowsAtOnce)
                {
                    if (_is512Bits)
                        MultiplyBlock<Bits512, Vector512<int>, Vector512<short>>(rounded, first, column, sums);
                    else
                        MultiplyBlock<Bits256, Vector256<int>, Vector256<short>>(rounded, first, column, sums);
                    for (var row = first; row < Math.Min(first + RowsAtOnce, count); row++)
                        Finish(sums.Slice((row - first) * _columnsAtOnce, _columnsAtOnce), scales[row], column, results.Slice(row * Outputs + column, _columnsAtOnce));
                }
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(scales);
            ArrayPool<short>.Shared.Return(rounded);
        }
    }

    /// <summary>The same answer, sooner where most numbers are 0: pairs of zeros are passed over.</summary>
    /// <param name="rows">One after the other.</param>
    /// <param name="results">Takes as many rows, one after the other.</param>
    public void MultiplySparse(ReadOnlySpan<float> rows, Span<float> results)
    {
        var rounded = ArrayPool<short>.Shared.Rent(Inputs);
        var pairs = ArrayPool<(int Numbers, int Place)>.Shared.Rent(Inputs / Pair);
        Span<int> sums = stackalloc int[_columnsAtOnce];
        try
        {
            for (var row = 0; row < rows.Length / Inputs; row++)
            {
                var scale = RoundRow(rows.Slice(row * Inputs, Inputs), rounded.AsSpan(0, Inputs));
                var count = CopyPairs(MemoryMarshal.Cast<short, int>(rounded.AsSpan(0, Inputs)), pairs);
                for (var column = 0; column < Outputs; column += _columnsAtOnce)
                {
                    if (_is512Bits)
                        MultiplyPairs<Bits512, Vector512<int>, Vector512<short>>(pairs.AsSpan(0, count), column, sums);
                    else
                        MultiplyPairs<Bits256, Vector256<int>, Vector256<short>>(pairs.AsSpan(0, count), column, sums);
                    Finish(sums, scale, column, results.Slice(row * Outputs + column, _columnsAtOnce));
                }
            }
        }
        finally
        {
            ArrayPool<(int, int)>.Shared.Return(pairs);
            ArrayPool<short>.Shared.Return(rounded);
        }
    }

    /// <summary>Copies the pairs that are not both 0, each with its place among all.</summary>
    /// <returns>How many these are.</returns>
    private static int CopyPairs(ReadOnlySpan<int> pairs, Span<(int Numbers, int Place)> copies)
    {
        var count = 0;
        for (var start = 0; start < pairs.Length; start += Vector256<int>.Count)
        {
            for (var left = ~Vector256.Equals(Vector256.Create(pairs[start..]), default).ExtractMostSignificantBits() & 0xFF; left != 0; left &= left - 1)
            {
                var place = start + BitOperations.TrailingZeroCount(left);
                copies[count++] = (pairs[place], place);
            }
        }
        return count;
    }

    /// <summary>Where a weight stands: the columns of one block after those of another, in them input pair after input pair, in these column after column.</summary>
    private int PlaceOf(int input, int output) =>
        output / _columnsAtOnce * _columnsAtOnce * Inputs + input / Pair * Pair * _columnsAtOnce + output % _columnsAtOnce * Pair + input % Pair;

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

    /// <summary>Four rows times two vectors of columns. It calls nothing: for a call, sums would be kept in memory, from one product to the next.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyBlock<TBits, TSums, TNumbers>(short[] rows, int row, int column, Span<int> sums)
        where TBits : IBits<TSums, TNumbers>
        where TSums : struct
    {
        nint pairs = Inputs / Pair;
        ref var weights = ref _weights[_start + column * Inputs];
        ref var row0 = ref Unsafe.As<short, int>(ref rows[row * Inputs]);
        ref var row1 = ref Unsafe.Add(ref row0, pairs);
        ref var row2 = ref Unsafe.Add(ref row1, pairs);
        ref var row3 = ref Unsafe.Add(ref row2, pairs);
        TSums left0 = default, left1 = default, left2 = default, left3 = default;
        TSums right0 = default, right1 = default, right2 = default, right3 = default;
        for (nint pair = 0; pair < pairs; pair++)
        {
            var left = TBits.Load(ref weights, 2 * pair);
            var right = TBits.Load(ref weights, 2 * pair + 1);
            var inputs = TBits.Repeat(Unsafe.Add(ref row0, pair));
            left0 = TBits.MultiplyAdd(inputs, left, left0);
            right0 = TBits.MultiplyAdd(inputs, right, right0);
            inputs = TBits.Repeat(Unsafe.Add(ref row1, pair));
            left1 = TBits.MultiplyAdd(inputs, left, left1);
            right1 = TBits.MultiplyAdd(inputs, right, right1);
            inputs = TBits.Repeat(Unsafe.Add(ref row2, pair));
            left2 = TBits.MultiplyAdd(inputs, left, left2);
            right2 = TBits.MultiplyAdd(inputs, right, right2);
            inputs = TBits.Repeat(Unsafe.Add(ref row3, pair));
            left3 = TBits.MultiplyAdd(inputs, left, left3);
            right3 = TBits.MultiplyAdd(inputs, right, right3);
        }
        ref var sum = ref Unsafe.As<int, TSums>(ref MemoryMarshal.GetReference(sums));
        sum = left0;
        Unsafe.Add(ref sum, 1) = right0;
        Unsafe.Add(ref sum, 2) = left1;
        Unsafe.Add(ref sum, 3) = right1;
        Unsafe.Add(ref sum, 4) = left2;
        Unsafe.Add(ref sum, 5) = right2;
        Unsafe.Add(ref sum, 6) = left3;
        Unsafe.Add(ref sum, 7) = right3;
    }

    /// <summary>Some pairs of one row times two vectors of columns.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MultiplyPairs<TBits, TSums, TNumbers>(ReadOnlySpan<(int Numbers, int Place)> pairs, int column, Span<int> sums)
        where TBits : IBits<TSums, TNumbers>
        where TSums : struct
    {
        ref var weights = ref _weights[_start + column * Inputs];
        TSums left = default, right = default;
        foreach (ref readonly var pair in pairs)
        {
            var inputs = TBits.Repeat(pair.Numbers);
            left = TBits.MultiplyAdd(inputs, TBits.Load(ref weights, 2 * (nint)pair.Place), left);
            right = TBits.MultiplyAdd(inputs, TBits.Load(ref weights, 2 * (nint)pair.Place + 1), right);
        }
        ref var sum = ref Unsafe.As<int, TSums>(ref MemoryMarshal.GetReference(sums));
        sum = left;
        Unsafe.Add(ref sum, 1) = right;
    }

    private void Finish(ReadOnlySpan<int> sums, float rowScale, int column, Span<float> result)
    {
        for (var i = 0; i < sums.Length; i += Vector256<int>.Count)
        {
            var scale = rowScale * Vector256.Create(_scales.AsSpan(column + i));
            (Vector256.ConvertToSingle(Vector256.Create(sums[i..])) * scale + Vector256.Create(_bias.AsSpan(column + i))).CopyTo(result[i..]);
        }
    }

    /// <summary>Memory that begins with a line of the processor's cache: a read across two lines takes twice as long.</summary>
    private static short[] AllocateAligned(int length, out int start)
    {
        const int Line = 64;
        var array = GC.AllocateUninitializedArray<short>(length + Line / sizeof(short), pinned: true);
        start = (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(array, 0) & (Line - 1)) / sizeof(short);
        return array;
    }

    /// <summary>Vectors of one width.</summary>
    private interface IBits<TSums, TNumbers>
    {
        static abstract TNumbers Load(ref short numbers, nint vector);

        /// <summary>A pair of inputs, again and again.</summary>
        static abstract TNumbers Repeat(int pair);

        /// <summary>The products, those of each pair added to its sum.</summary>
        static abstract TSums MultiplyAdd(TNumbers inputs, TNumbers weights, TSums sums);
    }

    private readonly struct Bits256 : IBits<Vector256<int>, Vector256<short>>
    {
        public static Vector256<short> Load(ref short numbers, nint vector) => Vector256.LoadUnsafe(ref numbers, (nuint)(vector * Vector256<short>.Count));

        public static Vector256<short> Repeat(int pair) => Vector256.Create(pair).AsInt16();

        public static Vector256<int> MultiplyAdd(Vector256<short> inputs, Vector256<short> weights, Vector256<int> sums) =>
            AvxVnni.IsSupported ? AvxVnni.MultiplyWideningAndAdd(sums, inputs, weights) : sums + Avx2.MultiplyAddAdjacent(inputs, weights);
    }

    private readonly struct Bits512 : IBits<Vector512<int>, Vector512<short>>
    {
        public static Vector512<short> Load(ref short numbers, nint vector) => Vector512.LoadUnsafe(ref numbers, (nuint)(vector * Vector512<short>.Count));

        public static Vector512<short> Repeat(int pair) => Vector512.Create(pair).AsInt16();

        public static Vector512<int> MultiplyAdd(Vector512<short> inputs, Vector512<short> weights, Vector512<int> sums) =>
            sums + Avx512BW.MultiplyAddAdjacent(inputs, weights);
    }
}
