namespace TrainGpt;

/// <summary>The values of <c>--dtype</c>.</summary>
internal static class StoredTypes
{
    public static string[] Names => Of(DType.F32, DType.BF16, DType.Int8);

    /// <summary>Types by their names on the command line.</summary>
    public static string[] Of(params DType[] types) => Array.ConvertAll(types, type => SettingText.Write(type));
}

/// <summary>The values of <c>--state-dtype</c>.</summary>
internal static class StateTypes
{
    public static string[] Names => StoredTypes.Of(DType.F32, DType.BF16);
}

/// <summary>The values of <c>--gradient-dtype</c>.</summary>
internal static class GradientTypes
{
    public static string[] Names => StoredTypes.Of(DType.F32, DType.BF16, DType.F16);
}
