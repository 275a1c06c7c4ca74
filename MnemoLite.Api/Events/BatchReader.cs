using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace MnemoLite.Api.Events;

/// <summary>
/// Cuts a body, as it comes in, into its items: the elements of a JSON array, or the lines of NDJSON. It looks at brackets, quotes and
/// commas only, so that an item that is no JSON spoils none of the others.
/// </summary>
internal sealed class BatchReader
{
    /// <summary>Bytes an item may have.</summary>
    public const int MaxItemLength = 4 << 20;

    private readonly Queue<BatchItem> _items = new();
    private readonly ArrayBufferWriter<byte> _item = new();
    private State _state = State.Start;
    private int _depth;
    private bool _inString, _escaped, _tooLong, _any;

    private enum State
    {
        Start,
        Lines,
        Array,
        End,
    }

    public static async IAsyncEnumerable<BatchItem> ReadAsync(PipeReader body, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = new BatchReader();
        for (var ended = false; !ended;)
        {
            var read = await body.ReadAsync(cancellationToken);
            foreach (var segment in read.Buffer)
                reader.Feed(segment.Span);
            body.AdvanceTo(read.Buffer.End);
            if (ended = read.IsCompleted)
                reader.Finish();
            while (reader._items.TryDequeue(out var item))
                yield return item;
        }
    }

    private void Feed(ReadOnlySpan<byte> bytes)
    {
        var start = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var value = bytes[i];
            switch (_state)
            {
                case State.Start when value is 0xEF or 0xBB or 0xBF || IsSpace(value):
                    start = i + 1;
                    break;
                case State.Start when value == '[':
                    (_state, start) = (State.Array, i + 1);
                    break;
                case State.Start:
                    (_state, start) = (State.Lines, i);
                    i--; // the same byte again, as part of the first line
                    break;
                case State.Lines when value == '\n':
                    Add(bytes[start..i]);
                    EndLine();
                    start = i + 1;
                    break;
                case State.Array when _inString:
                    (_inString, _escaped) = (value != '"' || _escaped, !_escaped && value == '\\');
                    break;
                case State.Array when value == '"':
                    _inString = true;
                    break;
                case State.Array when value is (byte)'{' or (byte)'[':
                    _depth++;
                    break;
                case State.Array when value == ']' && _depth == 0:
                    Add(bytes[start..i]);
                    if (_any || !IsBlank(_item.WrittenSpan))
                        EndItem();
                    (_state, start) = (State.End, i + 1);
                    break;
                case State.Array when value is (byte)'}' or (byte)']':
                    _depth = Math.Max(0, _depth - 1);
                    break;
                case State.Array when value == ',' && _depth == 0:
                    Add(bytes[start..i]);
                    EndItem();
                    (_any, start) = (true, i + 1);
                    break;
            }
        }
        Add(bytes[start..]);
    }

    private void Finish()
    {
        if (_state == State.Lines)
            EndLine();
        else if (_state == State.Array)
        {
            if (_depth == 0 && !_inString && !IsBlank(_item.WrittenSpan))
                EndItem();
            _items.Enqueue(new(default, "The array is cut off here: its ] is missing."));
        }
        else if (_state == State.End && !IsBlank(_item.WrittenSpan))
            _items.Enqueue(new(default, "There is more after the array's end: send one array, or one event a line."));
    }

    private void Add(ReadOnlySpan<byte> bytes)
    {
        if (_item.WrittenCount + bytes.Length > MaxItemLength)
            _tooLong = true;
        if (!_tooLong)
            _item.Write(bytes);
    }

    private void EndLine()
    {
        if (_tooLong || !IsBlank(_item.WrittenSpan))
            EndItem();
        else
            _item.ResetWrittenCount();
    }

    private void EndItem()
    {
        _items.Enqueue(_tooLong
            ? new(default, $"The event has more than {MaxItemLength} bytes: split it up.")
            : new(_item.WrittenSpan.ToArray(), null));
        _item.ResetWrittenCount();
        _tooLong = false;
    }

    private static bool IsBlank(ReadOnlySpan<byte> bytes) => bytes.IndexOfAnyExcept(" \t\r\n"u8) < 0;

    private static bool IsSpace(byte value) => value is (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n';
}

/// <summary>An item of a batch: its bytes, or why they could not be read.</summary>
internal readonly record struct BatchItem(ReadOnlyMemory<byte> Utf8, string? Error);
