using System.Diagnostics;

namespace MnemoLite.Api;

/// <summary>Where the service's own spans begin; one that nobody listens to is null and costs nothing.</summary>
internal static class Tracing
{
    public static readonly ActivitySource Source = new("MnemoLite");
}
