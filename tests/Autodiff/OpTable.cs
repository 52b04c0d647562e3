using Extending;

namespace Mayfly.Tests;

/// <summary>
/// Every differentiable op with its awkward inputs. <see cref="OpTests"/> runs all tests over it; <see cref="CompletenessTests"/> sees that
/// none is missing.
/// </summary>
internal static partial class OpTable
{
    private static readonly Shape Scalar = new();

    private static readonly Shape[][] Singles =
        [[Scalar], [1], [7], [(4, 5)], [17], [(2, 3, 5)], [(1, 33)], [(2, 1, 3, 4)]];

    private static readonly Shape[][] LargeSingles = [[1031], [(3, 1, 67)], [(65, 16)], [0], [(3, 0)]];

    private static readonly Shape[][] Pairs =
    [
        [Scalar, Scalar], [3, 3], [17, 1], [(4, 1), (1, 5)], [(2, 3, 5), 5], [7, (2, 3, 7)], [Scalar, (2, 3)], [(2, 1, 3, 1), (4, 1, 2)],
        [9, Scalar],
    ];

    private static readonly Shape[][] LargePairs =
        [[1031, 1031], [(37, 67), 67], [(37, 1), (37, 67)], [(3, 5, 33), (5, 33)], [0, 0], [(3, 1), (3, 0)]];

    /// <summary>The ops by name.</summary>
    public static IReadOnlyDictionary<string, OpCase> All { get; } =
        new[]
        {
            Arithmetic(), Numbers(), Functions(), Choices(), Folds(), Views(), Parts(), Losses(), Orders(), Sums(), Products(), Rows(),
            Sequences(),
        }.SelectMany(x => x).ToDictionary(x => x.Name);

    private static OpCase[] Arithmetic() =>
    [
        Pair("Add", "op_Addition(Tensor, Tensor)", x => x[0] + x[1], (a, b) => a + b),
        Pair("Subtract", "op_Subtraction(Tensor, Tensor)", x => x[0] - x[1], (a, b) => a - b),
        Pair("Multiply", "op_Multiply(Tensor, Tensor)", x => x[0] * x[1], (a, b) => a * b),
        Pair("Divide", "op_Division(Tensor, Tensor)", x => x[0] / x[1], (a, b) => a / b) with { Low = 0.5 },
        Pair("Maximum", "Maximum", x => x[0].Maximum(x[1]), Math.Max),
        Pair("Minimum", "Minimum", x => x[0].Minimum(x[1]), Math.Min),
        Single("Maximum of itself", "Maximum", x => x[0].Maximum(x[0]), x => x),
        Pair("Swiglu", "Swiglu", x => x[0].Swiglu(x[1]), (a, b) => a / (1 + Math.Exp(-a)) * b),
        Pair("a formula of two", "Map(Tensor, Tensor, TFormula, String)", x => x[0].Map(x[1], new GpuFormulas.Distance()),
            (a, b) => Math.Sqrt(a * a + b * b + 1)),
        Single("Add to itself", "op_Addition(Tensor, Tensor)", x => x[0] + x[0], x => x + x),
        Single("Subtract from itself", "op_Subtraction(Tensor, Tensor)", x => x[0] - x[0], _ => 0),
        Single("Multiply by itself", "op_Multiply(Tensor, Tensor)", x => x[0] * x[0], x => x * x),
        Single("Divide by itself", "op_Division(Tensor, Tensor)", x => x[0] / x[0], _ => 1) with { Low = 0.5 },
        new("Mse", "Mse", x => x[0].Mse(x[1]), [Scalar, Scalar], [1, 1], [17, 17], [(3, 5), (3, 5)]) { Large = [[1031, 1031]] },
    ];

    private static OpCase[] Numbers() =>
    [
        Single("Negate", "op_UnaryNegation", x => -x[0], x => -x),
        Single("Scale", "Scale", x => x[0].Scale(-1.5f), x => -1.5 * x),
        Single("Add a number", "op_Addition(Tensor, Double)", x => x[0] + 1.5, x => x + 1.5),
        Single("Add to a number", "op_Addition(Double, Tensor)", x => 1.5 + x[0], x => x + 1.5),
        Single("Subtract a number", "op_Subtraction(Tensor, Double)", x => x[0] - 1.5, x => x - 1.5),
        Single("Subtract from a number", "op_Subtraction(Double, Tensor)", x => 1.5 - x[0], x => 1.5 - x),
        Single("Multiply by a number", "op_Multiply(Tensor, Double)", x => x[0] * 2, x => 2 * x),
        Single("Multiply a number", "op_Multiply(Double, Tensor)", x => 0.25 * x[0], x => x / 4),
        Single("Divide by a number", "op_Division(Tensor, Double)", x => x[0] / 3, x => x / 3),
        Single("Divide a number", "op_Division(Double, Tensor)", x => 2 / x[0], x => 2 / x) with { Low = 0.5 },
    ];

    private static OpCase[] Functions() =>
    [
        Single("Exp", "Exp", x => x[0].Exp(), Math.Exp),
        Single("Log", "Log", x => x[0].Log(), Math.Log) with { Low = 0.25 },
        Single("Sqrt", "Sqrt", x => x[0].Sqrt(), Math.Sqrt) with { Low = 0.25 },
        Single("Tanh", "Tanh", x => x[0].Tanh(), Math.Tanh),
        Single("Sigmoid", "Sigmoid", x => x[0].Sigmoid(), x => 1 / (1 + Math.Exp(-x))) with { Low = -8, High = 8 },
        Single("Relu", "Relu", x => x[0].Relu(), x => Math.Max(x, 0)),
        Single("Abs", "Abs", x => x[0].Abs(), Math.Abs),
        Single("Silu", "Silu", x => x[0].Silu(), x => x / (1 + Math.Exp(-x))) with { Low = -8, High = 8 },
        Single("Gelu", "Gelu", x => x[0].Gelu(), x => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x))))
            with { Low = -5, High = 5 },
        Single("GeluErf", "GeluErf", x => x[0].GeluErf(), x => x * Normal(x)) with { Low = -5, High = 5 },
        Single("Sin", "Sin", x => x[0].Sin(), Math.Sin) with { Low = -9, High = 9 },
        Single("Cos", "Cos", x => x[0].Cos(), Math.Cos) with { Low = -9, High = 9 },
        Single("Erf", "Erf", x => x[0].Erf(), MathNet.Numerics.SpecialFunctions.Erf) with { Low = -3, High = 3 },
        Single("Clamp", "Clamp", x => x[0].Clamp(-0.7, 1.1), x => Math.Clamp(x, -0.7, 1.1)),
        Single("Pow 0", "Pow", x => x[0].Pow(0), _ => 1),
        Single("Pow 1", "Pow", x => x[0].Pow(1), x => x),
        Single("Pow 3", "Pow", x => x[0].Pow(3), x => x * x * x),
        Single("Pow -2", "Pow", x => x[0].Pow(-2), x => 1 / (x * x)) with { Low = -2, High = -0.5 },
        Single("Pow 1.5", "Pow", x => x[0].Pow(1.5f), x => Math.Pow(x, 1.5)) with { Low = 0.25 },
        Single("Pow 65", "Pow", x => x[0].Pow(65), x => Math.Pow(x, 65)) with { Low = -1.02, High = 1.02 },
        Single("a formula", "Map(Tensor, TFormula, String)", x => x[0].Map(new Softsign()), x => x / (1 + Math.Abs(x))),
        Single("a formula that keeps its result", "Map(Tensor, TFormula, String)", x => x[0].Map(new Cube()), x => x * x * x)
            with { Low = 0.25 },
        Single("Dropout", "Dropout", x => x[0].Dropout(0.3f), null) with { IsRandom = true },
        Single("Dropout of nothing", "Dropout", x => x[0].Dropout(0), x => x),
    ];

    private static OpCase[] Choices() =>
    [
        Pair("Where", "Where", x => (x[0] < x[1]).Where(x[0], x[1]), Math.Min),
        new("Where by rows", "Where", x => (x[0] > x[1]).Where(x[2], x[0]) * x[1],
            [[(3, 1), (1, 5), (3, 5)], [5, (3, 1), Scalar], [Scalar, Scalar, Scalar], [(2, 3, 4), 4, (3, 1)]])
            { Large = [[(37, 67), 67, (37, 1)]] },
        new("MaskedFill", "MaskedFill", x => x[0].MaskedFill(Mask(x[0].Device, x[0].Shape), -3f), Singles) { Large = LargeSingles },
        new("MaskedFill by rows", "MaskedFill", x => x[0].MaskedFill(Mask(x[0].Device, x[0].Shape[-1]), 1f), [[(3, 5)], [(2, 3, 7)]])
        { Large = [[(37, 67)]] },
    ];

    private static OpCase[] Folds() =>
    [
        new("Sum", "Sum(Tensor)", x => x[0].Sum(), Singles) { Large = LargeSingles },
        new("Sum of an axis", "Sum(Tensor, ReadOnlySpan, Boolean)", x => x[0].Sum([1]), Threes) { Large = LargeThrees },
        new("Sum of axes", "Sum(Tensor, ReadOnlySpan, Boolean)", x => x[0].Sum([0, -1], keepAxes: true), Threes) { Large = LargeThrees },
        new("Mean", "Mean(Tensor)", x => x[0].Mean(), Singles) { Large = [[1031], [(65, 16)]] },
        new("Mean of an axis", "Mean(Tensor, ReadOnlySpan, Boolean)", x => x[0].Mean([0]), Threes) { Large = LargeThrees },
        new("Mean of axes", "Mean(Tensor, ReadOnlySpan, Boolean)", x => x[0].Mean([1, 2], keepAxes: true), Threes) { Large = LargeThrees },
        new("Min", "Min(Tensor)", x => x[0].Min(), Singles) { Large = [[1031], [(65, 16)]] },
        new("Min of axes", "Min(Tensor, ReadOnlySpan, Boolean)", x => x[0].Min([0, 2], keepAxes: true), Threes) { Large = LargeThrees },
        new("Variance", "Variance(Tensor, Int32)", x => x[0].Variance(), [[7], [(4, 5)], [(2, 3, 5)]]) { Large = [[1031], [(65, 16)]] },
        new("Variance of an axis", "Variance(Tensor, ReadOnlySpan, Boolean, Int32)", x => x[0].Variance([-1], correction: 0), Threes)
        { Large = LargeThrees },
        new("StandardDeviation", "StandardDeviation(Tensor, Int32)", x => x[0].StandardDeviation(), [[7], [(4, 5)], [(2, 3, 5)]])
        { Large = [[1031]] },
        new("StandardDeviation of axes", "StandardDeviation(Tensor, ReadOnlySpan, Boolean, Int32)",
            x => x[0].StandardDeviation([0, 2], keepAxes: true), [[(2, 3, 5)], [(3, 2, 7)]]) { Large = LargeThrees },
        new("Max", "Max(Tensor)", x => x[0].Max(), Singles) { Large = [[1031], [(65, 16)]] },
        new("Max of an axis", "Max(Tensor, ReadOnlySpan, Boolean)", x => x[0].Max([-1]), Threes) { Large = LargeThrees },
        new("Max of axes", "Max(Tensor, ReadOnlySpan, Boolean)", x => x[0].Max([0, 2], keepAxes: true), Threes) { Large = LargeThrees },
    ];

    private static OpCase[] Views() =>
    [
        new("Transpose", "Transpose", x => x[0].Transpose(), Threes) { Large = LargeThrees },
        new("Transpose far axes", "Transpose", x => x[0].Transpose(0, -1), Threes) { Large = LargeThrees },
        new("Reshape", "Reshape", x => x[0].Reshape((-1, x[0].Shape[-1])), Threes) { Large = LargeThrees },
        new("Reshape to a vector", "Reshape", x => x[0].Reshape(-1), [.. Singles, .. Threes]) { Large = LargeSingles },
        new("Reshape of a turned view", "Reshape", x => x[0].Transpose(0, 1).Reshape(-1).Exp(), Threes) { Large = LargeThrees },
        new("Slice", "Slice", x => x[0].Slice(1, 1, x[0].Shape[1] - 1), Threes) { Large = LargeThrees },
        new("Slices that overlap", "Slice", x => x[0].Slice(-1, 0, 1) * x[0].Slice(-1, x[0].Shape[-1] / 2, 1), Threes),
        new("Slice to nothing", "Slice", x => x[0].Sum() + x[0].Slice(0, 1, 0).Sum(), Threes),
        Single("To floats", "ToFloat", x => x[0].ToFloat(), x => x),
        new("Concat", "Concat", x => Tensor.Concat(0, x), [[3], [1, 4], [(2, 3), (1, 3)], [(2, 1, 3), (1, 1, 3), (0, 1, 3)]])
        { Large = [[1031, 17]] },
        new("Concat of the last axis", "Concat", x => Tensor.Concat(-1, x), [[3, 2], [(2, 3), (2, 1)], [(2, 2, 1), (2, 2, 3), (2, 2, 2)]])
        { Large = [[(37, 67), (37, 5)]] },
        new("Concat with itself", "Concat", x => Tensor.Concat(0, x[0], x[0]), Threes),
        new("Detach of a factor", "Detach", x => x[0] * Tensor.Full(x[0].Shape, 0.5, x[0].Device).Detach(), Threes),
    ];

    private static Shape[][] Threes => [[(2, 3, 5)], [(1, 2, 1)], [(3, 2, 7)]];

    private static Shape[][] LargeThrees => [[(5, 37, 67)], [(33, 2, 16)]];

    private static OpCase Single(string name, string covers, Func<Tensor[], Tensor> run, Func<double, double>? scalar) =>
        new(name, covers, run, Singles) { Large = LargeSingles, Scalar = scalar };

    private static OpCase Pair(string name, string covers, Func<Tensor[], Tensor> run, Func<double, double, double> scalar) =>
        new(name, covers, run, Pairs) { Large = LargePairs, Scalar2 = scalar };

    private static Tensor Mask(Device device, Shape shape)
    {
        var values = new float[shape.Count];
        for (int i = 0; i < values.Length; i++) values[i] = i % 3 == 1 ? 1 : 0;
        return Tensor.From<float>(values, shape, device);
    }

    /// <summary>The normal distribution's cumulative probability.</summary>
    private static double Normal(double x) => MathNet.Numerics.Distributions.Normal.CDF(0, 1, x);

    /// <summary>x^3 of positive numbers; its derivative by the result y is 3 y^(2 / 3).</summary>
    private readonly struct Cube : IMap1<Cube>
    {
        public static Keep Keeps => Keep.Result;

        public V F<V>(V x) where V : struct, ILane<V> => x * x * x;

        public static V D<V>(Cube formula, V y, V dy) where V : struct, ILane<V> => dy * V.Of(3f) * V.Exp(V.Of(2f / 3f) * V.Log(y));
    }
}
