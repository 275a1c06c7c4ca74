namespace Aspire.Hosting.Local;

/// <summary>Settings of this engine, section <c>LocalHosting</c>.</summary>
internal sealed class LocalHostingOptions
{
    public const string Section = "LocalHosting";

    /// <summary>Where data is kept; without it, in a temporary folder that goes when the application stops.</summary>
    public string? DataDirectory { get; set; }

    /// <summary>The folder of PostgreSQL's binaries; without it, the newest that has pgvector.</summary>
    public string? PostgresBin { get; set; }

    /// <summary>The port of the engine's own address, on the loopback interface; without it, any free one.</summary>
    public int? HostPort { get; set; }

    /// <summary>The folder of the release to run: for each project a folder with its published files. Without it, what was built.</summary>
    public string? Release { get; set; }
}
