namespace Mayfly.Tests.GpuFormulas;

/// <summary>All operations of a lane, away from the jumps of their derivatives.</summary>
public readonly struct EveryOperation(float shift) : IMap1<EveryOperation>
{
    private readonly float shift = shift;

    public static EveryOperation Sample => new(0.3f);

    public V F<V>(V x) where V : struct, ILane<V>
    {
        V positive = V.Sqrt(V.Fma(x, x, V.Of(shift)));
        V bent = V.Where(x, V.Of(shift), V.Erf(x), V.Max(V.Tanh(x), V.Of(0.1f)));
        V logs = V.Min(V.Log(positive), V.Abs(x) / V.Of(1.5));
        return V.WhereEqual(x, V.Of(1f), -bent, bent + logs - V.Exp(-positive) * x) + V.Round(x * V.Of(0.37f));
    }
}

public readonly struct TanhOfSmall : IMap1<TanhOfSmall>
{
    public V F<V>(V x) where V : struct, ILane<V> => V.Tanh(x * V.Of(1e-3f)) * V.Of(1e3f);
}

/// <summary>With a derivative by hand.</summary>
public readonly struct Square : IMap1<Square>
{
    public V F<V>(V x) where V : struct, ILane<V> => x * x;

    public static V D<V>(Square op, V x, V dy) where V : struct, ILane<V> => V.Of(2f) * x * dy;
}

public readonly struct Distance : IMap2<Distance>
{
    public V F<V>(V a, V b) where V : struct, ILane<V> => V.Sqrt(a * a + V.Fma(b, b, V.Of(1f)));
}

public readonly struct Choose : IMap3<Choose>
{
    public V F<V>(V a, V b, V c) where V : struct, ILane<V> => V.Where(a, V.Of(0f), b, c);
}

public readonly struct TwoStates(float rate) : IUpdate<TwoStates>
{
    private readonly float rate = rate;

    public static TwoStates Sample => new(0.01f);

    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        s0 = V.Fma(V.Of(0.9f), s0, g);
        s1 = V.Fma(V.Of(0.99f), s1, g * g);
        p -= V.Of(rate) * s0 / (V.Sqrt(s1) + V.Of(1e-3f));
    }
}
