using System.Reflection;
using Mono.Cecil;
using NetArchTest.Rules;

namespace MnemoLite.Tests.Unit;

/// <summary>The rules of the house: rooms depend downward only, and features do not call each other's SQL.</summary>
public sealed class ArchitectureTests
{
    private static readonly Assembly Api = typeof(MnemoLite.Api.Events.EventStore).Assembly;
    private static readonly Assembly Web = typeof(MnemoLite.Web.Components.App).Assembly;
    private static readonly Assembly Client = typeof(MnemoLite.Client.MnemoLiteClient).Assembly;
    private static readonly string[] Features = ["Events", "Search", "Graph"];

    [Fact]
    public void The_client_depends_on_no_other_room() => Assert.Empty(Rooms(Client));

    [Fact]
    public void Web_and_Api_depend_on_the_client_and_the_service_defaults_only()
    {
        string[] below = ["MnemoLite.Client", "MnemoLite.ServiceDefaults"];
        Assert.Empty(Rooms(Web).Except(below));
        Assert.Empty(Rooms(Api).Except(below));
    }

    [Fact]
    public void The_dashboard_reaches_the_database_through_the_API_only() =>
        AssertHolds(Types.InAssembly(Web).ShouldNot().HaveDependencyOn("Npgsql"));

    [Fact]
    public void SQL_lives_in_stores_and_the_database_folder()
    {
        var rule = Types.InAssembly(Api)
            .That().DoNotResideInNamespace("MnemoLite.Api.Database")
            .And().DoNotHaveNameEndingWith("Store")
            .And().DoNotHaveName("HealthEndpoints", "ProblemExceptionHandler") // the probe of the server, the translation of its errors
            .And().DoNotResideInNamespace("Microsoft")
            .And().DoNotHaveNameStartingWith("<")
            .ShouldNot().HaveDependencyOn("Npgsql");
        AssertHolds(rule);
    }

    [Fact]
    public void Features_do_not_call_each_others_SQL()
    {
        foreach (var feature in Features)
        {
            var others = Features.Where(other => other != feature).Select(other => $"MnemoLite.Api.{other}").ToArray();
            AssertHolds(Types.InAssembly(Api).That().ResideInNamespace($"MnemoLite.Api.{feature}").ShouldNot().HaveDependencyOnAny(others));
        }
    }

    [Fact]
    public void Endpoints_reach_the_database_through_their_feature() =>
        AssertHolds(Types.InAssembly(Api)
            .That().HaveNameEndingWith("Endpoints").And().DoNotHaveName("HealthEndpoints")
            .ShouldNot().HaveDependencyOn("Npgsql"));

    /// <summary>A connection that is not in the space of a request sees all spaces: only what no client's request decides on may take one.</summary>
    [Fact]
    public void What_a_client_asks_for_goes_by_a_connection_in_its_space()
    {
        string[] ofEverything = ["EmbeddingQueueStore", "FlatIndexStore"]; // make the embeddings of all spaces, and keep them in memory, by themselves
        using var api = ModuleDefinition.ReadModule(Api.Location);
        var stores = api.Types.Where(type => type.Name.EndsWith("Store", StringComparison.Ordinal) && !ofEverything.Contains(type.Name)
            && (Features.Append("Mcp").Any(feature => type.Namespace == $"MnemoLite.Api.{feature}") || type.Name == "MonitoringStore")).ToList();
        Assert.True(stores.Count >= 8, $"only {stores.Count} stores");
        var calls = stores.SelectMany(WithNested).SelectMany(type => type.Methods).Where(method => method.HasBody)
            .SelectMany(method => method.Body.Instructions.Select(instruction => (method, called: instruction.Operand as MethodReference)))
            .Where(call => call.called is { DeclaringType.Name: "NpgsqlDataSource", Name: not "Dispose" })
            .Select(call => $"{call.method.DeclaringType.FullName}: {call.called!.Name}");
        Assert.Empty(calls);

        static IEnumerable<TypeDefinition> WithNested(TypeDefinition type) => type.NestedTypes.SelectMany(WithNested).Prepend(type);
    }

    private static IEnumerable<string> Rooms(Assembly assembly) =>
        assembly.GetReferencedAssemblies().Select(reference => reference.Name!).Where(name => name.StartsWith("MnemoLite", StringComparison.Ordinal));

    private static void AssertHolds(ConditionList rule)
    {
        var result = rule.GetResult();
        Assert.True(result.IsSuccessful, string.Join(", ", result.FailingTypeNames ?? []));
    }
}
