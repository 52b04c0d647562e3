using System.Reflection;
using System.Runtime.InteropServices;
using Mayfly.Tests.GpuFormulas;

namespace Mayfly.Tests;

/// <summary>
/// Every formula of the library, found by reflection, and the formulas of <see cref="GpuFormulas"/>: ILGPU takes them and computes what the
/// double lane computes.
/// </summary>
public class IlgpuTests
{
    public static TheoryData<Type> Maps1 => Implementing(typeof(IMap1<>));

    public static TheoryData<Type> Maps2 => Implementing(typeof(IMap2<>));

    public static TheoryData<Type> Maps3 => Implementing(typeof(IMap3<>));

    public static TheoryData<Type> Updates => Implementing(typeof(IUpdate<>));

    [Theory]
    [MemberData(nameof(Maps1))]
    public void Map_computes_and_differentiates(Type formula) => Run(nameof(CheckMap), formula);

    [Theory]
    [MemberData(nameof(Maps2))]
    public void Map2_computes_and_differentiates(Type formula) => Run(nameof(CheckMap2), formula);

    [Theory]
    [MemberData(nameof(Maps3))]
    public void Map3_computes(Type formula) => Run(nameof(CheckMap3), formula);

    [Theory]
    [MemberData(nameof(Updates))]
    public void Update_steps(Type formula) => Run(nameof(CheckUpdate), formula);

    [Theory]
    [InlineData(typeof(Offenders.Throws), "uses throw")]
    [InlineData(typeof(Offenders.Boxes), "uses box")]
    [InlineData(typeof(Offenders.MakesObject), "makes an object: Holder`1..ctor")]
    [InlineData(typeof(Offenders.CallsVirtual), "calls the virtual Holder`1.Get")]
    [InlineData(typeof(Offenders.ReadsVariable), "reads the variable ReadsVariable.Factor")]
    [InlineData(typeof(Offenders.Fuses), "calls MathF.FusedMultiplyAdd")]
    [InlineData(typeof(Offenders.Tries), "has a try block")]
    [InlineData(typeof(Offenders.CallsDelegate), "uses ldftn")]
    public void The_rules_catch_an_offender(Type formula, string fault) =>
        Assert.Contains(IlgpuRules.Check(Kernel(nameof(MapKernels.Map), formula)), f => f.Contains(fault));

    private static void CheckMap<TOp>(Backend gpu, TOp op) where TOp : unmanaged, IMap1<TOp>
    {
        float[] x = Numbers(1), dy = Numbers(2);
        View vx = View(gpu, x), vdy = View(gpu, dy), y = View(gpu, x);
        gpu.Map(op, vx, y);
        Near(Read(gpu, y), i => op.F(new D1(x[i])));
        gpu.MapBack(op, vx, vdy, y, add: false);
        Near(Read(gpu, y), i => TOp.D(op, new D1(x[i]), new D1(dy[i])));
    }

    private static void CheckMap2<TOp>(Backend gpu, TOp op) where TOp : unmanaged, IMap2<TOp>
    {
        float[] a = Numbers(1), b = Numbers(2), dy = Numbers(3);
        View va = View(gpu, a), vb = View(gpu, b), vdy = View(gpu, dy), da = View(gpu, a), db = View(gpu, b);
        gpu.Map2(op, va, vb, da);
        Near(Read(gpu, da), i => op.F(new D1(a[i]), new D1(b[i])));
        gpu.Map2Back(op, va, vb, vdy, da, false, db, false);
        Near(Read(gpu, da), i => TOp.DA(op, new D1(a[i]), new D1(b[i]), new D1(dy[i])));
        Near(Read(gpu, db), i => TOp.DB(op, new D1(a[i]), new D1(b[i]), new D1(dy[i])));
    }

    private static void CheckMap3<TOp>(Backend gpu, TOp op) where TOp : unmanaged, IMap3<TOp>
    {
        float[] a = Numbers(1), b = Numbers(2), c = Numbers(3);
        var y = View(gpu, a);
        gpu.Map3(op, View(gpu, a), View(gpu, b), View(gpu, c), y);
        Near(Read(gpu, y), i => op.F(new D1(a[i]), new D1(b[i]), new D1(c[i])));
    }

    private static void CheckUpdate<TOp>(Backend gpu, TOp op) where TOp : unmanaged, IUpdate<TOp>
    {
        float[] g = Numbers(1), p = Numbers(2), s0 = Numbers(3), s1 = [.. Numbers(4).Select(MathF.Abs)];
        var expected = new (D1 P, D1 S0, D1 S1)[g.Length];
        for (int i = 0; i < g.Length; i++)
        {
            expected[i] = (new(p[i]), new(s0[i]), new(s1[i]));
            op.Step(new D1(g[i]), ref expected[i].P, ref expected[i].S0, ref expected[i].S1);
        }

        View vp = View(gpu, p), v0 = View(gpu, s0), v1 = View(gpu, s1);
        gpu.Update(op, View(gpu, g), vp, v0, v1);
        Near(Read(gpu, vp), i => expected[i].P);
        Near(Read(gpu, v0), i => expected[i].S0);
        Near(Read(gpu, v1), i => expected[i].S1);
    }

    /// <summary>A view that holds the numbers.</summary>
    private static View View(Backend gpu, float[] values)
    {
        var view = new View(gpu.Allocate(4 * values.Length), DType.F32, Layout.RowMajor(values.Length));
        gpu.Write(view, MemoryMarshal.AsBytes(values.AsSpan()));
        return view;
    }

    private static float[] Read(Backend gpu, in View view)
    {
        var values = new float[view.Count];
        gpu.Read(view, MemoryMarshal.AsBytes(values.AsSpan()));
        return values;
    }

    /// <summary>Zero, tiny, small and larger numbers of both signs.</summary>
    private static float[] Numbers(int seed)
    {
        var random = new Random(seed);
        return [0, 1e-6f, -1e-3f, 1, -1, 12, -12, .. Enumerable.Range(0, 60).Select(_ => 8 * random.NextSingle() - 4)];
    }

    private static void Near(float[] actual, Func<int, D1> expected)
    {
        for (int i = 0; i < actual.Length; i++)
        {
            double wanted = expected(i).Value;
            if (((double)actual[i]).Equals(wanted)) continue;
            Assert.True(Math.Abs(actual[i] - wanted) <= 1e-5 * Math.Max(1, Math.Abs(wanted)),
                $"element {i} is {actual[i]:R}, expected {wanted:R}");
        }
    }

    private static void Run(string check, Type formula)
    {
        using var gpu = TestDevice.NewBackend();
        typeof(IlgpuTests).GetMethod(check, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(formula)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [gpu, FormulaSamples.Of(formula)], null);
    }

    private static MethodInfo Kernel(string name, Type formula) => typeof(MapKernels).GetMethod(name)!.MakeGenericMethod(formula);

    private static TheoryData<Type> Implementing(Type shape) => new(GpuKernels.Formulas(shape));
}
