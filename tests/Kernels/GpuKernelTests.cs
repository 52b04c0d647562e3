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
        ["FoldKernels.SumSquares"] = "the squares of large gradients overflow in single precision",
    };

    /// <summary>Kernels that may use local memory, and why.</summary>
    private static readonly Dictionary<string, string> locals = [];

    public static TheoryData<string> Names => new(GpuKernels.All.Select(GpuKernels.Name));

    [Theory]
    [MemberData(nameof(Names))]
    public void Has_only_what_ilgpu_takes(string name) => Assert.Empty(IlgpuRules.Check(GpuKernels.Get(name)));

    [Fact]
    public void Every_shape_of_formula_has_kernels()
    {
        var shapes = typeof(Backend).Assembly.GetTypes().Where(t =>
            t.IsInterface && t.Name is "IMap1`1" or "IMap2`1" or "IMap3`1" or "IFold`1" or "IRow`1" or "IColumn`1" or "IUpdate`1");
        Assert.Equal(7, shapes.Count());
        Assert.All(shapes, shape => Assert.Contains(GpuKernels.All, kernel =>
            kernel.IsGenericMethod && GpuKernels.Formulas(shape).Contains(kernel.GetGenericArguments()[0])));
    }

    [Theory]
    [InlineData(70)]
    [InlineData(80)]
    [InlineData(90)]
    public void Compiles_to_ptx(int capability)
    {
        var faults = GpuKernels.All.SelectMany(kernel =>
            FaultsOfPtx(GpuKernels.Name(kernel), Text(kernel, k => GpuText.Ptx(k, capability))));
        Assert.Empty(faults);
    }

    [Fact]
    public void Compiles_to_opencl()
    {
        var faults = GpuKernels.All.Select(kernel => (Name: GpuKernels.Name(kernel), Source: Text(kernel, GpuText.OpenCL)))
            .Where(k => k.Source.Contains(Failed) || (k.Source.Contains("double") && !doubles.ContainsKey(Plain(k.Name)))).Select(k =>
                $"{k.Name}: {k.Source[..60]}");
        Assert.Empty(faults);
    }

    private const string Failed = "did not compile: ";

    private static string Text(MethodInfo kernel, Func<MethodInfo, string> compile)
    {
        try
        {
            return compile(kernel);
        }
        catch (Exception e)
        {
            return Failed + e.GetBaseException().Message;
        }
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

    [GeneratedRegex(@"\.shared[^;\[]*\[(\d+)\]")]
    private static partial Regex SharedRegex();
}
