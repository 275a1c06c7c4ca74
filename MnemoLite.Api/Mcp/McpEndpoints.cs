using System.Data.Common;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Authorization;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Errors;
using MnemoLite.Api.Security;
using MnemoLite.Client;
using ModelContextProtocol;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace MnemoLite.Api.Mcp;

/// <summary>The memory as an MCP server at <c>/mcp</c>: streamable HTTP, no state between requests.</summary>
internal static class McpEndpoints
{
    private const string Instructions = """
        MnemoLite is your long-term memory. Recall before you answer from assumption: preferences, decisions, facts about people and projects
        may be stored. Remember what will matter in a later session, one fact at a time, in a sentence that stands on its own, with metadata such
        as {"project": "website", "type": "decision"}. Correct a memory with update rather than storing a contradicting one.
        """;

    private const string UnreadableParams = "The params are not those that this method takes, or a string in them has an unpaired surrogate (\\ud800 to \\udfff).";

    public static IHostApplicationBuilder AddMcp(this IHostApplicationBuilder builder)
    {
        var json = new JsonSerializerOptions(MnemoLiteJson.Default.Options);
        json.TypeInfoResolverChain.Add(McpJsonUtilities.DefaultOptions.TypeInfoResolver!);
        json.TypeInfoResolverChain.Add(new DefaultJsonTypeInfoResolver());
        json.MakeReadOnly();
        McpTelemetry.AddTo(builder.Services);
        builder.Services.AddSingleton<MemorySummaryStore>();
        builder.Services.AddScoped<RequestSpace>();
        builder.Services
            .AddMcpServer(server =>
            {
                server.ServerInfo = new()
                {
                    Name = "mnemolite",
                    Title = "MnemoLite",
                    Version = typeof(McpEndpoints).Assembly.GetName().Version!.ToString(3),
                };
                server.ServerInstructions = Instructions;
            })
            .WithHttpTransport(transport => transport.Stateless = true)
            .WithMemoryTools(json)
            .WithResources<MemoryResources>()
            .WithListResourcesHandler(MemoryResources.ListAsync)
            .WithMessageFilters(filters => filters.AddIncomingFilter(ReadParams))
            .WithRequestFilters(filters => filters
                .AddCallToolFilter(next => (request, cancellationToken) => request.Services!.GetRequiredService<McpTelemetry>().TimeAsync(
                    request.Params.Name,
                    async () =>
                    {
                        try
                        {
                            return await Logged(next)(request, cancellationToken);
                        }
                        catch (Exception exception) when (Explain(exception) is { } explanation)
                        {
                            return new() { IsError = true, Content = [new TextContentBlock { Text = explanation }] };
                        }
                    }))
                .AddReadResourceFilter(Logged)
                .AddListResourcesFilter(Logged))
            .AddAuthorizationFilters();
        return builder;
    }

    /// <summary>Logs what fails by a fault of ours. The SDK's own log is off: it says what clients made up.</summary>
    private static McpRequestHandler<TParams, TResult> Logged<TParams, TResult>(McpRequestHandler<TParams, TResult> next) =>
        async (request, cancellationToken) =>
        {
            try
            {
                return await next(request, cancellationToken);
            }
            catch (Exception exception) when (exception is not (McpException or OperationCanceledException) && Explain(exception) is null)
            {
                Log.RequestFailed(request.Services!.GetRequiredService<ILogger<McpTelemetry>>(), exception);
                throw;
            }
        };

    /// <summary>
    /// As <c>WithTools</c> does, with schemas that every client can read: some take no <c>true</c> for «any value», which is what the types
    /// with a converter of their own would have. A tool that only reads needs a key with the scope read, another one with write.
    /// </summary>
    private static IMcpServerBuilder WithMemoryTools(this IMcpServerBuilder builder, JsonSerializerOptions json)
    {
        var schema = new AIJsonSchemaCreateOptions
        {
            TransformSchemaNode = (context, node) => node.GetValueKind() != JsonValueKind.True ? node
                : context.TypeInfo.Type == typeof(DateTimeOffset) || context.TypeInfo.Type == typeof(DateTimeOffset?)
                    ? new JsonObject { ["type"] = "string", ["format"] = "date-time" }
                    : new JsonObject { ["type"] = "object" },
        };
        foreach (var tool in typeof(MemoryTools).GetMethods().Where(method => method.IsDefined(typeof(McpServerToolAttribute), inherit: false)))
        {
            var scope = tool.GetCustomAttribute<McpServerToolAttribute>()!.ReadOnly ? Scopes.Read : Scopes.Write;
            builder.Services.AddSingleton(services => McpServerTool.Create(
                tool, request => ActivatorUtilities.CreateInstance<MemoryTools>(request.Services!),
                new()
                {
                    Services = services,
                    SerializerOptions = json,
                    SchemaCreateOptions = schema,
                    Metadata = services.GetRequiredService<IOptions<AuthOptions>>().Value.Required ? [new AuthorizeAttribute(scope)] : [],
                }));
        }
        return builder;
    }

    public static void MapMcp(this IEndpointRouteBuilder app) => app.MapMcp("/mcp").RequireAuthorization(Scopes.Read)
        .ExcludeFromDescription().Add(route => route.RequestDelegate = ReadParams(InSpace(route.RequestDelegate!)));

    /// <summary>Says that params cannot be read: the SDK takes it for a fault of ours.</summary>
    private static McpMessageHandler ReadParams(McpMessageHandler next) =>
        async (message, cancellationToken) =>
        {
            try
            {
                await next(message, cancellationToken);
            }
            catch (Exception exception) when (IsUnreadable(exception))
            {
                throw new McpProtocolException(UnreadableParams, McpErrorCode.InvalidParams);
            }
        };

    /// <summary>Tells the tools the space.</summary>
    private static RequestDelegate InSpace(RequestDelegate next) =>
        http =>
        {
            http.RequestServices.GetRequiredService<RequestSpace>().Space = Space.Of(http);
            return next(http);
        };

    /// <summary>Says it also of those that the SDK reads before it handles a message.</summary>
    private static RequestDelegate ReadParams(RequestDelegate next) =>
        async http =>
        {
            try
            {
                await next(http);
            }
            catch (Exception exception) when (IsUnreadable(exception))
            {
                throw new BadHttpRequestException(UnreadableParams, exception);
            }
        };

    /// <summary>JSON of another form, or (as System.Text.Json marks it) a string that is read late and is no text.</summary>
    private static bool IsUnreadable(Exception exception) => exception is JsonException or InvalidOperationException { Source: "System.Text.Json.Rethrowable" };

    /// <summary>What the agent can mend, or must wait for; null where it is a fault of ours.</summary>
    private static string? Explain(Exception exception) => exception switch
    {
        InvalidRequestException invalid => invalid.Message,
        ArgumentException { ParamName: "arguments" } missing => missing.Message.Split(" (Parameter")[0], // by the SDK, where one that is required is not given
        InvalidOperationException unreadable when IsUnreadable(unreadable) => UnreadableParams,
        JsonException json => $"{JsonReason.Field(json) ?? "The arguments"} {JsonReason.Of(json)}.",
        TooManySearchesException many => many.Message,
        EmbeddingsAwayException => "The embedding endpoint does not answer: recall in mode keyword, or try again soon.",
        DbException { IsTransient: true } => "The memory's database is away: try again in a moment.",
        DbException { SqlState: ['2', '2', ..] or ['5', '4', ..] } => "A value cannot be stored: it has a number beyond PostgreSQL's range.",
        _ => null,
    };
}
