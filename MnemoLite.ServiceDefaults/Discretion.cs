using System.Data.Common;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using OpenTelemetry;
using OpenTelemetry.Logs;

namespace Microsoft.Extensions.Hosting;

/// <summary>Keeps what is remembered, asked or secret out of telemetry: what an exception says may hold it, and what a client sends in headers.</summary>
internal static class Discretion
{
    private const string Withheld = "(withheld)";

    /// <summary>What a client sends beside the path.</summary>
    private static readonly string[] OfTheClient =
        ["url.query", "user_agent.original", "server.address", "server.port", "http.request.method_original"];

    /// <summary>An exception and those inside it: the types and where they were thrown, and the message only where it cannot hold a value.</summary>
    public static string Describe(Exception exception)
    {
        var text = new StringBuilder();
        for (var inner = exception; inner is not null; inner = inner.InnerException)
        {
            text.Append(inner == exception ? "" : " ---> ").Append(inner.GetType().FullName).Append(": ").AppendLine(Message(inner));
            if (inner.StackTrace is { } trace)
                text.AppendLine(trace);
        }
        return text.ToString().TrimEnd();
    }

    /// <summary>
    /// Connections, files and time; of the database's own errors those not on data and constraints, which are the classes 20 to 2F, nor raised
    /// by a function.
    /// </summary>
    private static string Message(Exception exception)
    {
        var tells = exception switch
        {
            DbException { SqlState: ['2' or 'P', ..] state } => $"{state} {Withheld}",
            DbException or IOException or SocketException or HttpRequestException or TimeoutException or OperationCanceledException => null,
            _ when exception.GetType() == typeof(InvalidOperationException) => null,
            _ => Withheld,
        };
        return tells ?? exception.Message;
    }

    /// <summary>Exceptions that are noted in a span, whoever notes them.</summary>
    public static void DescribeInSpans() => ActivitySource.AddActivityListener(new()
    {
        ShouldListenTo = _ => true,
        ExceptionRecorder = (_, exception, ref tags) =>
        {
            tags.Add("exception.message", Message(exception));
            tags.Add("exception.stacktrace", Describe(exception));
        },
    });

    /// <summary>What is left of a span when it ends.</summary>
    internal sealed class OfSpans : BaseProcessor<Activity>
    {
        public override void OnEnd(Activity data)
        {
            if (data.StatusDescription is not null)
                data.SetStatus(data.Status);
            if (data.Kind != ActivityKind.Server)
                return;
            foreach (var tag in OfTheClient)
                data.SetTag(tag, null);
            if (data.GetTagItem("http.route") is null || data.GetTagItem("http.response.status_code") is 400 or 422)
                data.SetTag("url.path", null); // no path of ours, which have ids in them
        }
    }

    /// <summary>What is left of a log record.</summary>
    internal sealed class OfLogs : BaseProcessor<LogRecord>
    {
        public override void OnEnd(LogRecord data)
        {
            if (data.Exception is not { } exception)
                return;
            data.Exception = null;
            data.Attributes =
            [
                .. data.Attributes ?? [],
                new("exception.type", exception.GetType().FullName), new("exception.message", Message(exception)),
                new("exception.stacktrace", Describe(exception)),
            ];
        }
    }
}
