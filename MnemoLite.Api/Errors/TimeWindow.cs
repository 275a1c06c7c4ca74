namespace MnemoLite.Api.Errors;

internal static class TimeWindow
{
    /// <exception cref="InvalidRequestException">The window ends before it starts.</exception>
    public static void Check(DateTimeOffset? start, DateTimeOffset? end)
    {
        if (start > end)
            throw InvalidRequestException.Field("ts_start", "must not be after ts_end");
    }
}
