using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>Shared memory and the widest accesses of each GPU kernel, with one formula, as a table in Markdown.</summary>
internal static partial class PtxTable
{
    private const int Capability = 80;
    private static readonly int[] cards = [80, 89, 90];

    /// <summary>Prints the table.</summary>
    /// <returns>The exit code.</returns>
    public static int Print()
    {
        Console.WriteLine("| kernel | shared memory, bytes | widest load | widest store | shared loads of 16 bytes | registers |");
        Console.WriteLine("|---|---|---|---|---|---|");
        foreach (var (name, ptx) in Texts()) Console.WriteLine($"{Row(name, ptx)} {Registers(ptx)} |");
        return 0;
    }

    /// <summary>Writes the PTX of each kernel to a file of its own.</summary>
    /// <returns>The exit code.</returns>
    public static int Write(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var (name, ptx) in Texts()) File.WriteAllText(Path.Combine(folder, $"{name.Replace(", ", "-")}.ptx"), ptx);
        return 0;
    }

    /// <summary>The PTX of each kernel and tile.</summary>
    internal static IEnumerable<(string Name, string Ptx)> Texts()
    {
        using var texts = GpuText.Ptx(Capability);
        foreach (var kernel in GpuKernels.All.DistinctBy(Name)) yield return (Name(kernel), texts.Of(kernel));
    }

    /// <summary>What the PTX of a kernel says, as a row of the table.</summary>
    internal static string Row(string name, string ptx)
    {
        int shared = SharedRegex().Matches(ptx).Sum(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture));
        return $"| {name} | {shared} | {Widest("ld", ptx)} | {Widest("st", ptx)} | {Regex.Count(ptx, @"\bld\.shared\.v4")} |";
    }

    /// <summary>The most registers of a lane on any of the cards.</summary>
    internal static string Registers(string ptx) =>
        Ptxas.IsThere ? cards.Max(card => Ptxas.Assemble(ptx, card).Registers).ToString(CultureInfo.InvariantCulture) : "";

    /// <summary>The kernel and its tile; the formulas differ, and one stands for all.</summary>
    internal static string Name(MethodInfo kernel)
    {
        var tiles = kernel.GetGenericArguments().Where(t => t.Name.Contains("Tile")).Select(t => t.Name).ToArray();
        return $"{kernel.DeclaringType!.Name}.{kernel.Name}{(tiles.Length > 0 ? $", {tiles[0]}" : "")}";
    }

    private static string Widest(string what, string ptx)
    {
        var accesses = AccessRegex().Matches(ptx).Where(m => m.Groups[1].Value == what).Select(m =>
            (Text: $"{what}{m.Groups[2].Value}.{m.Groups[3].Value}", Bits: Bits(m))).ToArray();
        return accesses.Length == 0 ? "none" : accesses.MaxBy(a => a.Bits).Text;
    }

    private static int Bits(Match access) =>
        (access.Groups[2].Value is ['.', 'v', var n] ? n - '0' : 1) * int.Parse(access.Groups[3].Value[1..], CultureInfo.InvariantCulture);

    /// <summary>An access to the device's memory: ILGPU names no space there.</summary>
    [GeneratedRegex(@"\b(ld|st)(?:\.global)?(\.v[24])?\.([bfsu]\d+)\s")]
    private static partial Regex AccessRegex();

    [GeneratedRegex(@"\.shared[^;\[]*\[(\d+)\]")]
    private static partial Regex SharedRegex();
}
