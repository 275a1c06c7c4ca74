namespace MnemoLite.Bench.Retrieval;

/// <summary>How well one query, or the mean of many, was answered; each from 0 to 1, the best.</summary>
/// <param name="RecallAt1">Whether the first memory found answers it.</param>
/// <param name="RecallAt5">The part of the answers that are among the first five found, of as many as can be among them.</param>
/// <param name="ReciprocalRank">1 / the place of the first answer; 0 where none is among those found.</param>
/// <param name="Ndcg">
/// nDCG@10: the sum of (2^grade − 1) / log2(1 + place) over the first ten found, divided by that of the best order there is
/// (Järvelin, Kekäläinen: TOIS 2002; the gain as in Burges et al., ICML 2005).
/// </param>
public readonly record struct RetrievalMetrics(double RecallAt1, double RecallAt5, double ReciprocalRank, double Ndcg)
{
    private const int Answers = 2;

    /// <summary>Of one query.</summary>
    /// <param name="relevant">The grades: 2 answers it, 1 is of use.</param>
    /// <param name="found">Ids, the best first.</param>
    public static RetrievalMetrics Of(IReadOnlyDictionary<string, int> relevant, IReadOnlyList<string> found)
    {
        var answers = relevant.Count(grade => grade.Value == Answers);
        var grades = found.Take(10).Select(id => relevant.GetValueOrDefault(id)).ToArray();
        var first = Array.IndexOf(grades, Answers);
        return new(
            first == 0 ? 1 : 0,
            (double)grades.Take(5).Count(grade => grade == Answers) / Math.Min(5, answers),
            first < 0 ? 0 : 1.0 / (first + 1),
            Gain(grades) / Gain(relevant.Values.OrderDescending().Take(10)));
    }

    /// <summary>Of many.</summary>
    public static RetrievalMetrics Mean(IReadOnlyCollection<RetrievalMetrics> metrics) => new(
        metrics.Average(metric => metric.RecallAt1), metrics.Average(metric => metric.RecallAt5), metrics.Average(metric => metric.ReciprocalRank),
        metrics.Average(metric => metric.Ndcg));

    private static double Gain(IEnumerable<int> grades) => grades.Select((grade, place) => (Math.Pow(2, grade) - 1) / Math.Log2(place + 2)).Sum();
}
