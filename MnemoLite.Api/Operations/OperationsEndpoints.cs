namespace MnemoLite.Api.Operations;

internal static class OperationsEndpoints
{
    public static IHostApplicationBuilder AddOperations(this IHostApplicationBuilder builder)
    {
        builder.Services.AddSingleton<MonitoringStore>();
        return builder;
    }

    public static void MapOperations(this IEndpointRouteBuilder app)
    {
        app.MapHealth();
        app.MapMonitoring();
    }
}
