using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using MnemoLite.Client;
using Scalar.AspNetCore;

namespace MnemoLite.Api.Security;

internal static class SecurityEndpoints
{
    /// <summary>Limits; and keys, where they are needed: beyond loopback, or by configuration. What is not needed is not in the way of a request.</summary>
    public static IHostApplicationBuilder AddSecurity(this IHostApplicationBuilder builder)
    {
        var auth = builder.AddSettings<AuthOptions>(AuthOptions.Section);
        var listening = new Listening(builder.Configuration);
        auth.Required |= listening.BeyondLoopback;
        builder.AddLimits(auth.Required);
        builder.Services.AddSingleton<SpaceStore>();
        if (!auth.Required)
        {
            builder.Services.Configure<RouteOptions>(routes => routes.SuppressCheckForUnhandledSecurityMetadata = true);
            return builder;
        }
        builder.Services.AddSingleton(listening);
        builder.Services.AddSingleton<KeyStore>();
        builder.Services.AddSingleton<KeyRing>();
        builder.Services.AddHostedService(services => services.GetRequiredService<KeyRing>());
        builder.Services.AddSingleton<FailedAttempts>();
        builder.Services.AddAuthentication(KeyAuthentication.Scheme)
            .AddScheme<AuthenticationSchemeOptions, KeyAuthentication>(KeyAuthentication.Scheme, configureOptions: null);
        var authorization = builder.Services.AddAuthorizationBuilder();
        foreach (var scope in Scopes.All)
            authorization.AddPolicy(scope, policy => policy.RequireClaim(KeyIdentity.ScopeClaim, scope));
        authorization.SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().RequireAssertion(MayGoOnWithoutScope).Build());
        return builder;
    }

    /// <summary>Who has no key, or one for less than is asked, comes no further than here; where no keys are required, who is not of this machine.</summary>
    public static void UseSecurity(this WebApplication app)
    {
        app.UseSecurityHeaders(ContentSecurityPolicy);
        var required = app.Services.GetRequiredService<IOptions<AuthOptions>>().Value.Required;
        var anyHost = required || app.Configuration["AllowedHosts"] is not (null or "*"); // by keys, or ASP.NET Core's own check
        app.Use((http, next) => OtherSite(http.Request, required, anyHost) is { } reason ? RefuseAsync(http, reason) : next(http));
        if (required)
            app.UseAuthentication();
        app.UseLimits();
        if (required)
            app.UseAuthorization();
    }

    /// <summary>Of the routes in the group, those that only have GET need the scope read and the others write, unless they say something else.</summary>
    public static RouteGroupBuilder RequireScopes(this RouteGroupBuilder group)
    {
        ((IEndpointConventionBuilder)group).Finally(route =>
        {
            if (!route.Metadata.Any(item => item is IAuthorizeData or IAllowAnonymous))
                route.Metadata.Add(new AuthorizeAttribute(OnlyReads(route.Metadata) ? Scopes.Read : Scopes.Write));
        });
        return group;
    }

    public static void MapAccess(this IEndpointRouteBuilder app)
    {
        app.MapGet("/v1/access", GetAccess).WithName("GetAccess").WithTags("Operations").WithSummary("What the key that was sent may do")
            .WithDescription("The key's id, name, scope (read, write, admin; each has those before it), until when it is good and the spaces it is bound to. Where no keys are required, "
                + "anyone may do anything.");
        app.MapGet("/v1/spaces", ListSpacesAsync).WithName("ListSpaces").WithTags("Operations").WithSummary("List the spaces that there are")
            .WithDescription("In which something is stored, in alphabetical order, and default; with a key that is bound to some, those.")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable);
    }

    /// <summary>
    /// Pages of other sites, in a browser on this machine, must not reach the memory, not even by a name of theirs that leads here (DNS rebinding).
    /// </summary>
    private static string? OtherSite(HttpRequest request, bool required, bool anyHost)
    {
        if (!anyHost && request.Host.HasValue && !Listening.IsLoopbackHost(request.Host.Host))
        {
            return $"Without keys the memory is for this machine, by the name localhost, not {request.Host.Host}: set Auth__Required=true to ask for "
                + "keys, or AllowedHosts to the names that are yours.";
        }
        var origin = request.Headers.Origin.ToString();
        return origin.Length == 0 || Uri.TryCreate(origin, UriKind.Absolute, out var site)
            && (site.IsLoopback || required && site.Authority.Equals(request.Host.Value, StringComparison.OrdinalIgnoreCase))
                ? null
                : "The memory is for agents and programs: a page of another origin may not use it.";
    }

    /// <summary>Answers are data, to be shown by no browser; but for the page that shows the API.</summary>
    private static string ContentSecurityPolicy(HttpContext http) =>
        http.Request.Path.StartsWithSegments("/scalar", StringComparison.Ordinal) && http.Items[ScalarOptions.NonceHttpContextItemKey] is string nonce
            ? $"default-src 'self'; script-src 'self' 'nonce-{nonce}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
                + "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
            : "default-src 'none'; frame-ancestors 'none'";

    private static Task RefuseAsync(HttpContext http, string reason) =>
        TypedResults.Problem(reason, statusCode: StatusCodes.Status403Forbidden).ExecuteAsync(http);

    private static Ok<Access> GetAccess(IOptions<AuthOptions> auth, ClaimsPrincipal user)
    {
        var key = (user.Identity as KeyIdentity)?.Key;
        return TypedResults.Ok(new Access(auth.Value.Required, key?.Scope ?? Scopes.Admin)
        {
            Id = key?.Id,
            Name = key?.Name,
            ExpiresAt = key?.ExpiresAt,
            Spaces = key?.Spaces?.Select(space => space.Name).ToArray(),
        });
    }

    private static async Task<Ok<SpaceList>> ListSpacesAsync(SpaceStore spaces, ClaimsPrincipal user, CancellationToken cancellationToken) =>
        TypedResults.Ok(new SpaceList([
            .. ((user.Identity as KeyIdentity)?.Key.Spaces?.Select(space => space.Name) ?? await spaces.ListAsync(cancellationToken))
                .Order(StringComparer.Ordinal),
        ]));

    private static bool OnlyReads(IList<object> metadata) =>
        metadata.OfType<IHttpMethodMetadata>().LastOrDefault() is { HttpMethods.Count: > 0 } methods
        && methods.HttpMethods.All(method => HttpMethods.IsGet(method) || HttpMethods.IsHead(method));

    /// <summary>Where no route is, there is nothing to keep: 404 is the answer. A route that was mapped without a scope is the owner's.</summary>
    private static bool MayGoOnWithoutScope(AuthorizationHandlerContext context) =>
        context.Resource is HttpContext http && http.GetEndpoint() is not RouteEndpoint || context.User.HasClaim(KeyIdentity.ScopeClaim, Scopes.Admin);
}
