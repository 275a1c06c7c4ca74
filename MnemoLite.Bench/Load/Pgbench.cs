using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace MnemoLite.Bench.Load;

/// <summary>PostgreSQL's own benchmark: how fast the database alone is.</summary>
internal static partial class Pgbench
{
    /// <summary>pgbench takes up to 128 scripts.</summary>
    public const int MostStatements = 100;

    /// <summary>Runs statements, drawn at random, prepared, on eight connections.</summary>
    /// <returns>Statements a second; null where there is no pgbench.</returns>
    public static async Task<double?> RunAsync(
        string connectionString, IReadOnlyList<string> statements, TimeSpan duration, CancellationToken cancellationToken)
    {
        if (Find() is not { } program)
            return null;
        var connection = new NpgsqlConnectionStringBuilder(connectionString);
        var scripts = Directory.CreateTempSubdirectory("mnemolite-bench-");
        try
        {
            var start = new ProcessStartInfo(
                program,
                ["-n", "-M", "prepared", "-c", "8", "-j", "2", "-T", duration.TotalSeconds.ToString(CultureInfo.InvariantCulture)])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["PGHOST"] = connection.Host,
                    ["PGPORT"] = connection.Port.ToString(CultureInfo.InvariantCulture),
                    ["PGUSER"] = connection.Username,
                    ["PGPASSWORD"] = connection.Password,
                    ["PGDATABASE"] = connection.Database,
                    ["PGOPTIONS"] = ReferenceServer.SessionOptions,
                },
            };
            foreach (var (place, statement) in statements.Index())
            {
                var file = Path.Combine(scripts.FullName, $"{place}.sql");
                await File.WriteAllTextAsync(file, $"{statement.ReplaceLineEndings(" ")};\n", cancellationToken);
                start.ArgumentList.Add("-f");
                start.ArgumentList.Add(file);
            }
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            var output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 && Rate().Match(output) is { Success: true } rate
                ? Math.Round(double.Parse(rate.Groups[1].ValueSpan, CultureInfo.InvariantCulture), 1)
                : throw new InvalidOperationException($"pgbench failed: {await errors}");
        }
        finally
        {
            scripts.Delete(recursive: true);
        }
    }

    private static string? Find()
    {
        var installed = Directory.Exists("/usr/lib/postgresql") ? Directory.GetDirectories("/usr/lib/postgresql").OrderDescending().Select(folder => $"{folder}/bin") : [];
        return (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Concat(installed)
            .Select(folder => Path.Combine(folder, "pgbench")).FirstOrDefault(File.Exists);
    }

    [GeneratedRegex(@"tps = ([0-9.]+)")]
    private static partial Regex Rate();
}
