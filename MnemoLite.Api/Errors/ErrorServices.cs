using System.Diagnostics;

namespace MnemoLite.Api.Errors;

internal static class ErrorServices
{
    /// <summary>Problem documents for every error, each with the request's trace id.</summary>
    public static IHostApplicationBuilder AddErrors(this IHostApplicationBuilder builder)
    {
        builder.Services.AddExceptionHandler<ProblemExceptionHandler>();
        builder.Services.Configure<RouteHandlerOptions>(options => options.ThrowOnBadRequest = true);
        builder.Services.AddProblemDetails(options => options.CustomizeProblemDetails = context =>
        {
            var problem = context.ProblemDetails;
            problem.Extensions.Remove("traceId");
            problem.Extensions["trace_id"] = Activity.Current?.TraceId.ToString() ?? context.HttpContext.TraceIdentifier;
            problem.Instance ??= context.HttpContext.Request.Path;
            problem.Detail ??= problem.Status switch
            {
                StatusCodes.Status401Unauthorized =>
                    "This needs a key, sent as Authorization: Bearer KEY, that is not revoked or expired; ./mnemolite keys create makes one.",
                StatusCodes.Status403Forbidden => "The key that was sent is not allowed to do this: WWW-Authenticate names the scope that is needed.",
                StatusCodes.Status429TooManyRequests => "Too many requests: try again after the seconds in Retry-After.",
                StatusCodes.Status404NotFound => "There is nothing at this path; GET /openapi/v1.json lists what there is.",
                StatusCodes.Status405MethodNotAllowed => "This path does not take that method; GET /openapi/v1.json lists what it takes.",
                StatusCodes.Status413PayloadTooLarge => "The body is larger than this service takes: split it up.",
                StatusCodes.Status415UnsupportedMediaType => "The body must be JSON: send Content-Type: application/json.",
                _ => null,
            };
        });
        return builder;
    }

    public static WebApplication UseErrors(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions { SuppressDiagnosticsCallback = _ => true });
        app.UseStatusCodePages();
        return app;
    }
}
