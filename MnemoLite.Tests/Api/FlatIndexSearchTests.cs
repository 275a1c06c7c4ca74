using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
using MnemoLite.Api.Filters;
using MnemoLite.Api.Search;
using MnemoLite.Api.Security;
using MnemoLite.Bench.Load;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Api;

/// <summary>The nearest by the index in memory are right, whatever it has not heard of.</summary>
public sealed class FlatIndexSearchTests(RunningApplication app) : IAsyncLifetime
{
    private const int Count = 400, Looked = 20;
    private static readonly EmbeddingModel Model = new("use-lite-fp16", UseLiteModel.Dimension, InProcess: true);
    private static readonly float[][] Directions =
        [.. EmbeddingDirections.Load(Path.Combine(UseLiteEmbeddingGenerator.DefaultFolder, "directions.f16")).First.Chunk(UseLiteModel.Dimension)];
    private static readonly DateTimeOffset Start = new(2026, 5, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Random _random = new(11);
    private readonly Dictionary<Guid, float[]> _vectors = [];
    private readonly LiveFlatIndex _live = new();
    private readonly DatabaseCircuit _circuit = new(TimeProvider.System);
    private readonly SentStatements _sent = new();
    private OwnDatabase _database = null!;
    private NpgsqlDataSource _source = null!;
    private Reads _reads = null!;
    private ShortForms _forms = null!;
    private FlatIndexStore _store = null!;
    private SearchStore _search = null!;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _database = await OwnDatabase.CreateAsync(app);
        await _database.ExecuteAsync($"""
            INSERT INTO store (embedding_model, dimension) VALUES ('{Model.Id}', {Model.Dimension});
            DO $$ BEGIN PERFORM begin_short_forms({Array(Directions.SelectMany(direction => direction))}, {Model.Dimension}); END $$;
            """);
        var rows = new float[Directions.Length, Model.Dimension];
        Buffer.BlockCopy(Directions.SelectMany(direction => direction).ToArray(), 0, rows, 0, rows.Length * sizeof(float));
        _forms = new(rows);
        var connection = new NpgsqlConnectionStringBuilder(_database.ConnectionString) { Options = ReferenceServer.SessionOptions };
        _source = new NpgsqlDataSourceBuilder(connection.ConnectionString).UseLoggerFactory(_sent).Build();
        _reads = new(_source, _source, new WriteHorizon(), _circuit, TimeProvider.System, NullLogger<Reads>.Instance);
        _store = new(_source, new WriteHorizon());
        var partitions = new EventPartitions(_source);
        _search = new(_reads, new WordStore(), new NearestStore(partitions, _live), partitions);
        await StoreAsync(Spaces.Default, Count);
        await LoadAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _reads.Dispose();
        await _source.DisposeAsync();
        _circuit.Dispose();
        await _database.DisposeAsync();
    }

    [Fact]
    public async Task What_was_written_since_is_found_and_what_was_deleted_is_not()
    {
        var question = Vector();
        await AssertRightAsync(question, isFromMemory: true);

        var created = await StoreAsync(Spaces.Default, Like(question));
        await AssertRightAsync(question, isFromMemory: true, first: created);

        _vectors[created] = Vector();
        await ExecuteAsync($"UPDATE events SET embedding = {Array(_vectors[created])}::vector WHERE id = '{created}'");
        var far = _vectors.MinBy(one => Likeness(one.Value, question)).Key;
        _vectors[far] = Like(question);
        await ExecuteAsync($"UPDATE events SET embedding = {Array(_vectors[far])}::vector WHERE id = '{far}'");
        await AssertRightAsync(question, isFromMemory: true, first: far);

        foreach (var near in _vectors.OrderByDescending(one => Likeness(one.Value, question)).Take(15).Select(one => one.Key).ToList())
        {
            _vectors.Remove(near);
            await ExecuteAsync($"DELETE FROM events WHERE id = '{near}'");
        }
        await AssertRightAsync(question, isFromMemory: true);

        Assert.True(await _store.CatchUpAsync(_live.Current!, Cancelled));
        Assert.Equal(_vectors.Count, _live.Current!.Count);
        await AssertRightAsync(question, isFromMemory: true);
    }

    [Fact]
    public async Task What_was_being_written_while_it_was_read_is_found_once_it_is_committed_and_not_before()
    {
        var question = Vector();
        await using var connection = await _source.OpenConnectionAsync(Cancelled);
        await using var transaction = await connection.BeginTransactionAsync(Cancelled);
        var vector = Like(question);
        var created = await StoreAsync(connection, Spaces.Default, vector);
        await StoreAsync(Spaces.Default, Like(question)); // later, and committed before
        await LoadAsync();
        await AssertRightAsync(question, isFromMemory: true);
        Assert.True(await _store.CatchUpAsync(_live.Current!, Cancelled));
        await AssertRightAsync(question, isFromMemory: true);

        await transaction.CommitAsync(Cancelled);
        _vectors[created] = vector;
        await AssertRightAsync(question, isFromMemory: true);
        Assert.True(await _store.CatchUpAsync(_live.Current!, Cancelled));
        await AssertRightAsync(question, isFromMemory: true);
    }

    [Fact]
    public async Task With_too_much_that_it_has_not_heard_of_the_database_answers_and_it_is_told()
    {
        var question = Vector();
        var seen = _live.Current!.Snapshot;
        await StoreAsync(Spaces.Default, Like(question));
        await AddChangesAsync(1000);
        await AssertRightAsync(question, isFromMemory: false);
        await _live.WaitAsync(TimeSpan.FromMinutes(5), TimeProvider.System, Cancelled).WaitAsync(TimeSpan.FromSeconds(30), Cancelled);
        Assert.False(_live.IsIncomplete);
        Assert.True(await _store.CatchUpAsync(_live.Current!, Cancelled));
        Assert.NotEqual(seen, _live.Current!.Snapshot);
        await AssertRightAsync(question, isFromMemory: true);

        await AddChangesAsync(5001);
        Assert.False(await _store.CatchUpAsync(_live.Current!, Cancelled));
        await LoadAsync();
        await AssertRightAsync(question, isFromMemory: true);
    }

    [Fact]
    public async Task Where_events_went_without_a_word_the_database_answers_and_it_is_read_anew()
    {
        var question = Vector();
        foreach (var near in _vectors.OrderByDescending(one => Likeness(one.Value, question)).Take(100).Select(one => one.Key).ToList())
            _vectors.Remove(near);
        await ExecuteAsync($"""
            ALTER TABLE events DISABLE TRIGGER events_deleted;
            DELETE FROM events WHERE id <> ALL ('{_vectors.Keys.ToArray().Aggregate("{", (all, id) => all.Length == 1 ? $"{all}{id}" : $"{all},{id}")}{"}"}');
            ALTER TABLE events ENABLE TRIGGER events_deleted;
            """);
        await AssertRightAsync(question, isFromMemory: false);
        Assert.True(_live.IsIncomplete);
        await LoadAsync();
        Assert.False(_live.IsIncomplete);
        await AssertRightAsync(question, isFromMemory: true);
    }

    [Fact]
    public async Task A_bound_request_finds_what_is_in_its_space_and_no_other()
    {
        var question = Vector();
        var others = _vectors.ToList();
        _vectors.Clear();
        await StoreAsync("mine", 200);
        await LoadAsync();
        await StoreAsync("mine", Like(question));
        await ExecuteAsync($"INSERT INTO events (id, space, timestamp, content, embedding) VALUES (gen_random_uuid(), 'other', now(), '{"{}"}', {Array(Like(question))}::vector)");
        var list = await FindAsync(question, new("mine", IsBound: true), new());
        Assert.Equal(Nearest(question), list.Ids[..Looked]);
        Assert.True(IsFromMemory());
        Assert.Empty(others.Select(other => other.Key).Intersect(list.Ids));
    }

    [Fact]
    public async Task Of_a_time_only_what_is_in_it_is_found()
    {
        var question = Vector();
        var created = await StoreAsync(Spaces.Default, Like(question)); // at the start, as the first
        foreach (var late in _vectors.Keys.Skip(250).Where(id => id != created).ToList())
            _vectors.Remove(late);
        var list = await FindAsync(question, Space.Default, new() { TsEnd = Start.AddSeconds(249) });
        Assert.Equal(Nearest(question), list.Ids[..Looked]);
        Assert.True(IsFromMemory());
    }

    [Theory]
    [InlineData("""{"metadata": {"kind": "one"}}""")]
    [InlineData("""{"filter": {"kind": {"$in": ["one", "two"]}}}""")]
    public async Task Of_metadata_that_many_have_the_nearest_are_found_in_memory(string asked)
    {
        var request = JsonSerializer.Deserialize(asked, MnemoLiteJson.Default.SearchRequest)!;
        var others = _vectors.Keys.ToList();
        await StoreAsync(new { kind = "one" }, Vectors(NearestStore.ComparedOneByOne + 200));
        others.ForEach(id => _vectors.Remove(id));
        await LoadAsync();
        for (var round = 0; round < 3; round++)
        {
            var question = Vector();
            _vectors.Remove(await StoreAsync(Spaces.Default, Like(question))); // its metadata is another
            await StoreAsync(new { kind = "one" }, [Like(question)]);
            var list = await FindAsync(question, Space.Default, request);
            Assert.Equal(Nearest(question), list.Ids[..Looked]);
            Assert.True(WasSent("filtered") && !WasSent("by_index"));
            Assert.Equal(round == 0, WasSent("passing")); // that they are many has to be found out once
        }
    }

    [Fact]
    public async Task Where_all_that_have_the_metadata_are_far_from_the_question_each_is_compared()
    {
        var question = Vector();
        await StoreAsync(new { }, Vectors(1000, () => Like(question)));
        _vectors.Clear();
        await StoreAsync(new { kind = "one" }, Vectors(NearestStore.ComparedOneByOne + 200));
        await LoadAsync();
        var list = await FindAsync(question, Space.Default, new() { Metadata = JsonText.From(new { kind = "one" }) });
        Assert.Equal(Nearest(question), list.Ids[..Looked]);
        Assert.True(WasSent("filtered") && !WasSent("by_index"));
        Assert.False(_live.IsIncomplete);
    }

    [Fact]
    public async Task Many_embeddings_without_short_form_are_found_beside_those_in_memory()
    {
        await StoreAsync(new { }, Vectors(FlatIndex.MostWithoutForm + 10, Foreign));
        await LoadAsync();
        foreach (var question in Vectors(5, Foreign).Concat(Vectors(5)))
        {
            var list = await FindAsync(question, Space.Default, new());
            Assert.Equal(Nearest(question), list.Ids[..Looked]);
            Assert.True(WasSent("unheard") && !WasSent("passing"));
        }
    }

    [Fact]
    public async Task A_store_that_has_an_index_is_searched_by_it_where_nothing_is_in_memory()
    {
        await StoreAsync(new { kind = "one" }, Vectors(NearestStore.ComparedOneByOne + 200));
        await ExecuteAsync("CREATE INDEX events_embedding_short ON events USING hnsw (embedding_short halfvec_cosine_ops) WITH (m = 12, ef_construction = 400)");
        _live.Current = null;
        foreach (var request in (SearchRequest[])[new(), new() { Metadata = JsonText.From(new { kind = "one" }) }])
        {
            var found = 0;
            foreach (var vector in _vectors.Values.TakeLast(20).ToList())
            {
                var question = Like(vector);
                var list = await FindAsync(question, Space.Default, request, hasIndex: true);
                found += Nearest(question).Intersect(list.Ids[..Looked]).Count();
                Assert.True(WasSent("by_index"));
            }
            Assert.True(found >= 0.9 * 20 * Looked, $"{found} of {20 * Looked}");
        }
    }

    [Fact]
    public async Task A_store_that_was_restored_on_another_server_is_searched_in_memory_as_any()
    {
        await ExecuteAsync("""
            INSERT INTO embedding_changes (xid, space, id)
            SELECT ((pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000)::text)::xid8, space, id FROM events;
            UPDATE store SET embedding_changes_since = ((pg_snapshot_xmax(pg_current_snapshot())::text::bigint + 1000000)::text)::xid8;
            """);
        await LoadAsync();
        var question = Vector();
        await AssertRightAsync(question, isFromMemory: false);

        await _store.ForgetAsync(null, Cancelled);
        await LoadAsync();
        await AssertRightAsync(question, isFromMemory: true);
        Assert.Equal([Count.ToString(CultureInfo.InvariantCulture)], await _database.ExecuteAsync("SELECT count(*) FROM embedding_changes"));
    }

    [Fact]
    public async Task What_every_instance_has_heard_of_is_forgotten_and_one_that_has_not_reads_everything_anew()
    {
        var question = Vector();
        await StoreAsync(Spaces.Default, Like(question));
        var now = "";
        await Eventually.UntilAsync(async () => // what runs in another database of the server may be older
        {
            now = await _store.ForgetAsync(null, Cancelled);
            return await _database.ExecuteAsync($"SELECT count(*) FROM embedding_changes WHERE xid >= pg_snapshot_xmin('{now}')") is ["0"];
        });
        await StoreAsync(Spaces.Default, Like(question));
        await _store.ForgetAsync(now, Cancelled);
        Assert.Equal(["1"], await _database.ExecuteAsync("SELECT count(*) FROM embedding_changes"));

        await AssertRightAsync(question, isFromMemory: false);
        Assert.False(await _store.CatchUpAsync(_live.Current!, Cancelled));
        await LoadAsync();
        await AssertRightAsync(question, isFromMemory: true);
    }

    [Fact]
    public async Task A_store_of_many_events_is_searched_by_the_database()
    {
        await ExecuteAsync($$"""
            INSERT INTO events (id, timestamp, content)
            SELECT gen_random_uuid(), now(), '{}' FROM generate_series(1, {{FlatIndex.MostEvents - Count}})
            """);
        Assert.Equal(Count, (await _store.LoadAsync(Model, _forms, Cancelled))!.Count);
        await ExecuteAsync("INSERT INTO events (id, timestamp, content) VALUES (gen_random_uuid(), now(), '{}')");
        Assert.Null(await _store.LoadAsync(Model, _forms, Cancelled));
    }

    /// <summary>Of events that are gone again.</summary>
    private async Task AddChangesAsync(int count) =>
        await ExecuteAsync($"INSERT INTO embedding_changes (space, id) SELECT '{Spaces.Default}', gen_random_uuid() FROM generate_series(1, {count})");

    private async Task AssertRightAsync(float[] question, bool isFromMemory, Guid? first = null)
    {
        var list = await FindAsync(question, Space.Default, new());
        Assert.Equal(Nearest(question), list.Ids[..Looked]);
        Assert.True(list.HasMore);
        Assert.Equal(isFromMemory, IsFromMemory());
        if (first is not null)
            Assert.Equal(first, list.Ids[0]);
    }

    private async Task<NearestList> FindAsync(float[] question, Space space, SearchRequest request, bool hasIndex = false)
    {
        _sent.All.Clear();
        NearestList? found = null;
        await _search.FindNearestAsync(
            new(space, SpaceStatistics.All with { HasIndex = hasIndex }, request, request.Filter is { } filter ? Filter.Parse(filter, "filter") : null, question, null), Model, _forms,
            list =>
            {
                found = list;
                return null;
            },
            Cancelled);
        return found!;
    }

    private IEnumerable<Guid> Nearest(float[] question) => _vectors.OrderByDescending(one => Likeness(one.Value, question)).Take(Looked).Select(one => one.Key);

    private async Task LoadAsync() => _live.Current = await _store.LoadAsync(Model, _forms, Cancelled);

    private async Task StoreAsync(string space, int count)
    {
        await using var connection = await _source.OpenConnectionAsync(Cancelled);
        for (var i = 0; i < count; i++)
        {
            var vector = Vector();
            _vectors[await StoreAsync(connection, space, vector, i)] = vector;
        }
    }

    /// <summary>Stores events with some metadata, in the default space.</summary>
    private async Task StoreAsync(object metadata, IEnumerable<float[]> vectors)
    {
        await using var connection = await _source.OpenConnectionAsync(Cancelled);
        foreach (var chunk in vectors.Chunk(500))
        {
            Guid[] ids = [.. chunk.Select(_ => Guid.CreateVersion7())];
            await using var command = new NpgsqlCommand("""
                INSERT INTO events (id, timestamp, content, metadata, embedding)
                SELECT id, $1, '{}', $2::jsonb, (($4::real[])[(place - 1) * $5 + 1 : place * $5])::vector
                FROM unnest($3::uuid[]) WITH ORDINALITY AS given (id, place)
                """, connection);
            command.Parameters.Add(new() { Value = Start.UtcDateTime });
            command.Parameters.Add(new() { Value = JsonText.From(metadata).ToString() });
            command.Parameters.Add(new() { Value = ids });
            command.Parameters.Add(new() { Value = chunk.SelectMany(numbers => numbers).ToArray() });
            command.Parameters.Add(new() { Value = Model.Dimension });
            await command.ExecuteNonQueryAsync(Cancelled);
            foreach (var (id, vector) in ids.Zip(chunk))
                _vectors[id] = vector;
        }
    }

    private async Task<Guid> StoreAsync(string space, float[] vector)
    {
        await using var connection = await _source.OpenConnectionAsync(Cancelled);
        var id = await StoreAsync(connection, space, vector);
        _vectors[id] = vector;
        return id;
    }

    private static async Task<Guid> StoreAsync(NpgsqlConnection connection, string space, float[] vector, int second = 0)
    {
        var id = Guid.CreateVersion7();
        await using var command = new NpgsqlCommand("INSERT INTO events (id, space, timestamp, content, embedding) VALUES ($1, $2, $3, '{}', $4::vector)", connection);
        command.Parameters.Add(new() { Value = id });
        command.Parameters.Add(new() { Value = space });
        command.Parameters.Add(new() { Value = Start.AddSeconds(second).UtcDateTime });
        command.Parameters.Add(new() { Value = vector });
        await command.ExecuteNonQueryAsync(Cancelled);
        return id;
    }

    private Task<List<string>> ExecuteAsync(string sql) => _database.ExecuteAsync(sql);

    /// <summary>Of length 1, along the directions.</summary>
    private float[] Vector() => Along(Directions.Select(_ => _random.NextSingle() - 0.5f));

    private List<float[]> Vectors(int count, Func<float[]>? make = null) => [.. Enumerable.Range(0, count).Select(_ => (make ?? Vector)())];

    /// <summary>Of length 1, along any direction: it has no short form.</summary>
    private float[] Foreign()
    {
        var vector = Enumerable.Range(0, Model.Dimension).Select(_ => _random.NextSingle() - 0.5f).ToArray();
        TensorPrimitives.Divide(vector, TensorPrimitives.Norm<float>(vector), vector);
        return vector;
    }

    private float[] Like(float[] vector) => Along(Directions.Select(direction => TensorPrimitives.Dot<float>(direction, vector) + 0.02f * (_random.NextSingle() - 0.5f)));

    private static float[] Along(IEnumerable<float> coefficients)
    {
        var vector = new float[Model.Dimension];
        foreach (var (coefficient, direction) in coefficients.Zip(Directions))
            TensorPrimitives.MultiplyAdd(direction, coefficient, vector, vector);
        TensorPrimitives.Divide(vector, TensorPrimitives.Norm<float>(vector), vector);
        return vector;
    }

    private static float Likeness(float[] one, float[] other) => TensorPrimitives.CosineSimilarity<float>(one, other);

    private static string Array(IEnumerable<float> numbers) =>
        $"ARRAY[{string.Join(',', numbers.Select(number => number.ToString("R", CultureInfo.InvariantCulture)))}]::real[]";

    private bool IsFromMemory() => WasSent("unheard") && !WasSent("by_index") && !WasSent("passing");

    private bool WasSent(string part) => _sent.All.Exists(one => one.Sql.Contains(part, StringComparison.Ordinal));
}
