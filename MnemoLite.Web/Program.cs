using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Components;
using MnemoLite.Web;
using MnemoLite.Web.Components;
using MudBlazor;
using MudBlazor.Services;

const string ContentSecurityPolicy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    + "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"; // MudBlazor sets styles in elements

var builder = WebApplication.CreateBuilder(args);
builder.WebHost.ConfigureKestrel(kestrel =>
{
    kestrel.AddServerHeader = false;
    kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
});
builder.WebHost.UseStaticWebAssets();
builder.AddServiceDefaults();
builder.Services.AddSingleton(TimeProvider.System);
builder.AddProtectionKeys();
builder.AddSignIn();
builder.Services.AddMemoryService();
builder.Services.AddScoped(_ => new CascadingValueSource<TimeZoneInfo>(TimeZoneInfo.Utc, isFixed: false));
builder.Services.AddCascadingValue(services => services.GetRequiredService<CascadingValueSource<TimeZoneInfo>>());
builder.Services.AddSingleton<ChangeStreams>();
builder.Services.AddScoped(services => new LiveChanges(services.GetRequiredService<ChangeStreams>(), services.GetRequiredService<SignedIn>()));
builder.Services.AddMudServices(mud => mud.SnackbarConfiguration.PositionClass = Defaults.Classes.Position.BottomCenter);
builder.Services.AddRazorComponents()
    .AddInteractiveServerComponents(circuit => circuit.PersistedCircuitInMemoryMaxRetained = 0) // app.js has a way back that needs none kept
    .AddHubOptions(hub => hub.MaximumReceiveMessageSize = MemoryService.MaxBodyBytes);

var app = builder.Build();
await app.ReadProtectionKeysAsync();
app.UseSecurityHeaders(_ => ContentSecurityPolicy);
// A page that has just lost this instance must not come back to it: it would hold up its end.
app.UseWhen(_ => app.Lifetime.ApplicationStopping.IsCancellationRequested, stopping => stopping.Run(context =>
{
    context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
    return Task.CompletedTask;
}));
// Pages need an address of their own to lead to others; HTTP lets a client leave the host empty.
app.UseWhen(http => !http.Request.Host.HasValue && !http.Request.Path.StartsWithSegments("/alive"), refused => refused.Run(context =>
{
    context.Response.StatusCode = StatusCodes.Status400BadRequest;
    return Task.CompletedTask;
}));
if (!app.Environment.IsDevelopment())
{
    app.UseExceptionHandler(new ExceptionHandlerOptions
    {
        ExceptionHandlingPath = "/error",
        CreateScopeForErrors = true,
        StatusCodeSelector = exception => IsUnreadable(exception) ? StatusCodes.Status400BadRequest : StatusCodes.Status500InternalServerError,
        SuppressDiagnosticsCallback = failed => IsUnreadable(failed.Exception),
    });
}
app.UseStatusCodePagesWithReExecute("/not-found", createScopeForStatusCodePages: true);
app.UseSignIn();
app.UseAntiforgery();
app.MapStaticAssets().AllowAnonymous();
app.MapSignOut();
app.MapTransfers();
app.MapDefaultEndpoints();
app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
await app.RunAsync();

// A form that is none is its sender's fault.
static bool IsUnreadable(Exception exception) => exception is AntiforgeryValidationException or InvalidDataException or BadHttpRequestException;
