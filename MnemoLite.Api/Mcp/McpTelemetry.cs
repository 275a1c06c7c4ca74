using System.Collections.Frozen;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Reflection;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;
using OpenTelemetry;
using OpenTelemetry.Trace;

namespace MnemoLite.Api.Mcp;

/// <summary>
/// The spans of the SDK without what a client chose, and the time that tools take. The SDK's own metrics are not taken: their labels have
/// any name of a method, tool or resource that a client makes up.
/// </summary>
internal sealed class McpTelemetry : BaseProcessor<Activity>
{
    private const string Source = "Experimental.ModelContextProtocol", Method = "mcp.method.name", Tool = "gen_ai.tool.name";
    private static readonly string[] OfTheClient = ["mcp.resource.uri", "mcp.session.id", "jsonrpc.request.id", "gen_ai.prompt.name"];
    private static readonly FrozenSet<string> Methods = new[] { typeof(RequestMethods), typeof(NotificationMethods) }
        .SelectMany(type => type.GetFields(BindingFlags.Public | BindingFlags.Static)).Select(field => field.GetValue(null)).OfType<string>().ToFrozenSet();

    private readonly FrozenSet<string> _tools;
    private readonly Histogram<double> _duration;
    private readonly TimeProvider _clock;

    public McpTelemetry(IEnumerable<McpServerTool> tools, IMeterFactory meters, TimeProvider clock)
    {
        _clock = clock;
        _tools = tools.Select(tool => tool.ProtocolTool.Name).ToFrozenSet();
        _duration = meters.Create("MnemoLite").CreateHistogram<double>("mcp.server.operation.duration", "s", "How long a tool takes.");
    }

    public static void AddTo(IServiceCollection services)
    {
        services.AddSingleton<McpTelemetry>();
        services.ConfigureOpenTelemetryTracerProvider(tracing => tracing.AddSource(Source).AddProcessor<McpTelemetry>());
    }

    public override void OnEnd(Activity data)
    {
        if (data.Source.Name != Source)
            return;
        foreach (var tag in OfTheClient)
            data.SetTag(tag, null);
        var method = Keep(Method, Methods);
        var tool = Keep(Tool, _tools);
        data.DisplayName = method is null ? "unknown method" : tool is null ? method : $"{method} {tool}";

        string? Keep(string tag, FrozenSet<string> known)
        {
            if (data.GetTagItem(tag) is string value && known.Contains(value))
                return value;
            data.SetTag(tag, null);
            return null;
        }
    }

    /// <summary>Times the call of a tool that there is.</summary>
    public async ValueTask<CallToolResult> TimeAsync(string tool, Func<ValueTask<CallToolResult>> call)
    {
        if (!_tools.Contains(tool))
            return await call();
        var start = _clock.GetTimestamp();
        var tags = new TagList([new(Method, RequestMethods.ToolsCall), new(Tool, tool)]);
        try
        {
            var result = await call();
            if (result.IsError == true)
                tags.Add("error.type", "tool_error");
            return result;
        }
        catch (Exception exception)
        {
            tags.Add("error.type", exception.GetType().Name);
            throw;
        }
        finally
        {
            _duration.Record(_clock.GetElapsedTime(start).TotalSeconds, tags);
        }
    }
}
