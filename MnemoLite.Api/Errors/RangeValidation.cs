using System.Collections.Concurrent;
using System.ComponentModel.DataAnnotations;
using System.Text.Json;

namespace MnemoLite.Api.Errors;

internal static class RangeValidation
{
    private static readonly ConcurrentDictionary<Type, bool> HasRules = new();

    /// <summary>Refuses (422) arguments whose properties break their validation attributes, before the handler runs.</summary>
    public static RouteGroupBuilder ValidateArguments(this RouteGroupBuilder group) =>
        group.AddEndpointFilter(async (context, next) =>
        {
            foreach (var argument in context.Arguments)
            {
                if (argument is not null && HasRules.GetOrAdd(argument.GetType(), FindRules))
                    Validate(argument);
            }
            return await next(context);
        });

    private static bool FindRules(Type type) => type.Namespace?.StartsWith(nameof(MnemoLite), StringComparison.Ordinal) == true
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
