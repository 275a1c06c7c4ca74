using System.Reflection;

namespace Aspire.Hosting.Testing;

/// <summary>
/// An AppHost's entry point on a thread of its own, held inside <c>Build()</c> until the test is done with the builder, and inside
/// <c>Run()</c> until the test is done with the application.
/// </summary>
internal sealed class EntryPointRun(Assembly assembly, string[] args)
{
    private static readonly AsyncLocal<EntryPointRun?> Running = new();

    private readonly TaskCompletionSource<IDistributedApplicationBuilder> _builder = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<DistributedApplication> _application = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _mayBuild = new();
    private readonly TaskCompletionSource _ended = new();

    public static EntryPointRun? Current => Running.Value;

    public Task<IDistributedApplicationBuilder> StartAsync(CancellationToken cancellationToken)
    {
        var thread = new Thread(Invoke) { IsBackground = true, Name = "AppHost" };
        thread.Start();
        return _builder.Task.WaitAsync(cancellationToken);
    }

    public Task<DistributedApplication> BuildAsync(CancellationToken cancellationToken)
    {
        _mayBuild.TrySetResult();
        return _application.Task.WaitAsync(cancellationToken);
    }

    public void WaitForTest(IDistributedApplicationBuilder builder)
    {
        _builder.TrySetResult(builder);
        _mayBuild.Task.Wait();
        if (_ended.Task.IsCompleted)
            throw new OperationCanceledException("The test gave the builder up.");
    }

    public void Built(DistributedApplication application) => _application.TrySetResult(application);

    public void WaitForEnd() => _ended.Task.Wait();

    public void End()
    {
        _ended.TrySetResult();
        _mayBuild.TrySetResult();
    }

    private void Invoke()
    {
        Running.Value = this;
        var entryPoint = assembly.EntryPoint!;
        try
        {
            entryPoint.Invoke(null, entryPoint.GetParameters().Length == 0 ? null : [args]);
            Fail(new DistributedApplicationException("The AppHost ended before it built an application."));
        }
        catch (TargetInvocationException exception)
        {
            Fail(exception.InnerException!);
        }
    }

    private void Fail(Exception exception)
    {
        _builder.TrySetException(exception);
        _application.TrySetException(exception);
    }
}
