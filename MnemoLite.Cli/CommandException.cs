namespace MnemoLite.Cli;

/// <summary>A command cannot be carried out; the message says why, and what to do.</summary>
internal sealed class CommandException(string message, Exception? inner = null) : Exception(message, inner);
