using System.Globalization;

namespace TrainGpt;

/// <summary>Numbers of bytes in words: 4GiB, 512 MiB, 8GB, 65536.</summary>
internal static class ByteSize
{
    private const double Kibi = 1024, Kilo = 1000;

    private static readonly (string Name, double Bytes)[] Units =
    [
        ("KiB", Kibi), ("MiB", Kibi * Kibi), ("GiB", Kibi * Kibi * Kibi), ("TiB", Kibi * Kibi * Kibi * Kibi),
        ("kB", Kilo), ("MB", Kilo * Kilo), ("GB", Kilo * Kilo * Kilo), ("TB", Kilo * Kilo * Kilo * Kilo), ("B", 1),
    ];

    /// <summary>The names of the units.</summary>
    public static string UnitNames => string.Join(", ", Units.Select(unit => unit.Name));

    /// <summary>The bytes of a text; null where it is none of at least 1.</summary>
    public static long? TryParse(string text)
    {
        var (name, bytes) = Units.FirstOrDefault(unit => text.EndsWith(unit.Name, StringComparison.OrdinalIgnoreCase), ("", 1));
        var number = text.AsSpan(0, text.Length - name.Length).Trim();
        bool isNumber = double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count);
        return isNumber && count * bytes is >= 1 and <= 1e18 ? (long)(count * bytes) : null;
    }

    /// <summary>Bytes with two decimals, as GiB or a smaller unit.</summary>
    public static string Text(long bytes)
    {
        var (name, size) = Math.Abs(bytes) >= Units[2].Bytes ? Units[2] : Math.Abs(bytes) >= Units[1].Bytes ? Units[1] : Units[0];
        return string.Create(CultureInfo.InvariantCulture, $"{bytes / size:F2} {name}");
    }

    /// <summary>Every byte of them.</summary>
    public static string Exactly(long bytes) => bytes.ToString("N0", CultureInfo.InvariantCulture);
}
