using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using MnemoLite.Client;

namespace MnemoLite.Cli.Keys;

/// <summary>The commands <c>keys create</c>, <c>keys list</c> and <c>keys revoke</c>.</summary>
internal static class KeysCommand
{
    private static readonly Option<string?> Connection = new("--connection")
    {
        Description = "A database that 'up' did not start, as PostgreSQL's connection string for .NET; instead of --data.",
        HelpName = "STRING",
    };

    public static Command Create() =>
        new("keys", "Make, list and revoke the keys that the API and the dashboard ask for (docs/security.md).") { CreateCreate(), CreateList(), CreateRevoke() };

    private static Command CreateCreate()
    {
        var name = new Argument<string>("name") { Description = "Whose it is, or what for.", HelpName = "NAME" };
        var scope = new Option<string>("--scope") { Description = "What it allows; each has those before it.", Required = true };
        scope.AcceptOnlyFromAmong([.. Scopes.All]);
        var expires = new Option<DateTimeOffset?>("--expires")
        {
            Description = "The end of its days: a date or time (UTC), or a number of days such as 90d. Without it: when it is revoked.",
            HelpName = "WHEN",
            CustomParser = ReadExpiry,
        };
        var spaces = new Option<string[]>("--space")
        {
            Description = "A space it is bound to, as often as there are spaces; the first is where it is if it says nothing else. Without it: any.",
            HelpName = "SPACE",
        };
        spaces.Validators.Add(result =>
        {
            foreach (var space in result.Tokens.Select(token => token.Value).Where(space => !Spaces.IsName(space)))
                result.AddError($"'{space}' is no name of a space: it has {Spaces.NameRule}.");
        });
        var command = new Command("create", "Make a key. It is printed once and stored nowhere.") { name, scope, expires, spaces, DataFolder.Option, Connection };
        command.Validators.Add(result =>
        {
            if (result.GetValue(scope) == Scopes.Admin && result.GetValue(spaces) is { Length: > 0 })
                result.AddError("A key with the scope admin concerns everyone: it cannot be bound to spaces. Take write.");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var key = await Store(parsed).CreateAsync(
                parsed.GetValue(name)!, parsed.GetValue(scope)!, parsed.GetValue(expires),
                parsed.GetValue(spaces) is { Length: > 0 } bound ? [.. bound.Distinct()] : null, cancellationToken);
            await parsed.InvocationConfiguration.Error.WriteLineAsync("The key; it cannot be shown again. Programs send it as Authorization: Bearer KEY, people sign in with it.");
            await parsed.InvocationConfiguration.Output.WriteLineAsync(key);
        });
        return command;
    }

    private static Command CreateList()
    {
        var command = new Command("list", "List all keys; not the keys themselves, which nobody has.") { DataFolder.Option, Connection };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var now = TimeProvider.System.GetUtcNow();
            var rows = (await Store(parsed).ListAsync(cancellationToken)).Select(key => new[]
            {
                key.Id, key.Name, key.Scope, string.Join(",", key.Spaces ?? ["any"]), key.State(now), Day(key.CreatedAt), Day(key.LastUsedAt), Day(key.ExpiresAt),
            });
            await PrintAsync(parsed.InvocationConfiguration.Output, [["ID", "NAME", "SCOPE", "SPACES", "STATE", "CREATED", "LAST USED", "EXPIRES"], .. rows]);
        });
        return command;
    }

    private static Command CreateRevoke()
    {
        var id = new Argument<string>("id") { Description = "The key's id, as 'keys list' shows it.", HelpName = "ID" };
        var command = new Command("revoke", "Revoke a key: within five seconds it opens nothing any more.") { id, DataFolder.Option, Connection };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!await Store(parsed).RevokeAsync(parsed.GetValue(id)!, cancellationToken))
                throw new CommandException($"There is no key {parsed.GetValue(id)} that could be revoked; './mnemolite keys list' shows them.");
            Terminal.Ok($"{parsed.GetValue(id)} is revoked");
        });
        return command;
    }

    private static KeyStore Store(ParseResult parsed) => new(parsed.GetValue(Connection) ?? parsed.GetValue(DataFolder.Option)!.GetConnectionString());

    private static DateTimeOffset? ReadExpiry(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        var now = TimeProvider.System.GetUtcNow();
        DateTimeOffset? time =
            text.EndsWith('d') && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days < 100_000 ? now.AddDays(days)
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var given) ? given
            : null;
        if (time is null || time <= now)
            result.AddError($"--expires needs a time to come, such as 2031-01-31 or 90d, not '{text}'.");
        return time;
    }

    private static string Day(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture) ?? "-";

    private static async Task PrintAsync(TextWriter output, IReadOnlyList<string[]> rows)
    {
        foreach (var row in rows)
            await output.WriteLineAsync(string.Join("  ", row.Select((cell, column) => cell.PadRight(rows.Max(other => other[column].Length)))).TrimEnd());
    }
}
