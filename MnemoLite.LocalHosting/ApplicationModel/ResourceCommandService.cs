using System.Collections.Concurrent;
using Aspire.Hosting.Local;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>The commands that resources know.</summary>
public static class KnownResourceCommands
{
    /// <summary>Stops the instance in good order and starts it again.</summary>
    public static readonly string RestartCommand = "restart";
}

/// <summary>How a command went.</summary>
public sealed class ExecuteCommandResult
{
    /// <summary>Whether it was carried out.</summary>
    public required bool Success { get; init; }
}

/// <summary>Carries out commands on the instances of resources.</summary>
public sealed class ResourceCommandService
{
    private readonly ConcurrentDictionary<string, SupervisedProcess> _processes = new();

    /// <summary>Carries out a command; one that is not known, or on an instance that is not there, does not succeed.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        if (commandName != KnownResourceCommands.RestartCommand || !_processes.TryGetValue(resourceId, out var process))
            return new() { Success = false };
        await process.RestartAsync(cancellationToken);
        return new() { Success = true };
    }

    internal void Add(string resourceId, SupervisedProcess process) => _processes[resourceId] = process;

    internal void Remove(string resourceId) => _processes.TryRemove(resourceId, out _);
}
