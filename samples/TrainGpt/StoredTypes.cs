namespace TrainGpt;

/// <summary>The types in which weights can be stored, by their names on the command line.</summary>
internal static class StoredTypes
{
    /// <summary>The values of <c>--dtype</c>.</summary>
    public static string[] Names => [.. new[] { DType.F32, DType.BF16, DType.Int8 }.Select(type => SettingText.Write(type))];
}
