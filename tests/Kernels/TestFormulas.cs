namespace Mayfly.Tests;

/// <summary>1 / (1 + e^-x).</summary>
public readonly struct TestSigmoid : IMap1<TestSigmoid>
{
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(1f) / (V.Of(1f) + V.Exp(-x));
}

/// <summary>x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)), the tanh form of GELU.</summary>
public readonly struct TestGeluTanh : IMap1<TestGeluTanh>
{
    public V F<V>(V x) where V : struct, ILane<V>
    {
        var u = x * V.Of(1.5957691216057308) * V.Fma(x * x, V.Of(0.044715), V.Of(1f));
        return x / (V.Of(1f) + V.Exp(-u));
    }
}

/// <summary>x / 2 (1 + erf(x / sqrt 2)).</summary>
public readonly struct TestGeluErf : IMap1<TestGeluErf>
{
    public V F<V>(V x) where V : struct, ILane<V> => V.Of(0.5f) * x * (V.Of(1f) + V.Erf(x * V.Of(0.7071067811865476)));
}

/// <summary>A field that must reach every lane: factor x^2 + x.</summary>
public readonly struct TestSquare(float factor) : IMap1<TestSquare>
{
    public V F<V>(V x) where V : struct, ILane<V> => V.Fma(V.Of(factor) * x, x, x);
}

/// <summary>a / (2 + b^2).</summary>
public readonly struct TestRatio : IMap2<TestRatio>
{
    public V F<V>(V a, V b) where V : struct, ILane<V> => a / V.Fma(b, b, V.Of(2f));
}

/// <summary>a b + c.</summary>
public readonly struct TestBlend : IMap3<TestBlend>
{
    public V F<V>(V a, V b, V c) where V : struct, ILane<V> => V.Fma(a, b, c);
}

/// <summary>The root of the sum of (x + 1)^2: an element of zero does contribute.</summary>
public readonly struct TestNorm : IFold<TestNorm>
{
    public V Map<V>(V x) where V : struct, ILane<V>
    {
        var y = x + V.Of(1f);
        return y * y;
    }

    public V Finish<V>(V total) where V : struct, ILane<V> => V.Sqrt(total);
}

/// <summary>The largest of x - 2, doubled: below zero for small numbers, so that padding would show.</summary>
public readonly struct TestLargest : IFold<TestLargest>
{
    public static FoldKind Kind => FoldKind.Max;

    public V Map<V>(V x) where V : struct, ILane<V> => x - V.Of(2f);

    public V Finish<V>(V total) where V : struct, ILane<V> => total + total;
}

/// <summary>softmax(x) gain + bias + dy; keeps the largest and the logarithm of the sum.</summary>
public readonly struct TestSoftmax : IRow<TestSoftmax>
{
    public static int Stages => 2;

    public static FoldKind Kind(int stage) => stage == 0 ? FoldKind.Max : FoldKind.Sum;

    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = stage == 0 ? e.X : V.Exp(e.X - s.Shift);
        b = stage == 0 ? -e.X : V.Of(1f);
    }

    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
        if (stage == 0)
        {
            s.Shift = a;
            s.A = -b;
        }
        else
        {
            s.Scale = V.Log(a);
            s.B = b / n;
        }
    }

    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> =>
        V.Fma(V.Exp(e.X - s.Shift - s.Scale) * s.B, e.Gain, e.Bias) + e.Dy * s.A;
}

/// <summary>Layer norm: keeps the mean and the reciprocal deviation.</summary>
public readonly struct TestLayerNorm : IRow<TestLayerNorm>
{
    public static int Stages => 2;

    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        var x = stage == 0 ? e.X : e.X - s.Shift;
        a = stage == 0 ? x : x * x;
        b = V.Of(0f);
    }

    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
        if (stage == 0) s.Shift = a / n;
        else s.Scale = V.Of(1f) / V.Sqrt(a / n + V.Of(1e-5f));
    }

    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => V.Fma((e.X - s.Shift) * s.Scale, e.Gain, e.Bias);
}

/// <summary>The gradient of layer norm, from the saved mean and reciprocal deviation.</summary>
public readonly struct TestLayerNormBack : IRow<TestLayerNormBack>, IColumn<TestLayerNormBack>
{
    public static int Stages => 1;

    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.Dy * e.Gain;
        b = a * (e.X - s.Shift) * s.Scale;
    }

    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
        s.A = a / n;
        s.B = b / n;
    }

    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> =>
        s.Scale * (e.Dy * e.Gain - s.A - (e.X - s.Shift) * s.Scale * s.B);

    public void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.Dy * (e.X - s.Shift) * s.Scale + e.Gain * e.Bias;
        b = e.Dy;
    }
}

/// <summary>AdamW without bias correction; the states are touched only as far as they are there.</summary>
public readonly struct TestAdam(float rate, float beta1, float beta2) : IUpdate<TestAdam>
{
    public void Step<V>(V g, ref V p, ref V s0, ref V s1) where V : struct, ILane<V>
    {
        s0 = V.Fma(V.Of(beta1), s0 - g, g);
        s1 = V.Fma(V.Of(beta2), s1 - g * g, g * g);
        p = p * V.Of(0.99f) - V.Of(rate) * s0 / (V.Sqrt(s1) + V.Of(1e-3f));
    }
}
