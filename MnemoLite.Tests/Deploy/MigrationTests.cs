using System.Text.RegularExpressions;
using MnemoLite.Cli.Checks;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Deploy;

/// <summary>A release and the one before it run side by side, and after a rollback the former one again: both on the newer one's schema.</summary>
public sealed partial class MigrationTests(RunningApplication application)
{
    private const int LastBeforeReleases = 10;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<string> Scripts =>
        [.. Directory.GetFiles(Path.Combine(DeployTools.Root, "MnemoLite.Api", "Database", "Migrations"), "*.sql").Select(file => Path.GetFileName(file))];

    [Theory]
    [MemberData(nameof(Scripts))]
    public async Task A_migration_takes_nothing_away_that_the_former_release_uses(string script)
    {
        var sql = await File.ReadAllTextAsync(Path.Combine(DeployTools.Root, "MnemoLite.Api", "Database", "Migrations", script), Cancelled);
        if (int.Parse(script[..4], System.Globalization.CultureInfo.InvariantCulture) > LastBeforeReleases)
            Assert.Empty(TakenAway(sql));
    }

    [Theory]
    [InlineData("ALTER TABLE events DROP COLUMN words;")]
    [InlineData("alter table events rename column metadata to tags;")]
    [InlineData("DROP TABLE nodes;")]
    [InlineData("ALTER TABLE events ALTER COLUMN content TYPE text;")]
    [InlineData("ALTER TABLE events ALTER COLUMN space SET NOT NULL;")]
    [InlineData("ALTER TABLE events ADD COLUMN space text NOT NULL;")]
    public void What_would_break_the_former_release_is_seen(string sql) => Assert.Single(TakenAway(sql));

    [Theory]
    [InlineData("ALTER TABLE events ADD COLUMN space text NOT NULL DEFAULT 'default';")]
    [InlineData("CREATE TABLE keys (id uuid PRIMARY KEY, name text NOT NULL);")]
    [InlineData("-- DROP TABLE nodes;\nCREATE INDEX ON events (space);")]
    public void What_adds_to_it_is_not_held_back(string sql) => Assert.Empty(TakenAway(sql));

    [Fact]
    public async Task A_release_runs_on_the_schema_of_the_next_one()
    {
        await using var database = await OwnDatabase.CreateAsync(application);
        await using (var first = ApiProcess.Start(database.Setting))
            (await first.ConnectAsync(Cancelled)).Dispose();
        foreach (var table in await database.ExecuteAsync("SELECT format('%I', relname) FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace AND relname <> 'schemaversions'"))
            await database.ExecuteAsync($"ALTER TABLE {table} ADD COLUMN of_the_next jsonb NOT NULL DEFAULT '{{}}'");
        await database.ExecuteAsync("CREATE TABLE of_the_next (id uuid PRIMARY KEY); INSERT INTO schemaversions (scriptname, applied) VALUES ('MnemoLite.Api.Database.Migrations.9999_of_the_next.sql', now())");
        await using var former = ApiProcess.Start(database.Setting);
        using var http = await former.ConnectAsync(Cancelled);
        using var check = new SystemCheck(http.BaseAddress!, http.BaseAddress!);
        await check.FullAsync(Cancelled);
        Assert.Contains(check.List.Results, result => result.What == "It is found by meaning");
        Assert.DoesNotContain(check.List.Results, result => !result.Passed);
    }

    private static IEnumerable<string> TakenAway(string sql) => Taking().Matches(Comment().Replace(sql, "")).Select(match => match.Value);

    [GeneratedRegex(
        @"\b(DROP\s+(TABLE|COLUMN|VIEW|FUNCTION|TYPE)|RENAME\s+(TO|COLUMN)|ALTER\s+COLUMN\s+\S+\s+(SET\s+DATA\s+)?TYPE|SET\s+NOT\s+NULL|TRUNCATE|ADD\s+COLUMN\s+(?![^,;]*DEFAULT)[^,;]*NOT\s+NULL)\b",
        RegexOptions.IgnoreCase)]
    private static partial Regex Taking();

    [GeneratedRegex("--.*")]
    private static partial Regex Comment();
}
