namespace MnemoLite.Bench.Load;

/// <summary>A request to be sent.</summary>
/// <param name="Route">What its latency counts for.</param>
/// <param name="Method">The method.</param>
/// <param name="Path">The path and the query, relative to the service.</param>
internal sealed record Operation(string Route, HttpMethod Method, string Path)
{
    /// <summary>JSON, if there is a body.</summary>
    public byte[]? Body { get; init; }

    /// <summary>Whether the caches are to be passed by.</summary>
    public bool NoCache { get; init; }

    /// <summary>The key to show, if one is.</summary>
    public string? Key { get; init; }

    /// <summary>The space to be in, if it is not the default one.</summary>
    public string? Space { get; init; }

    /// <summary>Looks at the headers of a good answer.</summary>
    public Action<HttpResponseMessage>? Answered { get; init; }
}

/// <summary>How a request ended.</summary>
/// <param name="Status">The status; 0 where no answer came.</param>
/// <param name="Problem">What the service, or the connection, said was wrong.</param>
internal readonly record struct Outcome(int Status, string? Problem = null)
{
    public bool IsSuccess => Status is >= 200 and < 300;
}
