using System.Buffers.Binary;
using System.Buffers.Text;
using MnemoLite.Client;

namespace MnemoLite.Api;

/// <summary>A place in a list, newest first: after the event, or node, of that time and id.</summary>
internal readonly record struct EventCursor(DateTimeOffset Timestamp, Guid Id)
{
    private const int Length = sizeof(long) + 16;

    public static EventCursor After(Event @event) => new(@event.Timestamp, @event.Id);

    public static bool TryParse(string text, out EventCursor cursor)
    {
        cursor = default;
        Span<byte> bytes = stackalloc byte[Length];
        if (!Base64Url.IsValid(text, out var length) || length != Length || !Base64Url.TryDecodeFromChars(text, bytes, out _))
            return false;
        var ticks = BinaryPrimitives.ReadInt64BigEndian(bytes);
        if (ticks < 0 || ticks > DateTimeOffset.MaxValue.Ticks)
            return false;
        cursor = new(new DateTimeOffset(ticks, TimeSpan.Zero), new Guid(bytes[sizeof(long)..], bigEndian: true));
        return true;
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Length];
        BinaryPrimitives.WriteInt64BigEndian(bytes, Timestamp.UtcTicks);
        Id.TryWriteBytes(bytes[sizeof(long)..], bigEndian: true, out _);
        return Base64Url.EncodeToString(bytes);
    }
}
