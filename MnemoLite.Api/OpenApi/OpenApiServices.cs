using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using MnemoLite.Client;

namespace MnemoLite.Api.OpenApi;

internal static class OpenApiServices
{
    /// <summary>The OpenAPI document, with an example for each body.</summary>
    public static IHostApplicationBuilder AddOpenApi(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOpenApi("v1", options =>
        {
            options.AddDocumentTransformer((document, _, _) =>
            {
                document.Info.Title = "MnemoLite";
                document.Info.Version = "v1";
                document.Info.Description = "The memory of an AI agent: events, found again by meaning, metadata and time.";
                document.Servers?.Clear();
                return Task.CompletedTask;
            });
            options.AddSchemaTransformer(DescribeAsync);
        });
        return builder;
    }

    private static Task DescribeAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        var type = context.JsonTypeInfo.Type;
        if (type == typeof(JsonText) || type == typeof(JsonText?))
        {
            schema.Type = JsonSchemaType.Object;
            schema.AdditionalPropertiesAllowed = true;
        }
        if (Example(type) is { } example)
            schema.Examples = [example];
        return Task.CompletedTask;
    }

    private static JsonNode? Example(Type type) => type switch
    {
        _ when type == typeof(NewEvent) => JsonNode.Parse("""
            {"content": {"text": "Anna prefers tabs over spaces"}, "metadata": {"project": "website", "type": "preference"}}
            """),
        _ when type == typeof(BatchEvent[]) => JsonNode.Parse("""
            [{"content": {"text": "Anna prefers tabs over spaces"}}, {"content": {"text": "Friday is release day"}, "metadata": {"type": "decision"}}]
            """),
        _ when type == typeof(ContentSearch) => JsonNode.Parse("""{"query": "how does Anna like her code indented?", "limit": 5}"""),
        _ when type == typeof(EventPatch) => JsonNode.Parse("""{"metadata": {"type": "decision", "draft": null}}"""),
        _ when type == typeof(SearchRequest) => JsonNode.Parse("""
            {"query": "how does Anna like her code indented?", "metadata": {"project": "website"}, "limit": 5}
            """),
        _ when type == typeof(NewGraphNode) => JsonNode.Parse("""
            {"type": "person", "label": "Anna", "properties": {"team": "web", "event_id": "019c1400-0000-7000-8000-000000000001"}}
            """),
        _ when type == typeof(GraphNodePatch) => JsonNode.Parse("""{"label": "Anna K.", "properties": {"team": null}}"""),
        _ when type == typeof(NewGraphEdge) => JsonNode.Parse("""
            {
                "source": "019c1400-0000-7000-8000-000000000002", "target": "019c1400-0000-7000-8000-000000000003",
                "type": "works_on", "properties": {"since": 2026}
            }
            """),
        _ when type == typeof(GraphEdgePatch) => JsonNode.Parse("""{"type": "leads", "properties": {"since": 2027}}"""),
        _ when type == typeof(TraverseRequest) => JsonNode.Parse("""
            {"start": "019c1400-0000-7000-8000-000000000002", "direction": "out", "edge_types": ["works_on"], "max_depth": 3}
            """),
        _ when type == typeof(PathRequest) => JsonNode.Parse("""
            {"source": "019c1400-0000-7000-8000-000000000002", "target": "019c1400-0000-7000-8000-000000000003", "max_depth": 6}
            """),
        _ => null,
    };
}
