using System.Text.RegularExpressions;

namespace MnemoLite.Tests.Security;

/// <summary>SECURITY.md says nothing that no test shows.</summary>
public sealed partial class SecurityPolicyTests
{
    private static readonly string Policy = File.ReadAllText(
        Path.GetFullPath(Path.Combine(Projects.MnemoLite_AppHost.ProjectPath, "..", "SECURITY.md")));

    [Fact]
    public void Every_test_it_names_is_there()
    {
        var tests = typeof(SecurityPolicyTests).Assembly.GetTypes().Where(type => type.IsPublic).ToLookup(type => type.Name);
        var named = TestName().Matches(Policy);
        Assert.True(named.Count > 20);
        foreach (Match name in named)
        {
            var method = name.Groups["method"].Value;
            Assert.True(
                tests[name.Groups["class"].Value].Any(type => type.GetMethods().Any(one => (method.Length == 0 || one.Name == method) && one.IsDefined(typeof(FactAttribute), inherit: true))),
                $"There is no {name.Value}.");
        }
    }

    [Fact]
    public void Every_point_of_the_list_has_its_row_with_a_test()
    {
        for (var point = 1; point <= 10; point++)
            Assert.Matches(TestName(), Assert.Single(Policy.Split('\n'), line => line.StartsWith($"| API{point} ", StringComparison.Ordinal)));
    }

    [GeneratedRegex(@"`(?<class>\w+Tests)(\.(?<method>\w+))?`")]
    private static partial Regex TestName();
}
