using System.CommandLine;
using System.Globalization;
using System.Net;
using MnemoLite.Cli;
using MnemoLite.Cli.Backups;
using MnemoLite.Cli.Checks;
using MnemoLite.Cli.Deployments;
using MnemoLite.Cli.Keys;
using MnemoLite.Client;

CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;

var command = new RootCommand("MnemoLite, the memory of an AI agent.")
{
    BackupCommand.CreateBackup(), BackupCommand.CreateVerify(), BackupCommand.CreateRestore(), CheckCommand.Create(), DeployCommand.Create(),
    DeployCommand.CreateStage(), KeysCommand.Create(),
};
try
{
    var parsed = command.Parse(args);
    var exitCode = await parsed.InvokeAsync(new InvocationConfiguration
    {
        EnableDefaultExceptionHandler = false,
        ProcessTerminationTimeout = TimeSpan.FromSeconds(30), // to tidy up after an interruption
    });
    return parsed.Errors.Count == 0 ? exitCode : 2;
}
catch (OperationCanceledException)
{
    return 130;
}
catch (Exception exception) when (exception is CommandException or HttpRequestException or MnemoLiteException or IOException
                                      or UnauthorizedAccessException or Npgsql.NpgsqlException)
{
    Terminal.Fail(exception is MnemoLiteException { StatusCode: HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden }
        ? $"{exception.Message} The commands take the key from {AccessKey.Variable}."
        : exception.Message);
    return 1;
}
