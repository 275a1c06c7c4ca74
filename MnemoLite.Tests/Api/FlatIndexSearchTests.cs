using System.Globalization;
using System.Numerics.Tensors;
using Microsoft.Extensions.Logging.Abstractions;
using MnemoLite.Api.Database;
using MnemoLite.Api.Embeddings;
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

    private async Task<NearestList> FindAsync(float[] question, Space space, SearchRequest request)
    {
        _sent.All.Clear();
        NearestList? found = null;
        var partitions = new EventPartitions(_source);
        var search = new SearchStore(_reads, new WordStore(), new NearestStore(partitions, _live), partitions);
        await search.FindNearestAsync(
            new(space, SpaceStatistics.All, request, null, question, null), Model, _forms,
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
