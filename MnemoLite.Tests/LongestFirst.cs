using MnemoLite.Tests;
using MnemoLite.Tests.Browser;
using Xunit.Sdk;
using Xunit.v3;

[assembly: TestCollectionOrderer(typeof(LongestFirst))]

namespace MnemoLite.Tests;

/// <summary>Starts with the tests of the dashboard, which run one after the other for minutes: begun last, they would keep one processor waiting.</summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    /// <inheritdoc/>
    public IReadOnlyCollection<TTestCollection> OrderTestCollections<TTestCollection>(IReadOnlyCollection<TTestCollection> testCollections)
        where TTestCollection : ITestCollection =>
        [.. testCollections.OrderByDescending(collection => collection.TestCollectionClassName == typeof(Dashboard).FullName)];
}
