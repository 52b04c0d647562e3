using Parquet;
using Parquet.Schema;

namespace TrainGpt;

/// <summary>
/// Reads the documents of a Parquet table, one row group at a time: a column of texts, or one of prompts and one of completions.
/// </summary>
internal static class ParquetTexts
{
    private const string Prompt = "prompt", Completion = "completion";

    /// <summary>The documents of a file; empty ones are left out.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="stream">It.</param>
    /// <param name="textField">The column of texts.</param>
    /// <exception cref="BadFileException">It is damaged, or lacks the columns; the message names both.</exception>
    public static IEnumerable<DocumentPart> Read(string path, Stream stream, string textField)
    {
        if (!stream.CanSeek) throw new BadFileException(path, ".gz", "a packed Parquet table cannot be read; unpack it first.");
        var bounds = new ParquetBounds(path, stream);
        bounds.CheckFooter();
        var reader = Guard(path, "table", () => Wait(ParquetReader.CreateAsync(stream, leaveStreamOpen: true)));
        try
        {
            var columns = Columns(path, Guard(path, "schema", () => reader.Schema), textField);
            for (int group = 0; group < reader.RowGroupCount; group++)
            {
                bounds.Check(group, [.. columns.Select(column => column.Path.ToString())]);
                string?[][] texts = ReadGroup(path, reader, group, columns);
                for (int row = 0; row < texts[0].Length; row++)
                    foreach (var part in Document([.. texts.Select(column => column[row])])) yield return part;
            }
        }
        finally
        {
            Wait(reader.DisposeAsync());
        }
    }

    private static IEnumerable<DocumentPart> Document(string?[] texts) => texts is [var prompt, { Length: > 0 } completion]
        ? ChatTemplate.Complete(prompt ?? "", completion)
        : texts is [{ Length: > 0 } text] ? [DocumentPart.Of(text) with { EndsDocument = true }] : [];

    private static DataField[] Columns(string path, ParquetSchema schema, string textField)
    {
        var texts = schema.DataFields.Where(field =>
            (field.ClrType == typeof(ReadOnlyMemory<char>) || field.ClrType == typeof(string)) && field.MaxRepetitionLevel == 0).ToArray();
        if (Named(textField) is { } text) return [text];
        return Named(Prompt) is { } prompt && Named(Completion) is { } completion ? [prompt, completion]
            : throw new BadFileException(path, textField, $"there is no such column of texts, and none of {Prompt} and {Completion}; "
                + $"there are {string.Join(", ", schema.DataFields.Select(field => field.Path.ToString()).Take(20))}. "
                + "Choose one by --text-field.");

        DataField? Named(string name) => Array.Find(texts, field => field.Path.ToString() == name);
    }

    private static string?[][] ReadGroup(string path, ParquetReader reader, int group, DataField[] columns) =>
        Guard(path, $"row group {group}", () =>
        {
            using var rows = reader.OpenRowGroupReader(group);
            return columns.Select(column =>
            {
                var texts = new string?[rows.RowCount];
                Wait(rows.ReadAsync(column, texts.AsMemory()));
                return texts;
            }).ToArray();
        });

    private static T Guard<T>(string path, string field, Func<T> read) =>
        BadFileException.Guard(path, field, "it is no Parquet table", read);

    private static T Wait<T>(Task<T> task) => task.GetAwaiter().GetResult();

    private static void Wait(ValueTask task) => task.AsTask().GetAwaiter().GetResult();
}
