using System.Numerics.Tensors;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Tests.Unit.Embeddings;

public sealed class Int16MatrixTests
{
    public Int16MatrixTests() => Assert.SkipUnless(Int16Matrix.IsSupported, "This processor has no AVX2.");

    /// <summary>How many bits this processor multiplies at once.</summary>
    public static IEnumerable<int> Widths => Int16Matrix.Is512BitsSupported ? [256, 512] : [256];

    public static TheoryData<int, int, int, float, int> Shapes => new(
        from bits in Widths
        from shape in new[] { (1, 16, 32, 1f), (3, 256, 768, 1f), (4, 512, 512, 1e-6f), (9, 1536, 512, 1e6f) }
        select (shape.Item1, shape.Item2, shape.Item3, shape.Item4, bits));

    public static TheoryData<int, int> SignsAndWidths => new(from bits in Widths from sign in new[] { 1, -1 } select (sign, bits));

    public static TheoryData<int> EachWidth => new(Widths);

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_product_is_right_to_a_few_ten_thousandths(int rows, int inputs, int outputs, float magnitude, int bits)
    {
        var random = new Random(rows);
        var values = Array.ConvertAll(Draw(inputs * outputs), number => (Half)number);
        var bias = Draw(outputs);
        var given = Draw(rows * inputs);
        TensorPrimitives.Multiply(given, magnitude, given);
        given.AsSpan(0, inputs / 2).Clear();
        given[^1] = 50 * magnitude; // one that is far greater than all others
        var results = new float[rows * outputs];
        Matrix(values, bias, bits).Multiply(given, results);
        for (var row = 0; row < rows; row++)
        {
            var x = given.AsSpan(row * inputs, inputs);
            for (var output = 0; output < outputs; output++)
            {
                var column = Enumerable.Range(0, inputs).Select(input => (float)values[input * outputs + output]).ToArray();
                var right = bias[output] + TensorPrimitives.Dot<double>(ToDoubles(x), ToDoubles(column));
                Assert.Equal(right, results[row * outputs + output], 5e-4 * TensorPrimitives.Norm<float>(x) * TensorPrimitives.Norm<float>(column) + 1e-6);
            }
        }

        float[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.NextSingle() * 2 - 1)];
    }

    [Theory]
    [MemberData(nameof(SignsAndWidths))]
    public void The_largest_sum_there_can_be_does_not_overflow(int sign, int bits)
    {
        var values = new Half[1536 * 32];
        Array.Fill(values, Half.One);
        var row = new float[1536];
        Array.Fill(row, sign);
        var results = new float[32];
        Matrix(values, new float[32], bits).Multiply(row, results);
        Assert.All(results, result => Assert.Equal(1536 * sign, result, 2 * 0.5 / 1181 * 1536)); // each 1 is 1,181 and at most a half; both factors round alike
    }

    [Theory]
    [MemberData(nameof(EachWidth))]
    public void A_row_of_zeros_has_the_bias(int bits)
    {
        float[] bias = [.. Enumerable.Range(0, 32).Select(i => (float)i)];
        var results = new float[64];
        Matrix(new Half[16 * 32], bias, bits).Multiply(new float[32], results);
        Assert.Equal([.. bias, .. bias], results);
    }

    [Theory]
    [MemberData(nameof(EachWidth))]
    public void To_pass_over_zeros_changes_nothing(int bits)
    {
        const int Inputs = 48, Outputs = 64;
        var random = new Random(bits);
        double[] shares = [0, 0.05, 0.3, 1];
        var rows = shares.SelectMany(share => Enumerable.Range(0, Inputs).Select(_ => random.NextDouble() < share ? random.NextSingle() * 2 - 1 : 0)).ToArray();
        var values = Enumerable.Range(0, Inputs * Outputs).Select(_ => (Half)(random.NextSingle() * 2 - 1)).ToArray();
        var matrix = Matrix(values, [.. Enumerable.Range(0, Outputs).Select(i => (float)i)], bits);
        var (all, sparse) = (new float[shares.Length * Outputs], new float[shares.Length * Outputs]);
        matrix.Multiply(rows, all);
        matrix.MultiplySparse(rows, sparse);
        Assert.Equal(all, sparse);
    }

    [Theory]
    [InlineData(16, 16)]
    [InlineData(20, 32)]
    [InlineData(1552, 32)]
    public void A_shape_that_it_cannot_multiply_is_refused(int inputs, int outputs) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Int16Matrix(new Half[inputs * outputs], new float[outputs]));

    private static Int16Matrix Matrix(Half[] values, float[] bias, int bits) => new(values, bias, is512Bits: bits == 512);

    private static double[] ToDoubles(ReadOnlySpan<float> numbers) => Array.ConvertAll(numbers.ToArray(), number => (double)number);
}
