using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Options;

namespace MnemoLite.Api;

/// <summary>Reads sections of the configuration into options and checks every value, so that a wrong one is told at start by its name.</summary>
internal static class Settings
{
    private static readonly object WrongKey = new();

    /// <summary>Registers a section as options. Values out of their <see cref="RangeAttribute"/> or of the wrong type are remembered for
    /// <see cref="FindWrongSettings"/>; the options then hold their defaults.</summary>
    public static TOptions AddSettings<TOptions>(this IHostApplicationBuilder builder, string section) where TOptions : class, new()
    {
        var options = new TOptions();
        var properties = typeof(TOptions).GetProperties();
        var wrong = new List<string>();
        foreach (var setting in builder.Configuration.GetSection(section).GetChildren())
        {
            if (properties.FirstOrDefault(property => property.Name.Equals(setting.Key, StringComparison.OrdinalIgnoreCase)) is not { } property)
                wrong.Add($"{section}:{setting.Key} is no setting: there are {string.Join(", ", properties.Select(property => property.Name))}.");
            else if (Read(setting, property) is { } value)
                property.SetValue(options, value);
            else
                wrong.Add($"{section}:{property.Name} is \"{setting.Value}\": it must be {Expected(property)}.");
        }
        if (wrong.Count == 0 && options is IValidatableObject checkable)
            wrong.AddRange(checkable.Validate(new(options)).Select(result => result.ErrorMessage!));
        if (wrong.Count > 0)
            builder.Properties[WrongKey] = FindWrongSettings(builder).Concat(wrong).ToArray();
        builder.Services.AddSingleton(Options.Create(options));
        return options;
    }

    /// <summary>What is wrong in the sections added so far, a sentence each.</summary>
    public static string[] FindWrongSettings(this IHostApplicationBuilder builder) =>
        builder.Properties.TryGetValue(WrongKey, out var wrong) ? (string[])wrong : [];

    private static object? Read(IConfigurationSection setting, PropertyInfo property)
    {
        try
        {
            var value = TypeDescriptor.GetConverter(property.PropertyType).ConvertFromInvariantString(setting.Value ?? "");
            return property.GetCustomAttribute<RangeAttribute>() is not { } range || range.IsValid(value) ? value : null;
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or NotSupportedException)
        {
            return null;
        }
    }

    private static string Expected(PropertyInfo property) =>
        property.GetCustomAttribute<RangeAttribute>() is { } range ? $"a number from {range.Minimum} to {range.Maximum}"
        : property.PropertyType.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(property.PropertyType))}"
        : $"a {property.PropertyType.Name}";
}
