namespace TrainGpt;

/// <summary>The text of a run.</summary>
internal static class Corpus
{
    /// <summary>What two thousand steps at the default settings read about once.</summary>
    private const int MostSdkCharacters = 2_000_000;

    /// <summary>What messages call the data.</summary>
    public static string Name(string? data) =>
        data is not null ? $"'{data}'" : SdkDocs.FindFolder() is null ? "this repository's text" : "the API documentation of this machine's .NET SDK";

    /// <summary>Reads a file or a folder; null is .NET's API documentation, or the repository's text on machines that lack it.</summary>
    public static string Read(string? data, CancellationToken stop) =>
        data is not null ? TextSource.Read(data, stop) : SdkDocs.ReadDefault(RepositoryFolder(), MostSdkCharacters, stop);

    /// <summary>The ids of the text.</summary>
    public static TokenStream Tokens(string text, Tokenizer tokenizer, string? data) => new(tokenizer.Encode(text), data is null ? "The default text" : Name(data));

    private static string RepositoryFolder()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
            if (File.Exists(Path.Combine(folder.FullName, "Engine.sln"))) return folder.FullName;
        return Environment.CurrentDirectory;
    }
}
