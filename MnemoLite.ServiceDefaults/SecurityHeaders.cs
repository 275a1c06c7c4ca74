using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Microsoft.Extensions.Hosting;

/// <summary>What every answer tells browsers: to take nothing for what it is not, to show it in no other page, to tell no one where they came from.</summary>
public static class SecurityHeaders
{
    /// <summary>Sets them on every answer, with the Content-Security-Policy that goes with the request.</summary>
    public static void UseSecurityHeaders(this WebApplication app, Func<HttpContext, string> contentSecurityPolicy)
    {
        Func<object, Task> set = state => // as the last of all: an exception takes away what was set before
        {
            var http = (HttpContext)state;
            var headers = http.Response.Headers;
            headers.XContentTypeOptions = "nosniff";
            headers.XFrameOptions = "DENY";
            headers["Referrer-Policy"] = "no-referrer";
            headers["Cross-Origin-Resource-Policy"] = "same-origin";
            headers.ContentSecurityPolicy = contentSecurityPolicy(http);
            if (http.Request.IsHttps)
                headers.StrictTransportSecurity = "max-age=31536000";
            return Task.CompletedTask;
        };
        app.Use((http, next) =>
        {
            http.Response.OnStarting(set, http);
            return next(http);
        });
    }
}
