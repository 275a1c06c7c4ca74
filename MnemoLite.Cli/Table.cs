namespace MnemoLite.Cli;

/// <summary>Rows with columns of equal width; all but the first are to the right.</summary>
internal static class Table
{
    public static void Write(string[] head, params string[][] rows)
    {
        var widths = Enumerable.Range(0, head.Length).Select(column => rows.Append(head).Max(row => row[column].Length)).ToArray();
        Console.WriteLine();
        if (head.Any(cell => cell.Length > 0))
            Write(head);
        foreach (var row in rows)
            Write(row);
        Console.WriteLine();

        void Write(string[] row) =>
            Console.WriteLine($"  {string.Join("  ", row.Select((cell, column) => column == 0 ? cell.PadRight(widths[0]) : cell.PadLeft(widths[column]))).TrimEnd()}");
    }
}
