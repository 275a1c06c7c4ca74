using System.Collections.Concurrent;
using System.Numerics.Tensors;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using MnemoLite.Api.Embeddings;

namespace MnemoLite.Api.Search;

/// <summary>
/// The short forms of all embeddings of a store, in memory, with 8 bits for each number: a search compares its question with every one of its space. That misses none, and is
/// faster than an HNSW index where they are not too many. Many may search at once while one changes it.
/// </summary>
/// <param name="model">Whose embeddings they are: its id.</param>
/// <param name="numbers">How many numbers of a short form tell the meaning.</param>
internal sealed class FlatIndex(string model, int numbers)
{
    /// <summary>Of more events there is none: it takes about 200 bytes of each.</summary>
    public const int MostEvents = 100_000;

    /// <summary>So many embeddings of a space that have no short form are given, whatever the question, as each is to be compared in full; more are not.</summary>
    public const int MostWithoutForm = 50;

    private readonly ConcurrentDictionary<string, OfSpace> _spaces = new();
    private readonly Dictionary<Guid, (OfSpace Space, int Row)> _places = [];
    private volatile string _snapshot = "";

    /// <summary>Whose embeddings they are.</summary>
    public string Model => model;

    /// <summary>How many events it has.</summary>
    public int Count => _places.Count;

    /// <summary>What it has all of, as PostgreSQL writes it; set when all that came until then was put in and removed.</summary>
    public string Snapshot
    {
        get => _snapshot;
        set => _snapshot = value;
    }

    /// <summary>Puts an event in, in the place of what it was before.</summary>
    /// <param name="id">The event.</param>
    /// <param name="space">Where it is.</param>
    /// <param name="time">When it was.</param>
    /// <param name="form">The short form of its embedding; empty where that has none.</param>
    public void Put(Guid id, string space, DateTimeOffset time, ReadOnlySpan<Half> form)
    {
        Remove(id);
        var own = _spaces.GetOrAdd(space, name => new OfSpace(name));
        _places[id] = (own, own.Add(id, time.UtcTicks, form.IsEmpty ? form : form[..numbers]));
    }

    /// <summary>Removes an event, if it is there.</summary>
    public void Remove(Guid id)
    {
        if (!_places.Remove(id, out var place))
            return;
        place.Space.Remove(place.Row, _places);
        if (place.Space.IsEmpty)
            _spaces.TryRemove(place.Space.Name, out _);
    }

    /// <summary>How many events a space has here, about.</summary>
    public int CountIn(string space) => _spaces.TryGetValue(space, out var own) ? own.Count : 0;

    /// <summary>The events of a space that are nearest to a question, nearest first; before them those that have no short form, where these are few.</summary>
    /// <param name="space">Where.</param>
    /// <param name="question">What it has along the directions of the store.</param>
    /// <param name="count">How many at most, beside those that have no short form.</param>
    /// <param name="from">None that was before; null for no bound.</param>
    /// <param name="to">None that was after; null for no bound.</param>
    public FlatCandidates Find(string space, ReadOnlySpan<float> question, int count, DateTimeOffset? from, DateTimeOffset? to)
    {
        var snapshot = _snapshot; // first: what is added or taken away meanwhile is not in it
        if (!_spaces.TryGetValue(space, out var own))
            return new([], AreAll: true, HaveOthers: false, snapshot);
        Span<short> rounded = stackalloc short[OfSpace.Width];
        rounded.Clear();
        var scale = short.MaxValue / Math.Max(MathF.Abs(TensorPrimitives.MaxMagnitude(question)), float.Epsilon);
        for (var i = 0; i < numbers; i++)
            rounded[i] = (short)(question[i] * scale);
        var first = from?.UtcTicks is { } ticks ? ticks - ticks % TimeSpan.TicksPerMicrosecond : long.MinValue; // PostgreSQL knows no less than a microsecond
        var last = to?.UtcTicks ?? long.MaxValue;
        var (ids, areAll, haveOthers) = own.Find(rounded, count, first, last);
        return new(ids, areAll, haveOthers, snapshot);
    }

    /// <summary>Those of one space. Rows are only added behind, and marked as gone, so that who reads needs no lock; now and then they are copied without those.</summary>
    private sealed class OfSpace(string name)
    {
        public const int Width = EmbeddingDirections.Count;
        private const int FewestGone = 64;

        /// <summary>In the place of a factor.</summary>
        private const float Gone = float.NaN, WithoutForm = float.PositiveInfinity;

        private volatile Rows _rows = new();
        private volatile int _withoutForm;
        private int _gone;

        public string Name => name;

        public bool IsEmpty => Count == 0;

        public int Count => _rows.Count - _gone;

        /// <returns>Its row.</returns>
        public int Add(Guid id, long time, ReadOnlySpan<Half> form)
        {
            var rows = _rows;
            if (rows.Count == rows.Capacity)
                _rows = rows = rows.WithRoom();
            if (form.IsEmpty)
                _withoutForm++;
            var (chunk, row) = rows.At(rows.Count);
            chunk.Factors[row] = form.IsEmpty ? WithoutForm : Round(form, chunk.Forms.AsSpan(row * Width, Width));
            (chunk.Times[row], chunk.Ids[row]) = (time, id);
            var added = rows.Count;
            Volatile.Write(ref rows.Count, added + 1);
            return added;
        }

        /// <param name="gone">The row.</param>
        /// <param name="places">Where the others are; told where that changes.</param>
        public void Remove(int gone, Dictionary<Guid, (OfSpace Space, int Row)> places)
        {
            var rows = _rows;
            var (chunk, row) = rows.At(gone);
            if (chunk.Factors[row] == WithoutForm)
                _withoutForm--;
            chunk.Factors[row] = Gone;
            if (++_gone < FewestGone || _gone < rows.Count / 4)
                return;
            var rest = new Rows();
            for (var i = 0; i < rows.Count; i++)
            {
                (chunk, row) = rows.At(i);
                if (float.IsNaN(chunk.Factors[row]))
                    continue;
                if (rest.Count == rest.Capacity)
                    rest = rest.WithRoom();
                var (to, place) = rest.At(rest.Count);
                chunk.Forms.AsSpan(row * Width, Width).CopyTo(to.Forms.AsSpan(place * Width));
                (to.Factors[place], to.Times[place], to.Ids[place]) = (chunk.Factors[row], chunk.Times[row], chunk.Ids[row]);
                places[chunk.Ids[row]] = (this, rest.Count++);
            }
            (_rows, _gone) = (rest, 0);
        }

        public (Guid[] Ids, bool AreAll, bool HaveOthers) Find(ReadOnlySpan<short> question, int count, long from, long to)
        {
            var withoutForm = _withoutForm;
            var haveOthers = withoutForm > MostWithoutForm;
            if (!haveOthers)
                count += withoutForm;
            var (rows, passed) = (_rows, 0);
            var rowCount = Volatile.Read(ref rows.Count);
            var nearest = new PriorityQueue<int, float>(count);
            for (var first = 0; first < rowCount; first += Chunk.Rows)
                passed += Compare(rows.At(first).Chunk, first, Math.Min(rowCount - first, Chunk.Rows), question, count, from, to, !haveOthers, nearest);
            var ids = new Guid[nearest.Count];
            for (var place = ids.Length - 1; place >= 0; place--)
            {
                var (chunk, row) = rows.At(nearest.Dequeue());
                ids[place] = chunk.Ids[row];
            }
            return (ids, passed <= count, haveOthers);
        }

        /// <summary>Keeps the nearest.</summary>
        /// <returns>How many there are in the time.</returns>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private static int Compare(
            Chunk chunk, int first, int rows, ReadOnlySpan<short> question, int count, long from, long to, bool withoutForm, PriorityQueue<int, float> nearest)
        {
            ref var asked = ref MemoryMarshal.GetReference(question);
            ref var form = ref MemoryMarshal.GetArrayDataReference(chunk.Forms);
            var (factors, times, passed) = (chunk.Factors, chunk.Times, 0);
            if (nearest.Count < count || !nearest.TryPeek(out _, out var farthest))
                farthest = float.NegativeInfinity;
            for (var row = 0; row < rows; row++)
            {
                var factor = factors[row];
                if (float.IsNaN(factor) || times[row] < from || times[row] > to || (factor == WithoutForm && !withoutForm))
                    continue;
                passed++;
                var likeness = factor == WithoutForm ? WithoutForm : Dot(ref Unsafe.Add(ref form, row * Width), ref asked) * factor;
                if (likeness <= farthest)
                    continue;
                if (nearest.Count < count)
                    nearest.Enqueue(first + row, likeness);
                else
                    nearest.DequeueEnqueue(first + row, likeness);
                if (nearest.Count == count)
                    nearest.TryPeek(out _, out farthest);
            }
            return passed;
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static int Dot(ref sbyte form, ref short question)
        {
            var sums = Vector256<int>.Zero;
            for (nuint i = 0; i < Width; i += (nuint)Vector256<short>.Count)
            {
                var some = Vector128.LoadUnsafe(ref form, i);
                sums = MultiplyAdd(Vector256.Create(Vector128.WidenLower(some), Vector128.WidenUpper(some)), Vector256.LoadUnsafe(ref question, i), sums);
            }
            return Vector256.Sum(sums);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static Vector256<int> MultiplyAdd(Vector256<short> one, Vector256<short> other, Vector256<int> sums) => Avx2.IsSupported
            ? sums + Avx2.MultiplyAddAdjacent(one, other)
            : sums + Vector256.WidenLower(one) * Vector256.WidenLower(other) + Vector256.WidenUpper(one) * Vector256.WidenUpper(other);

        /// <summary>Rounds the numbers so that the largest is 127.</summary>
        /// <returns>By which a product with them is to be multiplied, so that it is as if they had the length 1.</returns>
        private static float Round(ReadOnlySpan<Half> exact, Span<sbyte> rounded)
        {
            var (largest, squares) = (0f, 0f);
            foreach (var number in exact)
            {
                largest = Math.Max(largest, MathF.Abs((float)number));
                squares += (float)number * (float)number;
            }
            if (squares == 0)
                return 0;
            for (var i = 0; i < exact.Length; i++)
                rounded[i] = (sbyte)MathF.Round((float)exact[i] / largest * sbyte.MaxValue);
            return largest / sbyte.MaxValue / MathF.Sqrt(squares);
        }
    }

    /// <summary>Rows in chunks, which they keep while others come: the first of a space begins small.</summary>
    private sealed class Rows
    {
        private const int Fewest = 16;
        private readonly Chunk[] _chunks;

        public Rows() => _chunks = [new Chunk(Fewest)];

        private Rows(Chunk[] chunks) => _chunks = chunks;

        public int Count;

        public int Capacity => _chunks.Length == 1 ? _chunks[0].Ids.Length : _chunks.Length * Chunk.Rows;

        public (Chunk Chunk, int Row) At(int row) => (_chunks[row / Chunk.Rows], row % Chunk.Rows);

        /// <summary>The same, and room for more.</summary>
        public Rows WithRoom() => new(Capacity < Chunk.Rows ? [_chunks[0].Copy(Capacity * 2)] : [.. _chunks, new Chunk(Chunk.Rows)]) { Count = Count };
    }

    /// <param name="capacity">How many rows there is room for.</param>
    private sealed class Chunk(int capacity)
    {
        public const int Rows = 4096;

        public readonly sbyte[] Forms = new sbyte[capacity * OfSpace.Width];
        public readonly float[] Factors = new float[capacity];
        public readonly long[] Times = new long[capacity];
        public readonly Guid[] Ids = new Guid[capacity];

        public Chunk Copy(int capacity)
        {
            var copy = new Chunk(capacity);
            Forms.CopyTo(copy.Forms, 0);
            Factors.CopyTo(copy.Factors, 0);
            Times.CopyTo(copy.Times, 0);
            Ids.CopyTo(copy.Ids, 0);
            return copy;
        }
    }
}

/// <summary>Events among which are those nearest to a question.</summary>
/// <param name="Ids">The events.</param>
/// <param name="AreAll">Whether there are no others that have a short form.</param>
/// <param name="HaveOthers">Whether there are others that have none.</param>
/// <param name="Snapshot">Up to which that is so.</param>
internal sealed record FlatCandidates(Guid[] Ids, bool AreAll, bool HaveOthers, string Snapshot);
