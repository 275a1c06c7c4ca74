using System.Reflection;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.AspNetCore.Http.Metadata;
using MnemoLite.Api.Errors;
using MnemoLite.Client;

namespace MnemoLite.Api.Security;

/// <summary>The space that a request is in. What is done in one never reads or changes what is in another.</summary>
/// <param name="Name">What it is called.</param>
/// <param name="IsBound">Whether who asks may go into no other: then PostgreSQL keeps every statement in it.</param>
internal sealed record Space(string Name, bool IsBound) : IEndpointParameterMetadataProvider
{
    /// <summary>Of who names none and is bound to none.</summary>
    public static readonly Space Default = new(Spaces.Default, IsBound: false);

    /// <summary>What the header of a request, and its key, say.</summary>
    /// <exception cref="InvalidRequestException">The header holds no name of a space.</exception>
    /// <exception cref="OtherSpaceException">The key is not bound to that space.</exception>
    public static Space Of(HttpContext http)
    {
        var header = http.Request.Headers[Spaces.Header];
        var user = http.Features.Get<IHttpAuthenticationFeature>()?.User; // where no keys are required there is none, and HttpContext.User would make one
        var own = (user?.Identity as KeyIdentity)?.Key.Spaces;
        if (header.Count == 0)
            return own?[0] ?? Default;
        var name = header.ToString();
        if (!Spaces.IsName(name))
            throw InvalidRequestException.Field(Spaces.Header, $"must be the name of a space: {Spaces.NameRule}");
        if (own is null)
            return name == Spaces.Default ? Default : new(name, IsBound: false);
        return Array.Find(own, space => space.Name == name) ?? throw new OtherSpaceException(own.Select(space => space.Name));
    }

    /// <summary>Binds the parameter of a route.</summary>
    public static ValueTask<Space> BindAsync(HttpContext http) => new(Of(http));

    /// <summary>Marks the route, for its description.</summary>
    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) => builder.Metadata.Add(new InSpaceMetadata());
}

/// <summary>A route that answers from one space.</summary>
internal sealed record InSpaceMetadata;

/// <summary>A request names a space that its key is not bound to.</summary>
internal sealed class OtherSpaceException(IEnumerable<string> own)
    : Exception($"This key is for no such space: it is for {string.Join(", ", own)}. Name one of them in {Spaces.Header}, or leave the header out.");

/// <summary>The space of a request that is handled out of reach of its route, as a tool is.</summary>
internal sealed class RequestSpace
{
    /// <summary>Set before the request is handled.</summary>
    public Space Space { get; set; } = null!;
}
