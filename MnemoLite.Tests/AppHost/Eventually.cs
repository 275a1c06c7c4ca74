namespace MnemoLite.Tests.AppHost;

/// <summary>Waits for a condition instead of a time.</summary>
internal static class Eventually
{
    /// <summary>Asks again and again until it is so, for a minute at most.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        while (!await condition())
            await Task.Delay(50, patience.Token);
    }
}
