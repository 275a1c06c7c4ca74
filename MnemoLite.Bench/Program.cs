using System.Globalization;
using MnemoLite.Bench;
using MnemoLite.Bench.Directions;
using MnemoLite.Bench.Load;
using MnemoLite.Bench.Micro;
using MnemoLite.Bench.Retrieval;
using MnemoLite.Client;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
try
{
    return args switch
    {
        ["retrieval", .. var options] => await RetrievalBenchmark.RunAsync(Arguments.Read(options, "--api", "--json")),
        ["directions", .. var options] => await PrincipalDirections.RunAsync(Arguments.Read(options, "--texts", "--out")),
        ["micro", .. var options] => MicroBenchmarks.Run(options),
        ["reference", var bytes] => await ReferenceServer.RunAsync(int.Parse(bytes, CultureInfo.InvariantCulture)), // the benchmark's own
        _ => await LoadBenchmark.RunAsync(LoadOptions.Read(args)),
    };
}
catch (Exception exception) when (exception is InvalidOperationException or HttpRequestException or MnemoLiteException or IOException)
{
    Console.Error.WriteLine(exception.Message);
    return 1;
}
catch (ArgumentException exception)
{
    Console.Error.WriteLine($"""
        {exception.Message}

        Usage:
          [paced] [closed] [open] [rows] [spaces] [OPTION…]   how the API bears load; paced, if nothing is named (docs/performance.md)
            --api URL       of a running MnemoLite with an empty store, or one filled before; else one is started
            --data DIR      keeps the data of the one that is started: the next run starts with a copy of it
            --events N      how many events are stored before (50000)
            --users N --ramp N --duration SECONDS --rate N   50 users, 10 more each second, for 60 s; 100 requests/s (open)
            --zipf S        how much requests repeat themselves: Zipf's exponent (1.2)
            --seed N        of all that is drawn (1)
            --json FILE --html FILE --compare OLD.JSON
          soak [--minutes N] [--rate N] [OPTION…]    whether what it takes stays as it is, at half the load for 20 minutes
            --svg FILE      a picture of it; --data, --events, --zipf, --seed, --json and --html as above
          micro [OPTION…]                            tokenizer, embedding and JSON, by BenchmarkDotNet, whose options these are
          directions --texts FILE --out FILE         what the model's embeddings have most of, over a text a line (models/README.md)
          retrieval [--api URL] [--json FILE]        how well memories are found again, on the labelled ones beside the program
                                                     (--api: of a running MnemoLite with an empty store; else one is started)
        """);
    return 2;
}
