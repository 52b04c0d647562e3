namespace Mayfly.Tests;

/// <summary>The default CPU backend of a process whose environment forces a vector width, against the reference.</summary>
internal sealed class WidthProbe : BackendTests
{
    private readonly struct Bell : IMap1<Bell>
    {
        public V F<V>(V x) where V : struct, ILane<V> => V.Exp(-x * x) * V.Tanh(x);
    }

    /// <summary>Each element over the sum of exponentials of its row.</summary>
    private readonly struct Shares : IRow<Shares>
    {
        public static int Stages => 1;

        public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b)
            where V : struct, ILane<V> =>
            (a, b) = (V.Exp(e.X), V.Of(0f));

        public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> => s.Scale = a;

        public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.X / s.Scale;
    }

    /// <summary>Prints the backend's name after the checks; a failed one ends the process with its message.</summary>
    public static int Run()
    {
        using var probe = new WidthProbe();
        probe.Map();
        probe.Row();
        probe.Product();
        probe.CrossEntropy_agrees_with_double_precision(3, 1000);
        probe.Rotate_agrees_with_the_reference(2, 3, 2, 38);
        probe.Dropout_keeps_by_the_number_of_the_element(1021);
        Console.WriteLine(probe.Device.Name);
        return 0;
    }

    protected override Backend Create(int threads) => CpuBackends.Create(threads);

    private void Map()
    {
        View x = Random(1, 1021), y = Random(2, 1021), expected = Mirror(y);
        Device.Map(new Bell(), x, y);
        Reference.Map(new Bell(), Mirror(x), expected);
        Near(y, expected);
    }

    private void Row()
    {
        View x = Random(1, (7, 131)), y = Random(2, (7, 131)), expected = Mirror(y);
        Device.Row(new Shares(), new RowArgs { X = x, Y = y });
        Reference.Row(new Shares(), new RowArgs { X = Mirror(x), Y = expected });
        Near(y, expected);
    }

    private void Product()
    {
        View a = Random(1, (37, 53)), b = Random(2, (53, 41)), c = Random(3, (37, 41)), expected = Mirror(c);
        Device.Run(new Gemm<Identity> { A = a, B = b, C = c, Beta = 1 });
        Reference.Run(new Gemm<Identity> { A = Mirror(a), B = Mirror(b), C = expected, Beta = 1 });
        Near(c, expected);
    }
}
