using System.Net.Http.Headers;

namespace MnemoLite.Cli;

/// <summary>The key that the commands show an API that asks for one.</summary>
internal static class AccessKey
{
    public const string Variable = "MNEMOLITE_KEY";

    /// <summary>A client of that address, with the key if there is one.</summary>
    public static HttpClient Connect(Uri api, TimeSpan connectPatience, TimeSpan patience)
    {
        var http = new HttpClient(new SocketsHttpHandler { ConnectTimeout = connectPatience }) { BaseAddress = api, Timeout = patience };
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } key)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return http;
    }
}
