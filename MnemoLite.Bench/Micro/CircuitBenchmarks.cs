using BenchmarkDotNet.Attributes;
using MnemoLite.Api.Database;

namespace MnemoLite.Bench.Micro;

/// <summary>What the circuit breaker adds to work that goes to the database.</summary>
[MemoryDiagnoser]
public class CircuitBenchmarks
{
    private static readonly DatabaseCircuit Circuit = new(TimeProvider.System);
    private readonly int _answer = 1;

    /// <summary>Work without it.</summary>
    [Benchmark(Baseline = true)]
    public Task<int> Work() => WorkAsync();

    /// <summary>Work that is done once, such as a write.</summary>
    [Benchmark]
    public Task<int> Do() => Circuit.DoAsync(WorkAsync);

    /// <summary>A read.</summary>
    [Benchmark]
    public Task<int> Read() => Circuit.ReadAsync(WorkAsync);

    private async Task<int> WorkAsync()
    {
        await Task.Yield();
        return _answer;
    }
}
