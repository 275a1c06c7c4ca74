using MnemoLite.Api.Operations;

namespace MnemoLite.Tests.Unit.Operations;

public sealed class StatementTextTests
{
    [Theory]
    [InlineData("SELECT id FROM events WHERE space = $1 LIMIT $12", "SELECT id FROM events WHERE space = $1 LIMIT $12")]
    [InlineData("SELECT 'secret', 42, -1.5e-3, .5", "SELECT ?, ?, -?, .?")]
    [InlineData("SELECT 'it''s secret' || 'a\\', 'secret'", "SELECT ? || ?, ?")]
    [InlineData("SELECT E'a\\'secret', e'\\\\', 'secret'", "SELECT ?, ?, ?")]
    [InlineData("SELECT $$secret$$, $a$secret $$ still$a$, U&'secret', x'5ec2e7'", "SELECT ?, ?, ?, ?")]
    [InlineData("SELECT 1 /* it's secret */ -- don't\n, 'secret'", "SELECT ? , ?")]
    [InlineData("SELECT \"it's 1\", t1.c2 FROM t1 WHERE c2 = 'secret", "SELECT \"it's 1\", t1.c2 FROM t1 WHERE c2 = ?")]
    public void A_statement_keeps_its_names_and_loses_its_values(string sql, string text) =>
        Assert.Equal(text, StatementText.WithoutValues(sql));

    [Fact]
    public void A_long_statement_is_cut() => Assert.Equal(2001, StatementText.WithoutValues($"SELECT {new string('a', 5000)}").Length);
}
