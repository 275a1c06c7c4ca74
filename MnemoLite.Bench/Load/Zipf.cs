namespace MnemoLite.Bench.Load;

/// <summary>Draws places 0 … count − 1, the place k as often as 1 / (k + 1)^exponent says: few often, most seldom (Zipf's law).</summary>
internal sealed class Zipf
{
    private readonly double[] _cumulative;

    public Zipf(int count, double exponent)
    {
        _cumulative = new double[count];
        var sum = 0.0;
        for (var place = 0; place < count; place++)
            _cumulative[place] = sum += Math.Pow(place + 1, -exponent);
    }

    public int Next(Random random)
    {
        var place = Array.BinarySearch(_cumulative, random.NextDouble() * _cumulative[^1]);
        return Math.Min(place < 0 ? ~place : place + 1, _cumulative.Length - 1);
    }
}
