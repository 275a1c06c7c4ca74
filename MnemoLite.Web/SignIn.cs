using System.Net;
using System.Security.Claims;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Components.Authorization;
using Microsoft.AspNetCore.Components.Server.Circuits;
using Microsoft.AspNetCore.Http.HttpResults;
using MnemoLite.Client;
using MnemoLite.Web.Components;

namespace MnemoLite.Web;

/// <summary>Signing in with a key, where the memory asks for keys, and the space that is looked at. What a person may do is the API's to decide, by that
/// key.</summary>
internal static class SignIn
{
    public const string Path = "/sign-in", SignOutPath = "/sign-out", ScopeClaim = "scope";
    private const string KeyClaim = "key";

    public static void AddSignIn(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton(new Listening(builder.Configuration));
        builder.Services.AddSingleton<KeyRequirement>();
        builder.Services.AddScoped<SignedIn>();
        builder.Services.AddScoped<CircuitHandler>(services => services.GetRequiredService<SignedIn>());
        builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie =>
        {
            cookie.Cookie.Name = "mnemolite";
            cookie.Cookie.HttpOnly = true;
            cookie.Cookie.SameSite = SameSiteMode.Strict;
            cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            cookie.ExpireTimeSpan = TimeSpan.FromHours(12);
            cookie.LoginPath = Path;
            cookie.Events.OnValidatePrincipal = CheckKeyAsync;
            cookie.Events.OnSigningOut = context =>
            {
                context.HttpContext.Response.Cookies.Delete(BrowserPreferences.SpaceCookie);
                return Task.CompletedTask;
            };
        });
        builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().AddRequirements(new SignInRequirement()).Build());
        builder.Services.AddSingleton<IAuthorizationHandler, SignInRequirementHandler>();
    }

    public static void UseSignIn(this WebApplication app)
    {
        app.UseAuthentication();
        app.Use((http, next) =>
        {
            var signedIn = http.RequestServices.GetRequiredService<SignedIn>();
            (signedIn.Key, signedIn.Space) = (KeyOf(http.User), SpaceOf(http));
            return next(http);
        });
        app.Use(RefuseStrangersAsync);
        app.UseAuthorization();
    }

    public static void MapSignOut(this IEndpointRouteBuilder app) => app.MapPost(SignOutPath, SignOutAsync);

    public static string? KeyOf(ClaimsPrincipal user) => user.FindFirstValue(KeyClaim);

    /// <summary>Signs in whose key it is, for this answer and those to come.</summary>
    public static Task SignInAsync(this HttpContext http, string key, Access access) => http.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity(
        [new(ClaimTypes.Name, access.Name ?? ""), new(ScopeClaim, access.Scope), new(KeyClaim, key)], CookieAuthenticationDefaults.AuthenticationScheme)));

    /// <summary>A path of ours to go on to; never another site.</summary>
    public static string Local(string? path) => path is ['/', not ('/' or '\\'), ..] or "/" ? path : "/";

    /// <summary>The space that was chosen, if the key may go there, or else the key's own. Null, which leaves it to the API, while it is not known what
    /// the key may.</summary>
    private static string? SpaceOf(HttpContext http)
    {
        var chosen = BrowserPreferences.From(http.Request.Cookies).Space;
        var access = http.Features.Get<Access>();
        if (access?.Spaces is [var own, ..] bound)
            return chosen is not null && bound.Contains(chosen) ? chosen : own;
        return chosen ?? (access is not null || KeyOf(http.User) is null ? Spaces.Default : null);
    }

    /// <summary>A key that was revoked since ends the sign-in; what another may do is kept for the request.</summary>
    private static async Task CheckKeyAsync(CookieValidatePrincipalContext context)
    {
        if (context.HttpContext.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null || KeyOf(context.Principal!) is not { } key)
            return;
        try
        {
            var client = context.HttpContext.RequestServices.GetRequiredService<MemoryClients>().Create(key);
            context.HttpContext.Features.Set(await client.GetAccessAsync(context.HttpContext.RequestAborted));
        }
        catch (MnemoLiteException refused) when (refused.StatusCode == HttpStatusCode.Unauthorized)
        {
            context.RejectPrincipal();
            await context.HttpContext.SignOutAsync();
        }
        catch (Exception failure) when (MemoryService.IsAway(failure))
        {
            // the page will tell
        }
    }

    /// <summary>A memory that asks for no keys is for this machine: not to be read over the network, nor by a page of another site whose name leads here.</summary>
    private static async Task RefuseStrangersAsync(HttpContext http, RequestDelegate next)
    {
        var services = http.RequestServices;
        var isOwn = !services.GetRequiredService<Listening>().BeyondLoopback
            && (!http.Request.Host.HasValue || Listening.IsLoopbackHost(http.Request.Host.Host)
                || services.GetRequiredService<IConfiguration>()["AllowedHosts"] is not (null or "*"));
        if (isOwn || http.GetEndpoint()?.Metadata.GetMetadata<IAllowAnonymous>() is not null
            || await services.GetRequiredService<KeyRequirement>().IsRequiredAsync(http.RequestAborted))
        {
            await next(http);
            return;
        }
        http.Response.StatusCode = StatusCodes.Status403Forbidden;
        await http.Response.WriteAsync(
            "This dashboard can be reached from elsewhere, but its memory asks nobody for a key. Make a key and start the API with Auth__Required=true "
                + "(docs/security.md), or look at http://localhost.", http.RequestAborted);
    }

    private static async Task<Results<RedirectHttpResult, BadRequest>> SignOutAsync(HttpContext http, IAntiforgery antiforgery)
    {
        if (!await antiforgery.IsRequestValidAsync(http))
            return TypedResults.BadRequest();
        await http.SignOutAsync();
        return TypedResults.Redirect(Path);
    }

    private sealed class SignInRequirement : IAuthorizationRequirement;

    private sealed class SignInRequirementHandler(KeyRequirement keys) : AuthorizationHandler<SignInRequirement>
    {
        protected override async Task HandleRequirementAsync(AuthorizationHandlerContext context, SignInRequirement requirement)
        {
            if (context.User.Identity?.IsAuthenticated == true || !await keys.IsRequiredAsync(CancellationToken.None))
                context.Succeed(requirement);
        }
    }
}

/// <summary>The key of the person who is signed in and the space they look at, for one request or one circuit.</summary>
internal sealed class SignedIn(AuthenticationStateProvider authentication) : CircuitHandler
{
    public string? Key { get; set; }

    /// <summary>Of a circuit it is the one its page was rendered in, whatever the browser has gone on to in another window.</summary>
    public string? Space { get; set; }

    public override async Task OnCircuitOpenedAsync(Circuit circuit, CancellationToken cancellationToken) =>
        Key = SignIn.KeyOf((await authentication.GetAuthenticationStateAsync()).User);
}

/// <summary>Whether the memory asks for keys; known for a few seconds.</summary>
internal sealed class KeyRequirement(MemoryClients clients, Listening listening, TimeProvider clock)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5), Patience = TimeSpan.FromSeconds(1), FirstPatience = TimeSpan.FromSeconds(5);
    private volatile Answer? _answer;

    public async ValueTask<bool> IsRequiredAsync(CancellationToken cancellationToken)
    {
        if (_answer is { } answer && clock.GetElapsedTime(answer.At) < Fresh)
            return answer.Required;
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(_answer is null ? FirstPatience : Patience);
        var required = _answer?.Required ?? listening.BeyondLoopback;
        try
        {
            required = (await clients.Create(key: null).GetAccessAsync(patience.Token)).KeysRequired;
        }
        catch (MnemoLiteException refused) when (refused.StatusCode == HttpStatusCode.Unauthorized)
        {
            required = true;
        }
        catch (Exception failure) when (MemoryService.IsAway(failure) || failure is OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            // away: there is nothing to keep, and the page will tell
        }
        _answer = new(required, clock.GetTimestamp());
        return required;
    }

    /// <summary>A request without a key was refused.</summary>
    public void Forget() => _answer = null;

    private sealed record Answer(bool Required, long At);
}
