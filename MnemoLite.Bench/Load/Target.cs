using MnemoLite.Bench.Retrieval;
using MnemoLite.Client;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>The service under load, filled with the dataset.</summary>
internal sealed class Target : IAsyncDisposable
{
    /// <summary>More than any scenario needs, so that no request waits for a connection to be free.</summary>
    private const int Connections = 512;

    private static readonly Progress Progress = Progress.OfConsole;

    private Target(Dataset dataset, OwnApplication? own, HttpClient http, IReadOnlyList<Guid> events, StoreState store)
    {
        (Dataset, Own, Http, Events, Store) = (dataset, own, http, events, store);
        Client = new(http);
        Load = new(http.BaseAddress!, Connections);
    }

    public Dataset Dataset { get; }

    /// <summary>The application, where it is the benchmark's own.</summary>
    public OwnApplication? Own { get; }

    public HttpClient Http { get; }

    public MnemoLiteClient Client { get; }

    public LoadClient Load { get; }

    public Uri Address => Http.BaseAddress!;

    /// <summary>The ids of what is stored.</summary>
    public IReadOnlyList<Guid> Events { get; }

    public StoreState Store { get; }

    public static async Task<Target> PrepareAsync(LoadOptions options, CancellationToken cancellationToken)
    {
        var dataset = new Dataset(LabelledSet.Load(LabelledSet.Folder), options.Seed);
        var own = options.Api is null ? await StartAsync(options.Data) : null;
        try
        {
            var http = Connect();
            if (await new Seeding(http, dataset, Progress).CompleteAsync(options.Events, cancellationToken) && own is not null)
            {
                await TidyAsync(await own.GetConnectionStringAsync(), cancellationToken);
                if (options.Data is not null)
                {
                    await own.SaveAsync(options.Data);
                    http.Dispose();
                    http = Connect();
                }
            }
            var events = await new Seeding(http, dataset, Progress).ReadIdsAsync(cancellationToken);
            var store = await new MnemoLiteClient(http).GetStoreAsync(cancellationToken);
            Progress.Clear();
            return new(dataset, own, http, events, store);
        }
        catch
        {
            if (own is not null)
                await own.DisposeAsync();
            throw;
        }

        HttpClient Connect()
        {
            var http = own?.CreateApiClient() ?? new HttpClient { BaseAddress = options.Api };
            http.Timeout = TimeSpan.FromMinutes(10);
            return http;
        }
    }

    /// <summary>Sends what is drawn to the service.</summary>
    public LoadGenerator Generate(Func<Random, Operation> next) =>
        new(next, Load.SendAsync, Dataset.Seed, TimeProvider.System, Progress, LoadGenerator.SleepAsync);

    public async ValueTask DisposeAsync()
    {
        Load.Dispose();
        Http.Dispose();
        if (Own is not null)
            await Own.DisposeAsync();
    }

    private static async Task<OwnApplication> StartAsync(DirectoryInfo? data)
    {
        var isFilled = data is not null && OwnApplication.IsTemplate(data);
        if (data is { Exists: true } && !isFilled && data.EnumerateFileSystemInfos().Any())
            throw new ArgumentException($"{data} holds something else: name an empty or a new folder.");
        Progress.Show("Starting MnemoLite on a store of its own …");
        return await OwnApplication.StartAsync(isFilled ? data : null);
    }

    /// <summary>Does now what PostgreSQL would else do in the background while it is measured.</summary>
    private static async Task TidyAsync(string connectionString, CancellationToken cancellationToken)
    {
        Progress.Show("Vacuuming …");
        await using var source = NpgsqlDataSource.Create(connectionString);
        foreach (var statement in new[] { "VACUUM (ANALYZE) events, words, nodes, edges", "CHECKPOINT" })
        {
            await using var command = source.CreateCommand(statement);
            command.CommandTimeout = 600;
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }
}
