using System.Data.Common;
using Npgsql;
using Polly;
using Polly.CircuitBreaker;
using Polly.Retry;

namespace MnemoLite.Api.Database;

/// <summary>The database is known to be away, so it was not asked.</summary>
internal sealed class DatabaseAwayException(Exception cause) : NpgsqlException("It does not answer.", cause)
{
    public override bool IsTransient => true;
}

/// <summary>
/// The circuit breaker before the database. It opens where much of what is sent fails, and where the change feed gets no answer any more; until
/// the feed gets one, nothing is sent, and what waits for an answer by then waits no longer.
/// </summary>
internal sealed class DatabaseCircuit : IDisposable
{
    private readonly CircuitBreakerManualControl _control = new();
    private readonly ResiliencePipeline _once, _retrying;
    private volatile CancellationTokenSource _outage = new();

    public DatabaseCircuit(TimeProvider clock)
    {
        _once = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddCircuitBreaker(new CircuitBreakerStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<NpgsqlException>(IsAway),
                FailureRatio = 0.5,
                MinimumThroughput = 10,
                SamplingDuration = TimeSpan.FromSeconds(2),
                BreakDuration = TimeSpan.FromSeconds(1),
                ManualControl = _control,
            })
            .Build();
        _retrying = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder()
                    .Handle<NpgsqlException>(exception => IsAway(exception) && exception.InnerException is not TimeoutException),
                MaxRetryAttempts = 2,
                Delay = TimeSpan.FromMilliseconds(20),
                UseJitter = true,
            })
            .AddPipeline(_once)
            .Build();
    }

    /// <summary>Whether the database, or the connection to it, failed; not what was asked of it.</summary>
    public static bool IsAway(DbException exception) => exception.SqlState is not { } state
        || state.StartsWith("08", StringComparison.Ordinal) || state.StartsWith("57P", StringComparison.Ordinal);

    /// <summary>Reads; again where the connection broke.</summary>
    /// <exception cref="DatabaseAwayException">It is away.</exception>
    public Task<T> ReadAsync<T>(Func<Task<T>> read) => RunAsync(_retrying, read);

    /// <summary>Does what may be done only once. Where the database stops answering, it is not waited for, though it may go on.</summary>
    /// <exception cref="DatabaseAwayException">It is away, and nothing was done.</exception>
    public Task<T> DoAsync<T>(Func<Task<T>> work) => RunAsync(_once, work);

    /// <summary>The database does not answer.</summary>
    public async Task OpenAsync()
    {
        await _control.IsolateAsync();
        await _outage.CancelAsync();
    }

    /// <summary>The database answers.</summary>
    public async Task CloseAsync()
    {
        if (_outage.IsCancellationRequested)
            _outage = new();
        await _control.CloseAsync();
    }

    public void Dispose() => _outage.Dispose();

    private async Task<T> RunAsync<T>(ResiliencePipeline pipeline, Func<Task<T>> work)
    {
        try
        {
            return await pipeline.ExecuteAsync(static (state, _) => state.Circuit.AwaitAsync(state.Work), (Circuit: this, Work: work), CancellationToken.None);
        }
        catch (BrokenCircuitException open)
        {
            throw new DatabaseAwayException(open);
        }
    }

    private async ValueTask<T> AwaitAsync<T>(Func<Task<T>> work)
    {
        var outage = _outage.Token;
        try
        {
            return await work().WaitAsync(outage);
        }
        catch (OperationCanceledException canceled) when (outage.IsCancellationRequested)
        {
            throw new NpgsqlException("It stopped answering.", new TimeoutException(canceled.Message));
        }
    }
}

internal static class DatabaseCircuitEndpoints
{
    /// <summary>What these routes do is done through the circuit as a whole.</summary>
    public static TBuilder NeedsDatabase<TBuilder>(this TBuilder routes) where TBuilder : IEndpointConventionBuilder =>
        routes.AddEndpointFilter((context, next) =>
            new(context.HttpContext.RequestServices.GetRequiredService<DatabaseCircuit>().DoAsync(() => next(context).AsTask())));
}
