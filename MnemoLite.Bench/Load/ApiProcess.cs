using System.Globalization;

namespace MnemoLite.Bench.Load;

/// <summary>The process that serves the API, where it is on this machine; Linux.</summary>
internal sealed class ApiProcess
{
    private readonly string _folder;

    private ApiProcess(string folder) => _folder = folder;

    /// <summary>The process that was told to listen on the address.</summary>
    public static ApiProcess? Find(Uri address)
    {
        if (!address.IsLoopback || !Directory.Exists("/proc/self"))
            return null;
        var port = $":{address.Port}";
        return Directory.EnumerateDirectories("/proc").Where(folder => char.IsAsciiDigit(Path.GetFileName(folder)[0])).FirstOrDefault(Serves) is { } found
            ? new(found)
            : null;

        bool Serves(string folder)
        {
            try
            {
                return File.ReadAllText($"{folder}/cmdline").Contains("MnemoLite.Api.dll", StringComparison.Ordinal)
                    && File.ReadAllText($"{folder}/environ").Split('\0').Any(variable =>
                        variable.StartsWith("ASPNETCORE_URLS=", StringComparison.Ordinal) && variable.EndsWith(port, StringComparison.Ordinal));
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                return false; // it has ended, or is another user's
            }
        }
    }

    /// <summary>The memory it has in use (resident set), in MB.</summary>
    public double ReadWorkingSet()
    {
        var line = File.ReadLines($"{_folder}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return Math.Round(double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024, 1);
    }
}
