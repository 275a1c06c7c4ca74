using System.Globalization;
using Bunit;
using Microsoft.AspNetCore.Components.Web;
using MnemoLite.Web.Components.Charts;

namespace MnemoLite.Tests.Unit.Web;

public sealed class TimeChartTests : IDisposable
{
    private readonly BunitContext _context = new();

    [Theory]
    [InlineData(0.3, 0.4)]
    [InlineData(1, 1)]
    [InlineData(3, 4)]
    [InlineData(62, 80)]
    [InlineData(100, 100)]
    [InlineData(101, 120)]
    [InlineData(124, 160)]
    [InlineData(201, 240)]
    public void The_scale_ends_at_a_round_number_of_which_half_is_round(double most, double top) =>
        Assert.Equal(top, TimeChart.Top(most), 0.0001);

    [Fact]
    public void A_bar_is_as_high_as_its_share_of_the_scale()
    {
        var bars = Render(isLine: false, 2, 0, 4, null).FindAll("rect");
        Assert.Equal([("50%", "50%"), ("0%", "100%")], bars.Select(bar => (bar.GetAttribute("y"), bar.GetAttribute("height"))));
        Assert.Equal(["4%", "54%"], bars.Select(bar => bar.GetAttribute("x")));
        Assert.All(bars, bar => Assert.Equal("17%", bar.GetAttribute("width")));
    }

    [Fact]
    public void A_line_has_a_gap_where_there_is_no_value()
    {
        var chart = Render(isLine: true, 4, 2, null, 1);
        Assert.Equal("M0.5 0L1.5 50 M3.2 75h0.6", chart.Find(".line").GetAttribute("d"));
        Assert.Equal("M0.5 100L0.5 0L1.5 50L1.5 100Z", chart.Find(".area").GetAttribute("d"));
    }

    [Fact]
    public void A_limit_is_drawn_where_it_is_within_the_scale()
    {
        Assert.Empty(Render(isLine: true, 3).FindAll(".limit"));
        Assert.Equal("37.5%", Render(isLine: true, 6, 8).Find(".limit").GetAttribute("y1"));
    }

    [Fact]
    public void The_keys_go_from_value_to_value_and_each_is_spoken()
    {
        var chart = Render(isLine: false, 1, 2, 3);
        foreach (var (key, spoken) in new[] { ("ArrowLeft", "c: 3"), ("ArrowLeft", "b: 2"), ("ArrowRight", "c: 3"), ("ArrowRight", "c: 3"), ("Escape", ""), ("ArrowRight", "a: 1") })
        {
            chart.Find(".plot").KeyDown(new KeyboardEventArgs { Key = key });
            Assert.Equal(spoken, chart.Find(".spoken").TextContent);
        }
        Assert.Equal("1 a", chart.Find(".is-current").TextContent);
        Assert.Equal(["a1", "b2", "c3"], chart.FindAll("tbody tr").Select(row => row.TextContent));
        Assert.Contains("The highest is 3.", chart.Find(".plot").GetAttribute("aria-label"), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_any_value_it_says_so() =>
        Assert.Contains("no values yet", Render(isLine: true, null, null).Find(".plot").GetAttribute("aria-label"), StringComparison.Ordinal);

    public void Dispose() => _context.Dispose();

    private IRenderedComponent<TimeChart> Render(bool isLine, params double?[] values) => _context.Render<TimeChart>(chart => chart
        .Add(c => c.Label, "Values").Add(c => c.Unit, "Value").Add(c => c.IsLine, isLine).Add(c => c.LeastTop, 0.1).Add(c => c.Limit, 5)
        .Add(c => c.Format, value => value?.ToString("0.##", CultureInfo.InvariantCulture) ?? "–")
        .Add(c => c.Points, [.. values.Select((value, i) => new ChartPoint(((char)('a' + i)).ToString(), value))]));
}
