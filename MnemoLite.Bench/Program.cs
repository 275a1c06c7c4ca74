using MnemoLite.Bench;
using MnemoLite.Bench.Retrieval;

try
{
    return args switch
    {
        ["retrieval", .. var options] => await RetrievalBenchmark.RunAsync(Arguments.Read(options, "--api", "--json")),
        _ => throw new ArgumentException("It measures one of: retrieval."),
    };
}
catch (ArgumentException exception)
{
    Console.Error.WriteLine($"""
        {exception.Message}

        Usage:
          retrieval [--api URL] [--json FILE]   how well memories are found again, on the labelled ones beside the program
                                                (--api: of a running MnemoLite with an empty store; else one is started)
        """);
    return 2;
}
