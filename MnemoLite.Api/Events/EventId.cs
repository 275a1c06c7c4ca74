using System.Buffers.Binary;

namespace MnemoLite.Api.Events;

/// <summary>Ids that sort by the time of their event.</summary>
internal static class EventId
{
    /// <summary>
    /// A version 7 UUID (RFC 9562, 5.7) of that time: milliseconds in the first 48 bits, the microseconds within in the next 12
    /// (method 3 of 6.2), the rest random.
    /// </summary>
    /// <param name="timestamp">1970 or later.</param>
    public static Guid New(DateTimeOffset timestamp)
    {
        const int MicrosecondsShift = 12;
        var fraction = timestamp.Microsecond * (1 << MicrosecondsShift) / 1000;
        Span<byte> bytes = stackalloc byte[16];
        Guid.CreateVersion7(timestamp).TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[6..], (ushort)(0x7000 | fraction));
        return new Guid(bytes, bigEndian: true);
    }
}
