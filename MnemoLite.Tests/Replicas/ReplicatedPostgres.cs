using System.Security.Cryptography;
using MnemoLite.Tests.AppHost;
using Npgsql;

namespace MnemoLite.Tests.Replicas;

/// <summary>A primary and its streaming standby.</summary>
internal sealed class ReplicatedPostgres : IAsyncDisposable
{
    private static readonly string[] Arguments = ["-c", "shared_preload_libraries=pg_stat_statements"];
    private readonly DirectoryInfo _folder = RunningApplication.DataDirectory();
    private readonly string _password = RandomNumberGenerator.GetHexString(32, lowercase: true);

    private ReplicatedPostgres(string bin)
    {
        Primary = new(bin, Path.Combine(_folder.FullName, "primary"), _password);
        Standby = new(bin, Path.Combine(_folder.FullName, "standby"), _password);
    }

    public PostgresServer Primary { get; }

    public PostgresServer Standby { get; }

    /// <summary>The setting that makes an instance of the API use both.</summary>
    public string Setting => "--ConnectionStrings:mnemolite=" + new NpgsqlConnectionStringBuilder
    {
        Host = $"127.0.0.1:{Primary.Port},127.0.0.1:{Standby.Port}",
        Username = "postgres",
        Password = _password,
        Database = "mnemolite",
    };

    public static async Task<ReplicatedPostgres> StartAsync(RunningApplication app, CancellationToken cancellationToken)
    {
        var replicated = new ReplicatedPostgres(await PostgresServer.FindBinariesAsync(app, cancellationToken));
        try
        {
            await replicated.StartAsync(cancellationToken);
            return replicated;
        }
        catch
        {
            await replicated.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the standby again.</summary>
    public Task StartStandbyAsync(CancellationToken cancellationToken) => Standby.StartAsync(cancellationToken, Arguments);

    public async ValueTask DisposeAsync()
    {
        await Standby.StopAsync();
        await Primary.StopAsync();
        _folder.Delete(recursive: true);
    }

    private async Task StartAsync(CancellationToken cancellationToken)
    {
        await Primary.InitializeAsync(cancellationToken);
        await Primary.StartAsync(cancellationToken, Arguments);
        await Primary.ExecuteAsync("CREATE EXTENSION pg_stat_statements", cancellationToken);
        await Primary.ExecuteAsync("CREATE DATABASE mnemolite", cancellationToken);
        await Standby.CopyAsync(Primary, cancellationToken);
        await StartStandbyAsync(cancellationToken);
    }
}
