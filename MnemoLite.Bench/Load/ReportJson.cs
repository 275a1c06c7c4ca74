using System.Text.Json;
using System.Text.Json.Serialization;

namespace MnemoLite.Bench.Load;

/// <summary>How a report is written to a file, and read from one to compare with.</summary>
internal static class ReportJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };
}
