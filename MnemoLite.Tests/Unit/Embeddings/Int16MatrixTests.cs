using System.Numerics.Tensors;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Tests.Unit.Embeddings;

public sealed class Int16MatrixTests
{
    public Int16MatrixTests() => Assert.SkipUnless(Int16Matrix.IsSupported, "This processor has no AVX2.");

    [Theory]
    [InlineData(1, 16, 16, 1)]
    [InlineData(3, 256, 768, 1)]
    [InlineData(4, 512, 512, 1e-6f)]
    [InlineData(9, 1536, 512, 1e6f)]
    public void A_product_is_right_to_a_few_ten_thousandths(int rows, int inputs, int outputs, float magnitude)
    {
        var random = new Random(rows);
        var values = Array.ConvertAll(Draw(inputs * outputs), number => (Half)number);
        var bias = Draw(outputs);
        var given = Draw(rows * inputs);
        TensorPrimitives.Multiply(given, magnitude, given);
        given.AsSpan(0, inputs / 2).Clear();
        given[^1] = 50 * magnitude; // one that is far greater than all others
        var results = new float[rows * outputs];
        new Int16Matrix(values, bias).Multiply(given, results);
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
    [InlineData(1)]
    [InlineData(-1)]
    public void The_largest_sum_there_can_be_does_not_overflow(int sign)
    {
        var values = new Half[1536 * 16];
        Array.Fill(values, Half.One);
        var row = new float[1536];
        Array.Fill(row, sign);
        var results = new float[16];
        new Int16Matrix(values, new float[16]).Multiply(row, results);
        Assert.All(results, result => Assert.Equal(1536 * sign, result, 2 * 0.5 / 1181 * 1536)); // each 1 is 1,181 and at most a half; both factors round alike
    }

    [Fact]
    public void A_row_of_zeros_has_the_bias()
    {
        float[] bias = [.. Enumerable.Range(0, 16).Select(i => (float)i)];
        var results = new float[32];
        new Int16Matrix(new Half[16 * 16], bias).Multiply(new float[32], results);
        Assert.Equal([.. bias, .. bias], results);
    }

    [Theory]
    [InlineData(16, 20)]
    [InlineData(20, 16)]
    [InlineData(1552, 16)]
    public void A_shape_that_it_cannot_multiply_is_refused(int inputs, int outputs) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new Int16Matrix(new Half[inputs * outputs], new float[outputs]));

    private static double[] ToDoubles(ReadOnlySpan<float> numbers) => Array.ConvertAll(numbers.ToArray(), number => (double)number);
}
