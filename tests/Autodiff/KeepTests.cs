using System.Reflection;

namespace Mayfly.Tests;

/// <summary>
/// What a formula's derivative needs is kept and nothing else, and whether it is computed from x or from y changes no bit.
/// </summary>
public class KeepTests
{
    private const int Count = 1024, Bytes = 4 * Count;

    public static TheoryData<Type> FromResult =>
    [
        .. typeof(Tape).Assembly.GetTypes().Where(t => t.GetProperty(nameof(IMap1<>.Keeps))?.GetValue(null) is Keep.Result),
    ];

    /// <summary>The formula, its derivative computed from the input by way of the result.</summary>
    private readonly struct FromInput<T> : IMap1<FromInput<T>> where T : unmanaged, IMap1<T>
    {
        public V F<V>(V x) where V : struct, ILane<V> => default(T).F(x);

        public static V D<V>(FromInput<T> formula, V x, V dy) where V : struct, ILane<V> => T.D(default, default(T).F(x), dy);
    }

    [Theory, MemberData(nameof(FromResult))]
    public void The_derivative_from_the_result_has_the_bits_of_that_from_the_input(Type formula) => Call(nameof(HasTheBits), formula);

    [Theory, MemberData(nameof(FromResult))]
    public void A_formula_that_needs_its_result_lets_the_input_go(Type formula) => Call(nameof(LetsTheInputGo), formula);

    [Fact]
    public void Five_formulas_need_their_result() => Assert.Equal(5, FromResult.Count);

    [Fact]
    public void Nothing_is_kept_where_the_derivative_is_constant() => Assert.Equal(Bytes, Kept(x => x.Scale(3)));

    [Fact]
    public void A_linear_layer_keeps_what_its_activation_needs()
    {
        Assert.Equal(Bytes, KeptByLinear(new Identity()));
        Assert.Equal(2 * Bytes, KeptByLinear(new Gelu()));
        Assert.Equal(Bytes, KeptByLinear(new Relu()));
        Assert.Equal(Bytes, KeptByLinear(new Affine(2, 1)));
    }

    private static void HasTheBits<T>() where T : unmanaged, IMap1<T>
    {
        foreach (int bits in (int[])[128, 256, 512])
        {
            using var device = Device.CreateCpu(threads: 2, bits);
            foreach (Shape shape in (Shape[])[1031, (3, 67), 5])
                Assert.Equal(Gradient(device, shape, x => x.Map(new FromInput<T>())), Gradient(device, shape, x => x.Map(default(T))));
        }
    }

    private static float[] Gradient(Device device, Shape shape, Func<Tensor, Tensor> run)
    {
        using var tape = Tape.Record(device);
        var x = tape.Watch(Tensor.Uniform(shape, -4, 4, new RandomKey(3, 1), device));
        var dy = Tensor.Uniform(shape, -1, 1, new RandomKey(3, 2), device);
        tape.Backward((run(x) * dy).Sum());
        return tape.GradientOf(x)!.ToArray();
    }

    private static void LetsTheInputGo<T>() where T : unmanaged, IMap1<T>
    {
        Assert.Equal(2 * Bytes, Kept(x => x.Map(new FromInput<T>())));
        Assert.Equal(Bytes, Kept(x => x.Map(default(T))));
    }

    /// <summary>The bytes alive after an op whose operand was made for it alone: the result, and what backward needs.</summary>
    private static long Kept(Func<Tensor, Tensor> run)
    {
        using var device = Device.CreateCpu(threads: 1);
        using var tape = Tape.Record(device);
        var x = tape.Watch(Tensor.Zeros(Count, device));
        return Alive(device, () => run(x + 1.0));
    }

    /// <summary>The bytes alive after a linear layer on a watched input, which with the weight is there anyhow.</summary>
    private static long KeptByLinear<T>(T activation) where T : unmanaged, IMap1<T>
    {
        using var device = Device.CreateCpu(threads: 1);
        using var tape = Tape.Record(device);
        Tensor x = tape.Watch(Tensor.Zeros((Count / 8, 4), device)), weight = tape.Watch(Tensor.Zeros((8, 4), device));
        return Alive(device, () => x.Linear(weight, null, activation));
    }

    private static long Alive(Device device, Func<Tensor> run)
    {
        long before = device.Arena.Report.LiveBytes;
        using (var layer = device.Scope("layer")) layer.Return(run());
        return device.Arena.Report.LiveBytes - before;
    }

    private static void Call(string check, Type formula) =>
        typeof(KeepTests).GetMethod(check, BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(formula)
            .Invoke(null, BindingFlags.DoNotWrapExceptions, null, null, null);
}
