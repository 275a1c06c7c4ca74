using System.Numerics;

namespace MnemoLite.Api.Operations;

/// <summary>
/// How many requests took how long, in buckets that are at most 1/32 of their time wide: counting one is one atomic addition, and two
/// readings of the counts give what happened between them.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 5, SubBuckets = 1 << SubBucketBits, Octaves = 22; // up to 2^27 microseconds, two minutes

    /// <summary>How many buckets there are.</summary>
    public const int Length = (Octaves + 1) * SubBuckets;

    private readonly long[] _counts = new long[Length];

    public void Record(double seconds) =>
        Interlocked.Increment(ref _counts[Bucket((ulong)Math.Clamp(seconds * 1e6, 0, 1e12))]);

    /// <summary>Adds the counts to those of others.</summary>
    public void AddTo(long[] counts)
    {
        for (var i = 0; i < Length; i++)
            counts[i] += Volatile.Read(ref _counts[i]);
    }

    /// <summary>The milliseconds that so large a share of the requests did not exceed; null without requests.</summary>
    public static double? Percentile(ReadOnlySpan<long> counts, double share)
    {
        var total = 0L;
        foreach (var count in counts)
            total += count;
        if (total == 0)
            return null;
        var rank = Math.Max(1, (long)Math.Ceiling(total * share));
        var bucket = 0;
        for (var seen = counts[0]; seen < rank; seen += counts[bucket])
            bucket++;
        return Most(bucket) / 1e3;
    }

    /// <summary>The first buckets are a microsecond each; from then on every doubling of the time has as many buckets.</summary>
    private static int Bucket(ulong microseconds)
    {
        if (microseconds < SubBuckets)
            return (int)microseconds;
        var octave = BitOperations.Log2(microseconds) - SubBucketBits;
        return Math.Min(((octave + 1) * SubBuckets) + (int)((microseconds >> octave) & (SubBuckets - 1)), Length - 1);
    }

    /// <summary>The microseconds at which a bucket ends.</summary>
    private static long Most(int bucket)
    {
        if (bucket < SubBuckets)
            return bucket + 1;
        var octave = (bucket / SubBuckets) - 1;
        return ((long)SubBuckets + (bucket % SubBuckets) + 1) << octave;
    }
}
