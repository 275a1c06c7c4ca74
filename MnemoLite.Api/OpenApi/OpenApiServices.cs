using System.Text.Json.Nodes;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.OpenApi;

internal static class OpenApiServices
{
    private static readonly OpenApiParameter SpaceHeader = new()
    {
        Name = Spaces.Header,
        In = ParameterLocation.Header,
        Description = $"The space to be in: {Spaces.NameRule}. Without it, the first that the key is bound to, or {Spaces.Default}.",
        Schema = new OpenApiSchema { Type = JsonSchemaType.String, Default = Spaces.Default, Examples = ["work"] },
    };

    /// <summary>The OpenAPI document, with an example for each body.</summary>
    public static IHostApplicationBuilder AddOpenApi(this IHostApplicationBuilder builder)
    {
        builder.Services.AddOpenApi("v1", options =>
        {
            options.AddDocumentTransformer((document, context, _) =>
            {
                document.Info.Title = "MnemoLite";
                document.Info.Version = "v1";
                document.Info.Description = "The memory of an AI agent: events, found again by meaning, metadata and time.";
                document.Servers?.Clear();
                if (context.ApplicationServices.GetRequiredService<IOptions<AuthOptions>>().Value.Required)
                {
                    document.AddComponent("key", new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "An API key." });
                    document.Security = [new() { [new OpenApiSecuritySchemeReference("key", document)] = [] }];
                }
                return Task.CompletedTask;
            });
            options.AddSchemaTransformer(DescribeAsync);
            options.AddOperationTransformer((operation, context, _) =>
            {
                if (context.Description.ActionDescriptor.EndpointMetadata.OfType<InSpaceMetadata>().Any())
                    (operation.Parameters ??= []).Add(SpaceHeader);
                return Task.CompletedTask;
            });
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
        _ when type == typeof(MetadataFacets) => JsonNode.Parse("""
            {"events": 41, "truncated": false, "keys": [{"key": "project", "count": 40, "values": [{"value": "website", "count": 28}]}]}
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
        _ when type == typeof(EdgesAmongRequest) => JsonNode.Parse("""
            {"nodes": ["019c1400-0000-7000-8000-000000000002", "019c1400-0000-7000-8000-000000000003"]}
            """),
        _ when type == typeof(PathRequest) => JsonNode.Parse("""
            {"source": "019c1400-0000-7000-8000-000000000002", "target": "019c1400-0000-7000-8000-000000000003", "max_depth": 6}
            """),
        _ when type == typeof(MonitoringStatus) => JsonNode.Parse("""
            {"status": "degraded", "timestamp": "2026-01-31T12:00:00+00:00", "summary": {"critical": 0, "warning": 3, "info": 41}}
            """),
        _ when type == typeof(CriticalEvent) => JsonNode.Parse("""
            {
                "id": "019c1400-0000-7000-8000-000000000001", "timestamp": "2026-01-31T10:00:00+00:00", "age": "2h ago",
                "content": {"text": "The nightly backup failed"}, "metadata": {"severity": "critical", "project": "website"}
            }
            """),
        _ when type == typeof(TimelineBucket) => JsonNode.Parse("""{"time": "2026-01-31T12:00:00+00:00", "count": 7}"""),
        _ when type == typeof(EventDistribution) => JsonNode.Parse("""
            {
                "by_severity": [{"label": "info", "count": 41}], "by_project": [{"label": "website", "count": 40}],
                "by_category": [{"label": "decision", "count": 12}]
            }
            """),
        _ when type == typeof(MonitoringMetrics) => JsonNode.Parse("""
            {"total_events": 50000, "db_size_mb": 231.4, "cache_hit_ratio": 0.9974, "active_connections": 2}
            """),
        _ when type == typeof(RequestStatistics) => JsonNode.Parse("""
            {
                "seconds": 300, "requests": 5000, "requests_per_second": 16.67, "errors": 0, "error_rate": 0, "client_errors": 12,
                "mean_ms": 2.1, "p50_ms": 1.6, "p95_ms": 5.2, "p99_ms": 9.1
            }
            """),
        _ when type == typeof(PoolState) => JsonNode.Parse("""
            {"min": 20, "max": 30, "size": 21, "busy": 3, "idle": 18, "waiting": 0, "timeouts": 0}
            """),
        _ when type == typeof(SlowQuery) => JsonNode.Parse("""
            {
                "query": "SELECT id FROM events WHERE space = $1 ORDER BY timestamp DESC LIMIT $2", "calls": 800, "total_ms": 412.7,
                "mean_ms": 0.516, "max_ms": 9.8, "rows": 8000, "cache_hit_ratio": 0.9991
            }
            """),
        _ when type == typeof(IndexStatistics) => JsonNode.Parse("""
            {
                "name": "events_metadata", "table": "events", "size_bytes": 3719168, "scans": 9, "tuples_read": 14994, "constraint": false,
                "unused": false, "definition": "CREATE INDEX events_metadata ON public.events USING gin (metadata jsonb_path_ops)"
            }
            """),
        _ when type == typeof(Suggestion) => JsonNode.Parse("""
            {
                "severity": "warning", "area": "pool", "seen": "30 of 30 database connections are busy, 4 requests wait for one.",
                "action": "If it stays so, raise Database__MaxPoolSize within PostgreSQL's max_connections."
            }
            """),
        _ => null,
    };
}
