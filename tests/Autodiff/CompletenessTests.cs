using System.Reflection;
using System.Runtime.CompilerServices;

namespace Mayfly.Tests;

/// <summary>No op without a line in the table, no derivative by hand that was not compared with the dual lane.</summary>
public class CompletenessTests
{
    private static readonly double[] Points = [-3.1, -1.7, -0.9, -0.3, -0.01, 0.02, 0.4, 0.8, 1.3, 2.9];

    /// <summary>Ops through which no gradient passes.</summary>
    private static readonly string[] WithoutGradient =
    [
        .. from name in (string[])["op_LessThan", "op_GreaterThan", "op_LessThanOrEqual", "op_GreaterThanOrEqual", "EqualTo"]
           from other in (string[])["Tensor", "Double"]
           select $"{name}(Tensor, {other})",
    ];

    public static TheoryData<Type> Formulas => [.. AllFormulas()];

    [Fact]
    public void Every_op_is_in_the_table()
    {
        var covered = OpTable.All.Values.Select(x => x.Covers).ToHashSet();
        var missing = Ops().Select(op => op.Name).Where(op => !covered.Contains(op)).Except(WithoutGradient).ToArray();
        Assert.True(missing.Length == 0, $"No line in OpTable covers {string.Join("; ", missing)}.");
        Assert.Empty(covered.Except(Ops().Select(op => op.Name)));
    }

    [Theory, MemberData(nameof(Formulas))]
    public void A_derivative_by_hand_agrees_with_the_dual_lane(Type formula)
    {
        string check = Implements(formula, typeof(IMap1<>)) ? nameof(Check1) : nameof(Check2);
        foreach (object instance in Instances(formula))
            GetType().GetMethod(check, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(formula)
                .Invoke(null, BindingFlags.DoNotWrapExceptions, null, [instance], null);
    }

    [Fact]
    public void There_are_derivatives_by_hand() => Assert.Contains(typeof(Silu), AllFormulas());

    [Theory]
    [InlineData(-1e4f), InlineData(-100f), InlineData(-89f), InlineData(-1e-30f)]
    [InlineData(0f), InlineData(89f), InlineData(100f), InlineData(1e4f)]
    public void Activations_have_finite_values_and_derivatives_far_from_zero(float x)
    {
        IsFinite(new Silu(), x);
        IsFinite(new Sigmoid(), x);
        IsFinite(new Gelu(), x);
        IsFinite(new GeluErf(), x);
        IsFinite(new Tanh(), x);
        IsFinite(new Relu(), x);
        IsFinite(new Abs(), x);
    }

    private static void IsFinite<TOp>(TOp formula, float x) where TOp : unmanaged, IMap1<TOp>
    {
        Assert.True(float.IsFinite(formula.F(new F1(x)).Value), $"{typeof(TOp).Name}({x}) is {formula.F(new F1(x)).Value}");
        float d = TOp.D(formula, Kept(formula, new F1(x)), new F1(1f)).Value;
        Assert.True(float.IsFinite(d) && Math.Abs(d) < 1.2f, $"{typeof(TOp).Name}'({x}) is {d}");
    }

    private static void Check1<TOp>(TOp formula) where TOp : unmanaged, IMap1<TOp>
    {
        foreach (double x in Points)
        {
            var dual = D1.Of(0.7) * formula.F(new Dual<D1>(D1.Of(x), D1.Of(1.0))).Tangent;
            AreNear<TOp>(dual, TOp.D(formula, Kept(formula, D1.Of(x)), D1.Of(0.7)), $"at {x}");
        }
    }

    /// <summary>What backward hands the derivative: the input, the result, or, where it needs neither, something useless.</summary>
    private static V Kept<TOp, V>(TOp formula, V x) where TOp : unmanaged, IMap1<TOp> where V : struct, ILane<V> => TOp.Keeps switch
    {
        Keep.Input => x,
        Keep.Result => formula.F(x),
        _ => V.Of(float.NaN),
    };

    private static void Check2<TOp>(TOp formula) where TOp : unmanaged, IMap2<TOp>
    {
        D1 one = D1.Of(1.0), zero = D1.Of(0.0), dy = D1.Of(0.7);
        foreach (double x in Points.Append(0))
            foreach (double z in Points)
            {
                D1 a = D1.Of(x), b = D1.Of(z);
                var dualA = dy * formula.F(new Dual<D1>(a, one), new Dual<D1>(b, zero)).Tangent;
                var dualB = dy * formula.F(new Dual<D1>(a, zero), new Dual<D1>(b, one)).Tangent;
                AreNear<TOp>(dualA, TOp.DA(formula, a, b, dy), $"by a at {x}, {z}");
                AreNear<TOp>(dualB, TOp.DB(formula, a, b, dy), $"by b at {x}, {z}");
            }
    }

    private static void AreNear<TOp>(D1 dual, D1 hand, string where)
    {
        double expected = D1.Sum(dual), found = D1.Sum(hand);
        bool near = expected.Equals(found) || Math.Abs(expected - found) <= 1e-10 * (1 + Math.Abs(expected));
        Assert.True(near, $"{typeof(TOp).Name} {where}: {found:G12} by hand, {expected:G12} by the dual lane");
    }

    /// <summary>The formula with its hyper-parameters at values that take each of its branches.</summary>
    private static IEnumerable<object> Instances(Type formula)
    {
        if (formula == typeof(Pow)) return new[] { -3f, -1f, 0f, 0.5f, 1f, 2f, 2.5f, 7f, 64f, 65f, 66f }.Select(p => (object)new Pow(p));
        var make = formula.GetConstructors(BindingFlags.Public | BindingFlags.Instance).MaxBy(c => c.GetParameters().Length);
        if (make is null) return [Activator.CreateInstance(formula)!];
        return [make.Invoke(
            [.. make.GetParameters().Select((p, i) => p.ParameterType == typeof(Hyper) ? new Hyper(0.75 + i) : (object)(0.75f + i))])];
    }

    private static IEnumerable<Type> AllFormulas() =>
        from assembly in new[] { typeof(Identity).Assembly, typeof(Tensor).Assembly, typeof(Tape).Assembly }
        from type in assembly.GetTypes()
        where type.IsValueType && !type.IsGenericType
        where Implements(type, typeof(IMap1<>)) || Implements(type, typeof(IMap2<>))
        where type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly).Any(m => m.Name is "D" or "DA" or "DB")
        select type;

    private static bool Implements(Type type, Type formula) =>
        type.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == formula);

    /// <summary>The public static functions that make tensors: the name, with parameter types where a name has several.</summary>
    internal static IEnumerable<(string Name, MethodInfo Method)> Ops()
    {
        var methods = typeof(Tape).Assembly.GetExportedTypes()
            .Where(t => t.IsAbstract && t.IsSealed && !t.IsDefined(typeof(CompilerGeneratedAttribute)))
            .SelectMany(t => t.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
            .Where(m => m.ReturnType == typeof(Tensor) && m.GetParameters().Any(TakesTensors)).ToArray();
        var several = methods.GroupBy(m => m.Name).Where(g => g.Count() > 1).Select(g => g.Key).ToHashSet();
        return methods.Select(m => (several.Contains(m.Name) ? Signature(m) : m.Name, m));
    }

    private static string Signature(MethodInfo method) => $"{method.Name}({string.Join(", ", method.GetParameters().Select(Kind))})";

    private static bool TakesTensors(ParameterInfo parameter) =>
        parameter.ParameterType == typeof(Tensor) || parameter.ParameterType == typeof(ReadOnlySpan<Tensor>);

    private static string Kind(ParameterInfo parameter) =>
        (Nullable.GetUnderlyingType(parameter.ParameterType) ?? parameter.ParameterType).Name.Split('`')[0];
}
