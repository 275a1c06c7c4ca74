using System.Text;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Security;

/// <summary>
/// Bytes that one server may take for one request and another for two: the API, the dashboard and the proxy before several instances refuse them, or take
/// them for one. Each is followed by an honest request, which ends the connection.
/// </summary>
public sealed class SmugglingTests(TwoInstances app) : IClassFixture<TwoInstances>
{
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n";
    private const string Last = "GET /last HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

    /// <summary>What it is, its bytes, and whether it has to be refused.</summary>
    private static readonly (string Name, string Bytes, bool Refused)[] Requests =
    [
        ("a length and chunks", Post($"Content-Length: {5 + Smuggled.Length}\r\nTransfer-Encoding: chunked", "0\r\n\r\n" + Smuggled), true),
        ("chunks and a length", Post("Transfer-Encoding: chunked\r\nContent-Length: 4", "2d\r\n" + Smuggled + "\r\n0\r\n\r\n"), true),
        ("two lengths", Post($"Content-Length: 0\r\nContent-Length: {Smuggled.Length}", Smuggled), true),
        ("two lengths that are the same", Post("Content-Length: 2\r\nContent-Length: 2", "{}"), true),
        ("a list of lengths", Post($"Content-Length: 0, {Smuggled.Length}", Smuggled), true),
        ("a negative length", Post("Content-Length: -1", Smuggled), true),
        ("a length with a sign, which Kestrel reads", Post("Content-Length: +2", "{}"), false),
        ("a length in hexadecimal", Post("Content-Length: 0x2", "{}" + Smuggled), true),
        ("a length beyond all numbers", Post("Content-Length: 99999999999999999999", Smuggled), true),
        ("an unknown coding", Post($"Transfer-Encoding: xchunked\r\nContent-Length: {Smuggled.Length}", Smuggled), true),
        ("chunks that are not the last coding", Post($"Transfer-Encoding: chunked, identity\r\nContent-Length: {Smuggled.Length}", Smuggled), true),
        ("two codings", Post($"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nContent-Length: {Smuggled.Length}", Smuggled), true),
        ("a coding behind a tab", Post($"Transfer-Encoding:\tchunked\r\nContent-Length: {5 + Smuggled.Length}", "0\r\n\r\n" + Smuggled), true),
        ("a coding behind a vertical tab", Post($"Transfer-Encoding: \vchunked\r\nContent-Length: {Smuggled.Length}", Smuggled), true),
        ("a bad size of a chunk", Post("Transfer-Encoding: chunked", "zz\r\n" + Smuggled), true),
        ("a negative size of a chunk", Post("Transfer-Encoding: chunked", "-1\r\n" + Smuggled), true),
        ("a size of a chunk beyond all numbers", Post("Transfer-Encoding: chunked", "fffffffffffffffff\r\n" + Smuggled), true),
        ("a chunk longer than its size", Post("Transfer-Encoding: chunked", "1\r\n{}" + Smuggled), true),
        ("an end of a chunk's size by a line feed alone", Post("Transfer-Encoding: chunked", "2\n{}\r\n0\r\n\r\n" + Smuggled), true),
        ("a space before the colon", Post($"Content-Length : {Smuggled.Length}", Smuggled), true),
        ("a folded header", Post($"X: a\r\n Content-Length: {Smuggled.Length}", Smuggled), true),
        ("a header without a name", Post(": a", Smuggled), true),
        ("a header without a colon", Post("Content-Length", Smuggled), true),
        ("a NUL in a header", Post("X: a\0b", Smuggled), true),
        ("a carriage return in a header", Post($"X: a\rContent-Length: {Smuggled.Length}", Smuggled), true),
        ("two hosts", "GET / HTTP/1.1\r\nHost: localhost\r\nHost: example.org\r\n\r\n", true),
        ("no host", "GET / HTTP/1.1\r\n\r\n", true),
        ("a host with a path", "GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n", true),
        ("another host in the target", "GET http://example.org/ HTTP/1.1\r\nHost: localhost\r\n\r\n", true),
        ("two requests in one line", "GET / HTTP/1.1\rHost: localhost\r\r" + Smuggled, true),
        ("a later version", "GET / HTTP/3.7\r\nHost: localhost\r\n\r\n", true),
        ("a request line of three words and more", "GET / x HTTP/1.1\r\nHost: localhost\r\n\r\n", true),
        ("an authority without CONNECT", "GET example.org:80 HTTP/1.1\r\nHost: localhost\r\n\r\n", true),
        ("a header beyond the limit", $"GET / HTTP/1.1\r\nHost: localhost\r\nX: {new string('x', 64 << 10)}\r\n\r\n", true),
        ("more headers than the limit", $"GET / HTTP/1.1\r\nHost: localhost\r\n{string.Concat(Enumerable.Range(0, 200).Select(i => $"X-{i}: a\r\n"))}\r\n", true),
    ];

    public static TheoryData<string, string> Sent()
    {
        var sent = new TheoryData<string, string>();
        foreach (var (name, _, _) in Requests)
        {
            foreach (var server in new[] { "api", "api instance", "web", "web instance" })
                sent.Add(name, server);
        }
        return sent;
    }

    [Theory, MemberData(nameof(Sent))]
    public async Task It_is_refused_or_taken_for_one(string name, string server)
    {
        var request = Requests.Single(request => request.Name == name);
        var address = server switch
        {
            "api" => app.Http.BaseAddress!,
            "web" => app.Web,
            _ => (await app.FindAsync(server.Split(' ')[0]))[0].Address,
        };
        var answers = await RawHttp.SendAsync(address, Encoding.Latin1.GetBytes(request.Bytes + Last), TestContext.Current.CancellationToken);
        var what = string.Join("\n\n", answers.Select(answer => $"{answer.Status} {string.Join(", ", answer.Headers)} {answer.Body}"));
        Assert.DoesNotContain("/smuggled", what, StringComparison.Ordinal);
        Assert.True(answers.Count <= 2, what);
        Assert.All(answers, answer => Assert.True(answer.Status is >= 200 and < 500 or 505, what));
        if (request.Refused)
            Assert.True(answers is [{ Status: >= 400 }], what);
        else
            Assert.Equal(2, answers.Count);
    }

    private static string Post(string headers, string body) =>
        $"POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{headers}\r\n\r\n{body}";
}
