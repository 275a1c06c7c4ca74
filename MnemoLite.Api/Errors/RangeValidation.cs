using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace MnemoLite.Api.Errors;

internal static class RangeValidation
{
    /// <summary>Refuses (422) arguments whose properties break their validation attributes, before the handler runs. A route that takes none is left as it is.</summary>
    public static RouteGroupBuilder ValidateArguments(this RouteGroupBuilder group) =>
        group.AddEndpointFilterFactory((route, next) =>
        {
            int[] places = [.. route.MethodInfo.GetParameters().Where(parameter => HasRules(parameter.ParameterType)).Select(parameter => parameter.Position)];
            return places.Length == 0 ? next : context =>
            {
                foreach (var place in places)
                {
                    if (context.Arguments[place] is { } argument)
                        Validate(argument);
                }
                return next(context);
            };
        });

    private static bool HasRules(Type type) => type.Namespace?.StartsWith(nameof(MnemoLite), StringComparison.Ordinal) == true
        && (typeof(IValidatableObject).IsAssignableFrom(type) || type.GetProperties().Any(property => property.IsDefined(typeof(ValidationAttribute), inherit: true)));

    /// <exception cref="InvalidRequestException">A property breaks its validation attributes.</exception>
    public static void Validate(object argument)
    {
        var results = new List<ValidationResult>();
        if (Validator.TryValidateObject(argument, new ValidationContext(argument), results, validateAllProperties: true))
            return;
        var errors = results
            .GroupBy(result => JsonNamingPolicy.SnakeCaseLower.ConvertName(result.MemberNames.FirstOrDefault() ?? "body"))
            .ToDictionary(field => field.Key, field => field.Select(result => result.ErrorMessage ?? "is not allowed").ToArray());
        throw new InvalidRequestException(
            string.Join(' ', errors.SelectMany(field => field.Value.Select(message => $"{field.Key} {message}."))), errors);
    }
}
