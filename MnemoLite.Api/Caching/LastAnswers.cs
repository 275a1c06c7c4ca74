using Microsoft.Extensions.Caching.Memory;

namespace MnemoLite.Api.Caching;

/// <summary>The last answers that were known, for when the database is away.</summary>
internal sealed class LastAnswers<TBasis>(int maxItems, TimeSpan keptFor, RecentWrites writes, TimeProvider clock) : IDisposable
    where TBasis : class, IAnswerBasis
{
    private readonly MemoryCache _answers = new(new MemoryCacheOptions { SizeLimit = maxItems });

    /// <summary>Keeps an answer in place of a former one.</summary>
    /// <param name="key">What was asked.</param>
    /// <param name="answer">The answer.</param>
    /// <param name="age">How old it is by now, or may be.</param>
    public void Keep(string key, CachedAnswer<TBasis> answer, TimeSpan age)
    {
        if (answer.Json is null || age >= keptFor)
            return;
        using var entry = _answers.CreateEntry(key);
        entry.Value = new Known(answer, age, clock.GetTimestamp());
        entry.AbsoluteExpirationRelativeToNow = keptFor - age;
        entry.Size = 1;
    }

    /// <summary>The last answer and its age, unless it is too old, or known to be wrong.</summary>
    public (CachedAnswer<TBasis> Answer, TimeSpan Age)? Find(string key)
    {
        if (!_answers.TryGetValue(key, out Known? known))
            return null;
        var age = known!.Age + clock.GetElapsedTime(known.Since); // by a clock that does not jump
        return age < keptFor && !writes.KnowOfChange(known.Answer) ? (known.Answer, age) : null;
    }

    public void Clear() => _answers.Clear();

    public void Dispose() => _answers.Dispose();

    private sealed record Known(CachedAnswer<TBasis> Answer, TimeSpan Age, long Since);
}
