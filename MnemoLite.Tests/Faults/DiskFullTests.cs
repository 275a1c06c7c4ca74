using System.Diagnostics;
using System.Net;
using System.Security.Cryptography;
using MnemoLite.Client;
using MnemoLite.Tests.AppHost;

namespace MnemoLite.Tests.Faults;

/// <summary>A PostgreSQL whose disk is full: a small file system in memory.</summary>
public sealed class DiskFullTests(RunningApplication app, ITestOutputHelper output)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_disk_refuses_writes_keeps_what_is_stored_and_takes_more_once_there_is_room()
    {
        await using var disk = await SmallDisk.MountAsync(megabytes: 160);
        await using var service = await OwnService.StartAsync(app, disk.Folder);
        var (known, unread) = (await service.RememberAsync("known before"), await service.RememberAsync("read while it is full"));
        await service.ReadAsync($"/v1/events/{known}");

        disk.Fill();
        var acknowledged = new List<Guid> { known, unread };
        OwnService.Answer? refused = null;
        await Eventually.UntilAsync(async () =>
        {
            var answer = await service.PostAsync("/v1/events/", new { content = new { text = RandomNumberGenerator.GetHexString(400_000) } });
            if (answer.Status == HttpStatusCode.Created)
                acknowledged.Add(System.Text.Json.JsonSerializer.Deserialize(answer.Body, MnemoLiteJson.Default.Event)!.Id);
            else
                refused = answer;
            return refused is not null;
        });
        Assert.Equal(HttpStatusCode.ServiceUnavailable, refused!.Status);
        Assert.Contains("disk is full", refused.Body, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await service.ReadAsync($"/v1/events/{unread}")).Status);
        Assert.Equal(HttpStatusCode.OK, (await service.ReadAsync("/v1/events/")).Status);

        disk.MakeRoom();
        var start = Stopwatch.GetTimestamp();
        await Eventually.UntilAsync(async () =>
            (await service.PostAsync("/v1/events/", new { content = new { text = "there is room" } })).Status == HttpStatusCode.Created);
        output.WriteLine($"{acknowledged.Count} acknowledged, then full; a write succeeded {Stopwatch.GetElapsedTime(start).TotalSeconds:F2} s after there was room");
        foreach (var id in acknowledged)
            Assert.NotNull(await service.Client.GetAsync(id, Cancelled));
    }

    private sealed class SmallDisk : IAsyncDisposable
    {
        private readonly DirectoryInfo _mount = RunningApplication.DataDirectory();

        /// <summary>A folder on it.</summary>
        public DirectoryInfo Folder => new(Path.Combine(_mount.FullName, "cluster"));

        private string Ballast => Path.Combine(_mount.FullName, "ballast");

        public static async Task<SmallDisk> MountAsync(int megabytes)
        {
            var disk = new SmallDisk();
            Assert.True(
                await RunAsync("mount", "-t", "tmpfs", "-o", $"size={megabytes}m,mode=755", "tmpfs", disk._mount.FullName),
                "This test needs a file system of its own, of a known size: run it as root, where a tmpfs may be mounted.");
            disk.Folder.Create();
            return disk;
        }

        /// <summary>Leaves not a byte free.</summary>
        public void Fill()
        {
            using var ballast = File.Open(Ballast, FileMode.Create);
            try
            {
                for (var block = new byte[4096]; ;)
                {
                    ballast.Write(block);
                    ballast.Flush();
                }
            }
            catch (IOException)
            {
                // it is full
            }
        }

        public void MakeRoom() => File.Delete(Ballast);

        public async ValueTask DisposeAsync()
        {
            await RunAsync("umount", _mount.FullName);
            _mount.Delete(recursive: true);
        }

        private static async Task<bool> RunAsync(string command, params string[] arguments)
        {
            using var process = Process.Start(command, arguments);
            await process.WaitForExitAsync();
            return process.ExitCode == 0;
        }
    }
}
