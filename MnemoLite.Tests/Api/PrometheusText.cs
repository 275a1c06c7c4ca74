using System.Globalization;
using System.Text.RegularExpressions;

namespace MnemoLite.Tests.Api;

/// <summary>Reads Prometheus' text format (0.0.4) and refuses what breaks its rules.</summary>
internal sealed partial class PrometheusText
{
    private readonly List<Sample> _samples = [];

    public IReadOnlyList<Sample> Samples => _samples;

    public static PrometheusText Parse(string text)
    {
        Require(text.EndsWith('\n'), "the last line does not end");
        var parsed = new PrometheusText();
        var types = new Dictionary<string, string>();
        var helps = new HashSet<string>();
        var finished = new HashSet<string>();
        var series = new HashSet<string>();
        string? family = null;
        foreach (var line in text.Split('\n')[..^1])
        {
            if (Comment().Match(line) is { Success: true } comment)
            {
                Enter(comment.Groups["name"].Value, line);
                if (comment.Groups["kind"].Value == "TYPE")
                {
                    Require(comment.Groups["rest"].Value is "counter" or "gauge" or "histogram" or "summary" or "untyped", line);
                    Require(types.TryAdd(family!, comment.Groups["rest"].Value), $"a second TYPE: {line}");
                    Require(!parsed._samples.Any(sample => sample.Family == family), $"TYPE after a sample: {line}");
                }
                else
                {
                    Require(helps.Add(family!), $"a second HELP: {line}");
                }
            }
            else if (line.Length > 0 && !line.StartsWith('#'))
            {
                var sample = ReadSample(line, types);
                Enter(sample.Family, line);
                Require(series.Add(sample.Series), $"the same series twice: {line}");
                parsed._samples.Add(sample);
            }
        }
        foreach (var name in types.Where(type => type.Value == "histogram").Select(type => type.Key))
            parsed.CheckHistogram(name);
        foreach (var sample in parsed._samples.Where(sample => types[sample.Family] == "counter"))
            Require(sample.Value >= 0, $"a counter below 0: {sample.Series}");
        return parsed;

        void Enter(string name, string line) // all lines of a family stand together
        {
            if (name == family)
                return;
            if (family is not null)
                finished.Add(family);
            Require(!finished.Contains(name), $"{name} is in two places: {line}");
            family = name;
        }
    }

    /// <summary>The value of the one sample of that name and with these labels.</summary>
    public double Single(string name, params (string Name, string Value)[] labels) =>
        Assert.Single(_samples, sample => sample.Name == name && labels.All(label => sample.Labels.GetValueOrDefault(label.Name) == label.Value)).Value;

    private static Sample ReadSample(string line, Dictionary<string, string> types)
    {
        var match = Line().Match(line);
        Require(match.Success, $"no sample: {line}");
        var name = match.Groups["name"].Value;
        var labels = new Dictionary<string, string>();
        for (var i = 0; i < match.Groups["label"].Captures.Count; i++)
            Require(labels.TryAdd(match.Groups["label"].Captures[i].Value, match.Groups["value"].Captures[i].Value), $"a label twice: {line}");
        var number = match.Groups["number"].Value;
        var value = number switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            "NaN" => double.NaN,
            _ => double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture),
        };
        var family = Suffix().Replace(name, "") is var stem && types.GetValueOrDefault(stem) == "histogram" ? stem : name;
        Require(types.ContainsKey(family), $"no TYPE: {line}");
        Require(types[family] != "histogram" || family != name, $"a histogram has buckets, a sum and a count only: {line}");
        Require((family != name && name.EndsWith("_bucket", StringComparison.Ordinal)) == labels.ContainsKey("le"), $"le is of buckets: {line}");
        return new(name, family, labels, value);
    }

    private void CheckHistogram(string family)
    {
        foreach (var histogram in _samples.Where(sample => sample.Family == family).GroupBy(sample => sample.Key))
        {
            var buckets = histogram.Where(sample => sample.Name == $"{family}_bucket").ToList();
            var bounds = buckets.ConvertAll(bucket => bucket.Labels["le"] == "+Inf"
                ? double.PositiveInfinity
                : double.Parse(bucket.Labels["le"], NumberStyles.Float, CultureInfo.InvariantCulture));
            Require(bounds.Count > 1 && double.IsPositiveInfinity(bounds[^1]), $"no bucket of +Inf: {histogram.Key}");
            Require(bounds.Zip(bounds.Skip(1)).All(pair => pair.First < pair.Second), $"bounds that do not rise: {histogram.Key}");
            Require(buckets.Zip(buckets.Skip(1)).All(pair => pair.First.Value <= pair.Second.Value), $"counts that fall: {histogram.Key}");
            Require(buckets[^1].Value == histogram.Single(sample => sample.Name == $"{family}_count").Value, $"another count: {histogram.Key}");
            Require(histogram.Any(sample => sample.Name == $"{family}_sum"), $"no sum: {histogram.Key}");
        }
    }

    private static void Require(bool holds, string otherwise)
    {
        if (!holds)
            throw new FormatException(otherwise);
    }

    [GeneratedRegex("^# (?<kind>HELP|TYPE) (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?: (?<rest>.*))?$")]
    private static partial Regex Comment();

    [GeneratedRegex("""
        ^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)
        (?:\{(?:(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\\n]|\\[\\"n])*)"(?:,(?=[a-zA-Z_])|(?=\})))*\})?
        \x20(?<number>[+-]Inf|NaN|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?:\x20-?\d+)?$
        """, RegexOptions.IgnorePatternWhitespace)]
    private static partial Regex Line();

    [GeneratedRegex("_(?:bucket|sum|count)$")]
    private static partial Regex Suffix();

    internal sealed record Sample(string Name, string Family, IReadOnlyDictionary<string, string> Labels, double Value)
    {
        /// <summary>The labels, but for a bucket's bound.</summary>
        public string Key => string.Join(',', Labels.Where(label => label.Key != "le").OrderBy(label => label.Key, StringComparer.Ordinal));

        public string Series => $"{Name}{{{Key},{Labels.GetValueOrDefault("le")}}}";
    }
}
