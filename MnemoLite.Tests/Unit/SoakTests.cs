using System.Xml.Linq;
using MnemoLite.Bench.Load;
using MnemoLite.Bench.Soak;
using LoadOptions = MnemoLite.Bench.Load.LoadOptions;

namespace MnemoLite.Tests.Unit;

/// <summary>What a long run makes of what it looked at: a leak is found, noise is not taken for one.</summary>
public sealed class SoakTests
{
    private const double Minutes = 20;
    private const double MegabytesAnHour = 1 / 3600.0;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void A_leak_is_found_under_noise(int seed)
    {
        var noise = Noise(seed, 3);
        var trend = TrendOf(seconds => 250 + (100 * MegabytesAnHour * seconds) + noise());
        Assert.False(trend.IsFlat);
        Assert.Equal(100, trend.PerHour, trend.Margin);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Noise_around_a_level_is_flat(int seed)
    {
        var noise = Noise(seed, 10);
        Assert.True(TrendOf(_ => 250 + noise()).IsFlat);
    }

    [Fact]
    public void What_swings_slowly_is_flat()
    {
        var trend = TrendOf(seconds => 250 + (10 * Math.Sin(seconds / 240 * Math.Tau)));
        Assert.True(trend.IsFlat);
        Assert.True(trend.Margin > 20, "Neighbours that resemble each other tell little, which the margin has to say.");
    }

    [Fact]
    public void A_leak_in_steps_is_found() => Assert.False(TrendOf(seconds => 250 + (10 * Math.Floor(seconds / 90))).IsFlat);

    [Fact]
    public void A_descriptor_left_open_now_and_then_is_found() => Assert.False(TrendOf(seconds => 80 + Math.Floor(seconds / 30)).IsFlat);

    [Theory]
    [InlineData(12, true)] // 5 % of 250 is 12.5
    [InlineData(13, false)]
    public void Up_to_five_percent_of_the_level_an_hour_is_flat(double megabytes, bool isFlat)
    {
        var trend = TrendOf(seconds => 250 - (15 * 60 * megabytes * MegabytesAnHour) + (megabytes * MegabytesAnHour * seconds));
        Assert.Equal(isFlat, trend.IsFlat);
        Assert.Equal(megabytes, trend.PerHour, 1e-6);
    }

    [Fact]
    public void A_piece_more_is_no_leak_however_few_there_are() => Assert.True(TrendOf(seconds => seconds < 15 * 60 ? 4 : 5).IsFlat);

    [Fact]
    public void What_grows_only_while_it_gets_warm_is_flat() => Assert.True(TrendOf(seconds => Math.Min(100 + seconds, 400)).IsFlat);

    [Fact]
    public void What_gets_less_is_flat() => Assert.True(TrendOf(seconds => 500 - (seconds / 10)).IsFlat);

    [Fact]
    public void Few_points_give_no_verdict()
    {
        Assert.Null(Trend.OfSecondHalf([], 2));
        Assert.Null(Trend.OfSecondHalf([.. Points(seconds => seconds).Take(14)], 2));
    }

    [Fact]
    public void A_series_that_grows_misses_its_bar_unless_it_is_only_told()
    {
        var leak = new Series("memory", "API", "MB", IsJudged: true) { Points = Points(seconds => 250 + (seconds / 10)) };
        var row = leak.ToRow()!;
        Assert.Equal(("API, memory: growth", 360, "MB/h", false), (row.Name, row.Value, row.Unit, row.Passed!.Value));
        Assert.True((leak with { Points = Points(_ => 250) }).ToRow()!.Passed);
        Assert.Null((leak with { IsJudged = false }).ToRow()!.Passed);
        Assert.Null((leak with { Points = [] }).ToRow());
    }

    [Fact]
    public void The_page_and_the_picture_show_every_process()
    {
        var report = new Report
        {
            StartedAt = DateTimeOffset.UnixEpoch,
            Machine = new("Linux", ".NET", "A processor", 2, 16, LargePages: true),
            Store = new(50_000, 10_000, 50_000, "model"),
            Zipf = 1.2,
            Seed = 1,
            Series =
            [
                new("memory", "API", "MB", IsJudged: true) { Points = Points(_ => 250) },
                new("memory", "PostgreSQL", "MB", IsJudged: true) { Points = Points(_ => 100) },
                new("disk", "all", "MB", IsJudged: false) { Points = Points(seconds => seconds) },
            ],
        };
        var page = XDocument.Parse(HtmlReport.Write(report, new(null)));
        Assert.Equal(["Memory, MBAPIPostgreSQL", "Disk, MBall"], page.Descendants("figcaption").Select(caption => caption.Value));
        Assert.Equal(3, page.Descendants("path").Count(path => path.Attribute("class")!.Value.StartsWith("line", StringComparison.Ordinal)));

        XNamespace svg = "http://www.w3.org/2000/svg";
        var image = XDocument.Parse(SeriesCharts.WriteImage(report));
        Assert.All(image.Descendants(), element => Assert.Equal(svg, element.Name.Namespace));
        Assert.Contains(image.Descendants(svg + "tspan"), text => text.Value.EndsWith("PostgreSQL", StringComparison.Ordinal));
        Assert.DoesNotContain(image.Descendants(), element => element.Attributes().Any(attribute => attribute.Name.LocalName is "href" or "src"));
    }

    [Fact]
    public void A_soak_takes_half_of_the_load_for_twenty_minutes()
    {
        var options = LoadOptions.Read(["soak"]);
        Assert.Equal((50, 20), (options.Rate, options.Length.TotalMinutes));
        Assert.Equal(100, LoadOptions.Read(["open"]).Rate);
    }

    [Theory]
    [InlineData("'soak' is run alone", "paced", "soak")]
    [InlineData("'soak' looks at the processes", "soak", "--api", "http://localhost:1")]
    [InlineData("--minutes and --svg belong to 'soak'", "paced", "--svg", "x.svg")]
    [InlineData("--minutes needs a number from 2.5", "soak", "--minutes", "1")]
    public void A_wrong_command_line_is_told(string message, params string[] arguments) =>
        Assert.StartsWith(message, Assert.ThrowsAny<ArgumentException>(() => LoadOptions.Read(arguments)).Message, StringComparison.Ordinal);

    private static Trend TrendOf(Func<double, double> value) => Trend.OfSecondHalf(Points(value), 2)!;

    private static List<SeriesPoint> Points(Func<double, double> value) =>
        [.. Enumerable.Range(0, (int)(Minutes * 12) + 1).Select(place => place * 5.0).Select(seconds => new SeriesPoint(seconds, value(seconds)))];

    /// <summary>Of a given standard deviation, each value resembling the one before.</summary>
    private static Func<double> Noise(int seed, double deviation)
    {
        const double Resemblance = 0.5;
        var random = new Random(seed);
        var former = 0.0;
        return () =>
        {
            var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(Math.Tau * random.NextDouble());
            return deviation * (former = (Resemblance * former) + (Math.Sqrt(1 - (Resemblance * Resemblance)) * normal));
        };
    }
}
