using MnemoLite.Api.Database;
using MnemoLite.Api.Filters;
using MnemoLite.Api.Security;
using MnemoLite.Client;

namespace MnemoLite.Api.Search;

/// <summary>A search, checked and ready to be run.</summary>
/// <param name="Space">Where.</param>
/// <param name="Statistics">Of that space.</param>
/// <param name="Request">What was asked.</param>
/// <param name="Filter">The request's filter, read.</param>
/// <param name="Embedding">The query's meaning, where the search is by meaning.</param>
/// <param name="Keywords">The query's words, where the search is by words.</param>
internal sealed record SearchQuery(
    Space Space, SpaceStatistics Statistics, SearchRequest Request, Filter? Filter, float[]? Embedding, KeywordQuery? Keywords)
{
    /// <summary>How many of the best by meaning, and by words, a search looks at, at least; <c>total</c> counts those within the threshold.</summary>
    public const int FewestCandidates = 100;

    /// <summary>Whether the request leaves out any event.</summary>
    public bool IsFiltered => Filter is not null || Request.Metadata is not null || Request.TsStart is not null || Request.TsEnd is not null;

    /// <summary>Whether it leaves out any for its metadata.</summary>
    public bool FiltersMetadata => Filter is not null || Request.Metadata is not null;

    /// <summary>Whether the space has no more events than are compared one by one.</summary>
    public bool HasFewEvents => HasAtMost(NearestStore.ComparedOneByOne);

    /// <summary>Whether the space is known to have no more events than this.</summary>
    public bool HasAtMost(int events) => !Statistics.IsAll && Statistics.Events <= events;

    /// <summary>Whether those that pass are known to be as few as are compared in the order of an index: those of a time, or of a small space.</summary>
    public bool IsOfFew => !FiltersMetadata
        && (HasAtMost(NearestStore.ComparedOneByOneInIndex) || (IsFiltered && (Request.TsStart ?? DateTimeOffset.MinValue) >= Statistics.FewSince));

    /// <summary>Whether those that pass are known to be more than that: those of a time that goes back further, and to now.</summary>
    public bool IsOfMany => !FiltersMetadata && Request.TsEnd is null
        && Request.TsStart is { } start && Statistics.FewSince < DateTimeOffset.MaxValue && start < Statistics.FewSince;

    /// <summary>Whether what an index is for is to be looked up by ids: reading all events of the space instead would take long.</summary>
    public bool LooksUpIds => Space.IsBound && !HasFewEvents;

    /// <summary>
    /// Whether events that have the words are to be found by these alone, and those of the space among them: where it has many of all events and nothing
    /// is filtered. One plan is good for all values then.
    /// </summary>
    public bool FindsByWordsAlone => !IsFiltered && (LooksUpIds || HasManyEvents);

    /// <summary>
    /// The same where metadata or a time is filtered, unless even the rarest word is in many events. Elsewhere PostgreSQL weighs words, filter and space
    /// against each other, each time.
    /// </summary>
    public bool FindsByWordsFirst => IsFiltered && Filter is null && !Space.IsBound && HasManyEvents && Keywords is { HasOperators: false };

    private bool HasManyEvents => Statistics.IsAll || (!HasFewEvents && Statistics.Share >= 0.25);

    /// <summary>How far down the page reaches.</summary>
    public int Depth => Request.Offset + Request.Limit;

    /// <summary>How many of the best it looks at.</summary>
    public int Candidates => Math.Max(FewestCandidates, Depth);

    /// <summary>How many a list has at most. Known to the planner.</summary>
    public int Listed => Candidates + SearchLists.Reserve;

    /// <summary>Whether its statements differ from those of most searches by their values only, so that they are worth being prepared.</summary>
    public bool IsOfFirstPages => Depth <= FewestCandidates;

    /// <summary>Whether metadata and times that are filtered, in the one space there is, make no difference to how the events are best found.</summary>
    public bool HasOnePlanFiltered => Filter is null && Statistics.IsAll;

    /// <summary>Adds the conditions of the events that pass.</summary>
    public SqlConditions AddTo(SqlConditions where) => AddTo(where, LooksUpIds);

    /// <summary>The same, and says whether what an index is for is to be looked up by ids.</summary>
    public SqlConditions AddTo(SqlConditions where, bool byIds) => where.AddEventConditions(Space, Request.Metadata, Filter, Request.TsStart, Request.TsEnd, byIds);
}
