using System.Diagnostics;
using System.Text.Json;
using System.Threading.Channels;
using Aspire.Hosting.ApplicationModel;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Aspire.Hosting.Local;

/// <summary>Moves what runs to another release, and tries one out beside; both tell how they go, a line of JSON for each step.</summary>
/// <param name="first">The release that runs at first.</param>
/// <param name="projects">The projects as they run, in the order of the application model.</param>
/// <param name="tryOut">Runs a process of a project with settings of its own, until it is healthy.</param>
internal sealed class Releases(
    string? first, Func<IReadOnlyList<(ProjectResource Project, ReplicaSet Replicas)>> projects,
    Func<ProjectResource, string, IReadOnlyDictionary<string, string>, CancellationToken, Task> tryOut)
{
    private int _busy;
    private string? _current = first;

    public void Map(WebApplication app)
    {
        app.MapPost("/release", (MoveRequest request, HttpContext context) =>
            TellAsync(context, report => MoveAsync(request.Folder, request.AtOnce, report, context.RequestAborted)));
        app.MapPost("/trial", (TrialRequest request, HttpContext context) =>
            TellAsync(context, _ => TryAsync(request, context.RequestAborted)));
    }

    /// <summary>Moves instance by instance, or all at once. Where one does not become healthy or the caller leaves, the former release is put back.</summary>
    private async Task MoveAsync(string release, bool atOnce, Action<string> report, CancellationToken cancellationToken)
    {
        try
        {
            await ReplaceAllAsync(release, atOnce, report, cancellationToken);
            _current = release;
        }
        catch
        {
            await ReplaceAllAsync(_current, atOnce: true, report, CancellationToken.None);
            throw;
        }
    }

    private async Task ReplaceAllAsync(string? release, bool atOnce, Action<string> report, CancellationToken cancellationToken)
    {
        var places = projects().SelectMany(project => Enumerable.Range(0, project.Replicas.Count).Select(place => (project.Project, project.Replicas, place)));
        if (atOnce)
        {
            await Task.WhenAll(places.Select(one => ReplaceAsync(one.Project, one.Replicas, one.place)));
            return;
        }
        foreach (var (project, replicas, place) in places)
            await ReplaceAsync(project, replicas, place);

        async Task ReplaceAsync(ProjectResource project, ReplicaSet replicas, int place)
        {
            var start = Stopwatch.GetTimestamp();
            if (await replicas.ReplaceAsync(place, release, cancellationToken) is { } next)
                report($"{project.Name} {place + 1} of {replicas.Count}: {next.Id} took over ({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s)");
        }
    }

    private Task TryAsync(TrialRequest request, CancellationToken cancellationToken)
    {
        var project = projects().Select(one => one.Project).FirstOrDefault(project => project.Name == request.Project)
            ?? throw new DistributedApplicationException($"There is no project '{request.Project}'.");
        return tryOut(project, request.Folder, request.Settings, cancellationToken);
    }

    private async Task TellAsync(HttpContext context, Func<Action<string>, Task> work)
    {
        if (Interlocked.Exchange(ref _busy, 1) == 1)
        {
            context.Response.StatusCode = StatusCodes.Status409Conflict;
            return;
        }
        try
        {
            context.Response.ContentType = "application/x-ndjson";
            var steps = Channel.CreateUnbounded<Step>();
            var telling = TellStepsAsync(context, steps.Reader);
            try
            {
                await work(text => steps.Writer.TryWrite(new(text, null)));
            }
            catch (Exception exception) when (exception is DistributedApplicationException or TimeoutException)
            {
                steps.Writer.TryWrite(new(null, exception.Message));
            }
            finally
            {
                steps.Writer.Complete();
                await telling;
            }
        }
        finally
        {
            Volatile.Write(ref _busy, 0);
        }
    }

    private static async Task TellStepsAsync(HttpContext context, ChannelReader<Step> steps)
    {
        await foreach (var step in steps.ReadAllAsync(CancellationToken.None))
        {
            if (context.RequestAborted.IsCancellationRequested)
                continue;
            await context.Response.WriteAsync(JsonSerializer.Serialize(step, JsonSerializerOptions.Web) + "\n", CancellationToken.None);
            await context.Response.Body.FlushAsync(CancellationToken.None);
        }
    }

    /// <summary>Which release is to run.</summary>
    /// <param name="Folder">Its folder.</param>
    /// <param name="AtOnce">All instances at once: as quick as can be.</param>
    private sealed record MoveRequest(string Folder, bool AtOnce);

    /// <summary>What to try out.</summary>
    /// <param name="Project">The project's name.</param>
    /// <param name="Folder">The release's folder.</param>
    /// <param name="Settings">Environment variables that differ from those it will have.</param>
    private sealed record TrialRequest(string Project, string Folder, IReadOnlyDictionary<string, string> Settings);

    /// <summary>What was done, or why it failed.</summary>
    private sealed record Step(string? Done, string? Error);
}
