namespace MnemoLite.Web.Components.Charts;

/// <summary>What is known of one hour, day or minute of a chart.</summary>
/// <param name="Name">The time, in words.</param>
/// <param name="Value">The value; null where there is none.</param>
public sealed record ChartPoint(string Name, double? Value);
