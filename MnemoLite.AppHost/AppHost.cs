using System.Globalization;
using Microsoft.Extensions.Configuration;

var builder = DistributedApplication.CreateBuilder(args);
var settings = builder.Configuration.GetSection("MnemoLite");

var postgres = builder.AddPostgres("postgres")
    .WithImage("pgvector/pgvector", "pg17")
    .WithArgs(
        "-c", "shared_buffers=512MB",
        "-c", "maintenance_work_mem=256MB",
        "-c", "max_parallel_maintenance_workers=0", // pgvector before 0.8.2 can overflow a buffer in a parallel HNSW build
        "-c", "random_page_cost=1.1",
        "-c", "jit=off",
        "-c", "log_error_verbosity=terse", // the details of an error hold values
        "-c", "shared_preload_libraries=pg_stat_statements",
        "-c", "pg_stat_statements.track_utility=off")
    .WithEnvironment("POSTGRES_DB", "mnemolite") // has the image make the database where nobody else does, as where it was published to
    .WithDataVolume(settings["DataVolume"] ?? "postgres");
var database = postgres.AddDatabase("mnemolite");

var archive = settings["Archive"];
if (!string.IsNullOrEmpty(archive))
{
    // A segment has its name in the archive once it is whole there. One of that name is never overwritten: the same again is well, another a failure.
    const string Command = """
        f="$WAL_ARCHIVE/wal/%f.gz"; if [ -e "$f" ]; then gzip -dc "$f" | cmp -s - "%p"; else mkdir -p -m 700 "$WAL_ARCHIVE/wal" \
        && gzip -1 <"%p" >"$f.part" && sync "$f.part" && mv "$f.part" "$f" && sync "$WAL_ARCHIVE/wal"; fi
        """;
    postgres.WithBindMount(archive, "/archive")
        .WithEnvironment("WAL_ARCHIVE", "/archive")
        .WithArgs("-c", "archive_mode=on", "-c", "archive_timeout=60", "-c", $"archive_command={Command}");
}

var api = builder.AddProject<Projects.MnemoLite_Api>("api")
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
    .WithEnvironment("MALLOC_ARENA_MAX", "2") // what glibc frees in one of many arenas, none of the others uses again
    .WithEndpoint("http", endpoint => endpoint.Port = Number("ApiPort", 8001))
    .WithHttpHealthCheck("/alive/ready")
    .WithReplicas(Number("ApiReplicas", 1))
    .WithReference(database)
    .WaitFor(database);

if (settings.GetValue("Redis", false))
{
    var redis = builder.AddRedis("redis");
    api.WithReference(redis).WaitFor(redis);
}

builder.AddProject<Projects.MnemoLite_Web>("web")
    .WithEnvironment("ASPNETCORE_ENVIRONMENT", builder.Environment.EnvironmentName)
    .WithEndpoint("http", endpoint => endpoint.Port = Number("WebPort", 8000))
    .WithExternalHttpEndpoints()
    .WithEnvironment("DataProtection__Folder", settings["WebKeys"])
    .WithHttpHealthCheck("/alive")
    .WithReplicas(Number("WebReplicas", 1))
    .WithReference(api.GetEndpoint("http")) // published, it would otherwise be told of an https endpoint, too, which no one serves
    .WaitFor(api);

if (settings["Backup:Every"] is { Length: > 0 } every)
{
    string[] to = settings["Backup:To"] is { Length: > 0 } folder ? ["--to", folder] : string.IsNullOrEmpty(archive) ? [] : ["--archive", archive];
    string[] keep = settings["Backup:Keep"] is { Length: > 0 } number ? ["--keep", number] : [];
    string[] arguments = ["backup", "--every", every, .. to, .. keep];
    builder.AddProject<Projects.MnemoLite_Cli>("backups")
        .WithArgs(arguments)
        .WithReference(database)
        .WaitFor(api); // which has made the schema then
}

// What `aspire publish` makes files for (docs/deployment.md). Where the application runs, neither does anything.
switch (settings["PublishTo"] ?? "compose")
{
    case "compose":
        builder.AddDockerComposeEnvironment("compose").WithDashboard(false);
        break;
    case "kubernetes":
        builder.AddKubernetesEnvironment("kubernetes").WithProperties(kubernetes => kubernetes.DefaultStorageType = "pvc");
        break;
    case var other:
        throw new InvalidOperationException($"MnemoLite:PublishTo is 'compose' or 'kubernetes', not '{other}'.");
}

builder.Build().Run();

int Number(string name, int otherwise) =>
    settings[name] is { } text ? int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture) : otherwise;
