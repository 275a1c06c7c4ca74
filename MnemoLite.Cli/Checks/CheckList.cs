using System.Text.Json;
using MnemoLite.Client;

namespace MnemoLite.Cli.Checks;

/// <summary>Checks, each told in a line as it is made.</summary>
internal sealed class CheckList
{
    private readonly List<CheckResult> _results = [];

    public IReadOnlyList<CheckResult> Results => _results;

    /// <summary>Makes a check; a failed one is told, and the next can be made.</summary>
    /// <param name="what">What is so if it passes.</param>
    /// <param name="remedy">What to do if it does not.</param>
    /// <param name="check">Gives the figure to show; throws if it fails.</param>
    /// <param name="cancellationToken">Ends the checks.</param>
    public async Task CheckAsync(string what, string remedy, Func<Task<string>> check, CancellationToken cancellationToken)
    {
        try
        {
            Passed(what, await check());
        }
        catch (Exception exception) when (
            exception is CommandException or HttpRequestException or MnemoLiteException or IOException or JsonException
            || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            Failed(what, exception is OperationCanceledException ? "no answer in time" : exception.Message.TrimEnd('.'), remedy);
        }
    }

    public void Passed(string what, string figure)
    {
        _results.Add(new(what, true));
        Terminal.Ok($"{what} ({figure})");
    }

    public void Failed(string what, string why, string remedy)
    {
        _results.Add(new(what, false));
        Terminal.NotOk($"{what}: {why}", remedy);
    }

    /// <summary>Tells how many passed, and gives the exit code.</summary>
    public int Finish()
    {
        var passed = _results.Count(result => result.Passed);
        Console.WriteLine($"{passed} of {_results.Count} checks passed");
        return passed == _results.Count ? 0 : 1;
    }
}

/// <summary>How a check went.</summary>
/// <param name="What">What is so if it passes.</param>
/// <param name="Passed">Whether it did.</param>
internal sealed record CheckResult(string What, bool Passed);
