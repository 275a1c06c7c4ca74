using System.Text.Json.Serialization;

namespace MnemoLite.Client;

/// <summary>How the contract's types are written: snake_case, absent values left out; generated at compile time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    Converters = [typeof(TimestampConverter)])]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(NewEvent))]
[JsonSerializable(typeof(EventPatch))]
[JsonSerializable(typeof(EventPage))]
[JsonSerializable(typeof(EventChange))]
[JsonSerializable(typeof(BatchEvent))]
[JsonSerializable(typeof(BatchEvent[]))]
[JsonSerializable(typeof(BatchResult))]
[JsonSerializable(typeof(SearchRequest))]
[JsonSerializable(typeof(SearchResult))]
[JsonSerializable(typeof(SearchPage))]
[JsonSerializable(typeof(ContentSearch))]
[JsonSerializable(typeof(SimilaritySearch))]
[JsonSerializable(typeof(float[]))]
[JsonSerializable(typeof(IReadOnlyList<Event>))]
[JsonSerializable(typeof(GraphNode))]
[JsonSerializable(typeof(NewGraphNode))]
[JsonSerializable(typeof(GraphNodePatch))]
[JsonSerializable(typeof(GraphEdge))]
[JsonSerializable(typeof(NewGraphEdge))]
[JsonSerializable(typeof(GraphEdgePatch))]
[JsonSerializable(typeof(CytoscapeGraph))]
[JsonSerializable(typeof(TraverseRequest))]
[JsonSerializable(typeof(TraverseResult))]
[JsonSerializable(typeof(PathRequest))]
[JsonSerializable(typeof(GraphPath))]
[JsonSerializable(typeof(CachesStats))]
[JsonSerializable(typeof(Health))]
[JsonSerializable(typeof(Readiness))]
[JsonSerializable(typeof(StoreState))]
[JsonSerializable(typeof(MonitoringStatus))]
[JsonSerializable(typeof(IReadOnlyList<CriticalEvent>))]
[JsonSerializable(typeof(IReadOnlyList<TimelineBucket>))]
[JsonSerializable(typeof(EventDistribution))]
[JsonSerializable(typeof(MonitoringMetrics))]
[JsonSerializable(typeof(RequestMetrics))]
[JsonSerializable(typeof(SystemMetrics))]
[JsonSerializable(typeof(PoolState))]
[JsonSerializable(typeof(SlowQueries))]
[JsonSerializable(typeof(IndexUse))]
[JsonSerializable(typeof(OptimizationAdvice))]
[JsonSerializable(typeof(JsonText))]
[JsonSerializable(typeof(Problem))]
public sealed partial class MnemoLiteJson : JsonSerializerContext;
