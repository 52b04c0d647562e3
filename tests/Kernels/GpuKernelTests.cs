using System.Reflection;
using System.Text.RegularExpressions;

namespace Mayfly.Tests;

/// <summary>
/// What every GPU kernel must be, whatever it computes: found by reflection, so that a new one is tested by being written.
/// </summary>
public partial class GpuKernelTests
{
    /// <summary>Kernels that may use double precision, and why.</summary>
    private static readonly Dictionary<string, string> doubles = new()
    {
        ["SquaresKernels.Squares"] = "the squares of large gradients overflow in single precision",
        ["SquaresKernels.Lines"] = "it adds these sums",
        ["NumberKernels.Compute"] = "a lane computes factors from these sums as the host would",
        ["UpdateKernels.Numbered"] = "it takes these factors",
        ["RowKernels.Numbered"] = "it takes these factors",
    };

    /// <summary>Kernels that may use local memory, and why.</summary>
    private static readonly Dictionary<string, string> locals = new()
    {
        ["TensorKernel.Run"] = "ILGPU hands the registers of inline assembly over there; ptxas leaves them in registers",
    };

    /// <summary>The text of inline assembly, which ILGPU takes from the kernel.</summary>
    private static readonly string[] assembly = [.. new[] { nameof(Tf32Core), nameof(Bf16Core) }.Select(core => $"{core}.Add uses ldstr")];

    private static readonly Dictionary<MethodInfo, string> known = [];
    private static readonly GpuText current = GpuText.Ptx(80);

    public static TheoryData<string> Names => new(GpuKernels.All.Select(GpuKernels.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Has_only_what_ilgpu_takes(string name) =>
        Assert.Empty(IlgpuRules.Check(GpuKernels.Get(name)).Except(assembly));

    [Fact]
    public void Every_shape_of_formula_has_kernels()
    {
        var shapes = typeof(Backend).Assembly.GetTypes().Where(t =>
            t.IsInterface && t.Name is "IMap1`1" or "IMap2`1" or "IMap3`1" or "IFold`1" or "IRow`1" or "IColumn`1" or "IUpdate`1"
                or "IScalar`1");
        Assert.Equal(8, shapes.Count());
        Assert.All(shapes, shape => Assert.Contains(GpuKernels.All, kernel =>
            kernel.IsGenericMethod && GpuKernels.Formulas(shape).Contains(kernel.GetGenericArguments()[0])));
    }

    [Fact]
    public void Compiles_to_ptx() => Assert.Empty(
        GpuKernels.All.SelectMany(kernel => FaultsOfPtx(GpuKernels.Name(kernel), Ptx(kernel))));

    /// <summary>Each kernel with one formula, as formulas do not know the card.</summary>
    [Fact]
    public void Compiles_to_ptx_for_earlier_cards()
    {
        using var texts = GpuText.Ptx(70);
        var kernels = GpuKernels.All.DistinctBy(PtxTable.Name);
        Assert.Empty(kernels.SelectMany(kernel => FaultsOfPtx(GpuKernels.Name(kernel), Text(kernel, texts))));
    }

    /// <summary>So that what holds for 80 holds for every later card.</summary>
    [Fact]
    public void The_text_for_later_cards_is_that_for_80()
    {
        using GpuText earlier = GpuText.Ptx(80), later = GpuText.Ptx(90);
        string Instructions(GpuText texts) => VersionRegex().Replace(texts.Of(GpuKernels.All[0]), "");
        Assert.Equal(Instructions(earlier), Instructions(later));
    }

    [Fact]
    public void Compiles_to_opencl()
    {
        using var texts = GpuText.OpenCL();
        var kernels = GpuKernels.All.Where(kernel => kernel.DeclaringType != typeof(TensorKernel));
        Assert.Empty(kernels.SelectMany(kernel => FaultsOfOpenCL(GpuKernels.Name(kernel), Text(kernel, texts))));
    }

    /// <summary>
    /// In the loop over slabs: what was loaded is stored, then come the barrier, the next loads, and only then arithmetic.
    /// </summary>
    [Theory]
    [InlineData(typeof(WideTile))]
    [InlineData(typeof(MiddleTile))]
    [InlineData(typeof(NarrowTile))]
    public void The_product_loads_the_next_slabs_before_it_multiplies(Type tile)
    {
        string ptx = Ptx(typeof(GemmKernels).GetMethod(nameof(GemmKernels.Tiles))!.MakeGenericMethod(typeof(Identity), tile));
        int barrier = ptx.IndexOf("bar.sync", StringComparison.Ordinal);
        int multiply = ptx.IndexOf("mul.f32", barrier, StringComparison.Ordinal);
        Assert.Equal(barrier, ptx.LastIndexOf("bar.sync", StringComparison.Ordinal));
        Assert.InRange(ptx.IndexOf("st.shared", StringComparison.Ordinal), 0, barrier);
        Assert.InRange(ptx.IndexOf("ld.shared", StringComparison.Ordinal), barrier, multiply);
        Assert.InRange(ptx.IndexOf("ld.global", barrier, StringComparison.Ordinal), barrier, multiply);
    }

    /// <summary>NVIDIA's assembler takes every kernel, with all numbers in registers.</summary>
    [Theory]
    [InlineData(80)]
    [InlineData(89)]
    [InlineData(90)]
    public void Assembles(int capability)
    {
        Assert.SkipUnless(Ptxas.IsThere, Ptxas.Missing);
        var faults = GpuKernels.All.SelectMany(kernel => Ptxas.Assemble(Ptx(kernel), capability) is var made && made.IsClean ? []
            : (string[])[$"{GpuKernels.Name(kernel)}: {made}"]);
        Assert.Empty(faults);
    }

    /// <summary>A warp's 64 rows and 32 columns are sixteen products, in each of the machine's slabs.</summary>
    [Theory]
    [InlineData(typeof(Tf32Core), "tf32")]
    [InlineData(typeof(Bf16Core), "bf16")]
    public void The_product_uses_tensor_cores(Type core, string type)
    {
        string ptx = Ptx(typeof(TensorKernel).GetMethod(nameof(TensorKernel.Run))!.MakeGenericMethod(typeof(Identity), core));
        Assert.Equal(16, Regex.Count(ptx, $@"mma\.sync\.aligned\.m16n8k8\.row\.col\.f32\.{type}\.{type}\.f32"));
    }

    private const string Failed = "did not compile: ";

    /// <summary>The PTX for compute capability 8.0, compiled once for all tests.</summary>
    private static string Ptx(MethodInfo kernel)
    {
        lock (known)
            return known.TryGetValue(kernel, out string? text) ? text : known[kernel] = Text(kernel, current);
    }

    private static string Text(MethodInfo kernel, GpuText texts)
    {
        try
        {
            return texts.Of(kernel);
        }
        catch (Exception e)
        {
            return Failed + e.GetBaseException().Message;
        }
    }

    private static IEnumerable<string> FaultsOfOpenCL(string name, string source)
    {
        if (source.StartsWith(Failed)) yield return $"{name} {source}";
        if (source.Contains("double") && !doubles.ContainsKey(Plain(name))) yield return $"{name} uses double precision";
        foreach (Match barrier in BarrierRegex().Matches(source))
            if (!barrier.Value.Contains("CLK_LOCAL_MEM_FENCE") || !barrier.Value.Contains("CLK_GLOBAL_MEM_FENCE"))
                yield return $"{name} does not order all memory by {barrier.Value}";
    }

    private static IEnumerable<string> FaultsOfPtx(string name, string ptx)
    {
        if (ptx.StartsWith(Failed)) yield return $"{name} {ptx}";
        if (ptx.Contains(".extern .func")) yield return $"{name} calls a function that is not there";
        if (CallRegex().IsMatch(ptx)) yield return $"{name} has a call";
        if (ptx.Contains(".f64") && !doubles.ContainsKey(Plain(name))) yield return $"{name} uses double precision";
        if (ptx.Contains(".local") && !locals.ContainsKey(Plain(name))) yield return $"{name} uses local memory";
        foreach (string branch in PtxBranches.WronglyUniform(ptx))
            yield return $"{name} takes a branch on which lanes differ for uniform: {branch}";
        int shared = SharedRegex().Matches(ptx).Sum(m => int.Parse(m.Groups[1].Value));
        if (shared > 48 * 1024) yield return $"{name} uses {shared} bytes of shared memory";
    }

    private static string Plain(string name) => name.Split('<')[0];

    [GeneratedRegex(@"^\s*(@%?\w+ )?call[\. ]", RegexOptions.Multiline)]
    private static partial Regex CallRegex();

    [GeneratedRegex(@"barrier\s*\([^;]*;")]
    private static partial Regex BarrierRegex();

    [GeneratedRegex(@"^\.version.*$|(?<=_)\d+", RegexOptions.Multiline)]
    private static partial Regex VersionRegex();

    [GeneratedRegex(@"\.shared[^;\[]*\[(\d+)\]")]
    private static partial Regex SharedRegex();
}
