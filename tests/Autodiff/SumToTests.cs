using FsCheck;
using FsCheck.Fluent;

namespace Mayfly.Tests;

/// <summary>Gradients of broadcast inputs are sums over the repeated axes, whatever the shapes.</summary>
public class SumToTests
{
    private static readonly Device[] Devices = [Device.CreateReference(), Device.CreateCpu(2, 256)];

    [Fact]
    public void Random_shape_pairs_sum_back_to_their_shapes() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
        {
            var random = new Random(seed);
            var wide = MakeShape(random);
            Shape a = Narrow(wide, random), b = Narrow(wide, random);
            foreach (var device in Devices) SumsBack(device, a, b);
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(150));

    private static void SumsBack(Device device, Shape a, Shape b)
    {
        using var tape = Tape.Record(device);
        Tensor x = tape.Watch(Tensor.Zeros(a, device)), z = tape.Watch(Tensor.Zeros(b, device));
        var y = x - z;
        var weights = Tensor.Uniform(y.Shape, -1, 1, new RandomKey(1, 2), device);
        tape.Backward((y * weights).Sum());
        OpResult.Near(Sums(weights, a), tape.GradientOf(x)!.ToArray<double>(), 1, 1e-5, $"{a} - {b}, left");
        OpResult.Near(Sums(weights, b), tape.GradientOf(z)!.ToArray<double>(), -1, 1e-5, $"{a} - {b}, right");
    }

    private static double[] Sums(Tensor wide, Shape narrow)
    {
        var sums = new double[narrow.Count];
        var places = Layout.RowMajor(narrow).TryBroadcast(wide.Shape)!.Value;
        var values = wide.ToArray<double>();
        for (int i = 0; i < values.Length; i++) sums[places.Place(i)] += values[i];
        return sums;
    }

    private static Shape MakeShape(Random random)
    {
        var sizes = new long[random.Next(5)];
        for (int i = 0; i < sizes.Length; i++) sizes[i] = random.Next(6) == 0 ? 17 : random.Next(1, 5);
        return new Shape(sizes);
    }

    private static Shape Narrow(Shape wide, Random random)
    {
        var narrow = wide;
        for (int i = 0; i < wide.Rank; i++)
            if (random.Next(3) == 0) narrow = narrow.With(i, 1);
        return narrow.Skip(random.Next(wide.Rank + 1));
    }
}
