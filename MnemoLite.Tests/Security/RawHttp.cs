using System.Net;
using System.Net.Sockets;
using System.Text;

namespace MnemoLite.Tests.Security;

/// <summary>HTTP as it is on the wire, for what a well-behaved client never sends.</summary>
internal static class RawHttp
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Sends those bytes on a connection of their own, and reads what comes until it is closed, or an answer begins that has no end.</summary>
    public static async Task<IReadOnlyList<RawAnswer>> SendAsync(Uri server, ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(Patience);
        using var client = new TcpClient(AddressFamily.InterNetwork);
        await client.ConnectAsync(IPAddress.Loopback, server.Port, patience.Token);
        var stream = client.GetStream();
        var sending = stream.WriteAsync(bytes, patience.Token).AsTask();
        var received = new MemoryStream();
        var buffer = new byte[16 << 10];
        try
        {
            while (!HasNoEnd(received) && await stream.ReadAsync(buffer, patience.Token) is > 0 and var count)
                received.Write(buffer, 0, count);
            await sending;
        }
        catch (IOException)
        {
            // closed before everything was read, as a server may do with what it refuses
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"No end of an answer to:\n{Encoding.Latin1.GetString(bytes.Span[..Math.Min(bytes.Length, 2000)])}\nbut:\n{Text(received)}");
        }
        return RawAnswer.Parse(Text(received));
    }

    private static bool HasNoEnd(MemoryStream received) => Text(received).Contains("\r\nContent-Type: text/event-stream", StringComparison.OrdinalIgnoreCase);

    private static string Text(MemoryStream received) => Encoding.Latin1.GetString(received.GetBuffer(), 0, (int)received.Length);
}

/// <summary>One answer on a connection; its body as Latin-1, a character a byte.</summary>
internal sealed record RawAnswer(int Status, IReadOnlyDictionary<string, string> Headers, string Body)
{
    /// <summary>Whether it came from the application, not from the server before it, which knows nothing of the headers of every answer.</summary>
    public bool IsOfApplication => Headers.ContainsKey("X-Content-Type-Options");

    public static IReadOnlyList<RawAnswer> Parse(string text)
    {
        var answers = new List<RawAnswer>();
        while (text.Length > 0)
        {
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            Assert.True(end > 0 && text.StartsWith("HTTP/1.1 ", StringComparison.Ordinal), $"This is no answer: {text}");
            var lines = text[..end].Split("\r\n");
            var headers = lines.Skip(1).Select(line => line.Split(": ", 2)).GroupBy(line => line[0], StringComparer.OrdinalIgnoreCase).ToDictionary(
                header => header.Key, header => string.Join(", ", header.Select(line => line[1])), StringComparer.OrdinalIgnoreCase);
            var status = int.Parse(lines[0].AsSpan(9, 3), provider: null);
            text = text[(end + 4)..];
            var body = "";
            if (headers.GetValueOrDefault("Transfer-Encoding") == "chunked" && !headers["Content-Type"].StartsWith("text/event-stream", StringComparison.Ordinal))
                (body, text) = Chunks(text);
            else if (headers.TryGetValue("Content-Length", out var length))
                (body, text) = Split(text, int.Parse(length, provider: null));
            else if (status is not (101 or 204 or 304 or 100))
                (body, text) = (text, "");
            answers.Add(new(status, headers, body));
        }
        return answers;
    }

    private static (string Body, string After) Chunks(string text)
    {
        var body = new StringBuilder();
        while (text.Length > 0)
        {
            var line = text.IndexOf("\r\n", StringComparison.Ordinal);
            var size = int.Parse(text.AsSpan(0, line), System.Globalization.NumberStyles.HexNumber, provider: null);
            (var chunk, text) = Split(text[(line + 2)..], size);
            text = text[Math.Min(2, text.Length)..];
            if (size == 0)
                break;
            body.Append(chunk);
        }
        return (body.ToString(), text);
    }

    /// <summary>An answer to HEAD tells the length of a body that it has not.</summary>
    private static (string Start, string After) Split(string text, int length) =>
        text.Length == 0 ? ("", "") : (text[..Math.Min(length, text.Length)], text[Math.Min(length, text.Length)..]);
}
