using System.Runtime.CompilerServices;
using Mayfly;

namespace Extending;

/// <summary>y = gain x r over each row, with r = 1 / sqrt(sum of x^2 + epsilon). r is the row's scale.</summary>
public readonly struct L2NormForward(float epsilon) : IRow<L2NormForward>
{
    public static int Stages => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.X * e.X;
        b = V.Of(0f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> =>
        s.Scale = V.Of(1f) / V.Sqrt(a + V.Of(epsilon));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => e.Gain * e.X * s.Scale;
}

/// <summary>With n = x r and h = dy gain: dx = r (h - n sum(n h)) along the row; dgain = sum of dy n down the columns.</summary>
public readonly struct L2NormBackward : IRow<L2NormBackward>, IColumn<L2NormBackward>
{
    public static int Stages => 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.X * s.Scale * e.Dy * e.Gain;
        b = V.Of(0f);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V> => s.A = a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => s.Scale * (e.Dy * e.Gain - e.X * s.Scale * s.A);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add<V>(RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V>
    {
        a = e.Dy * e.X * s.Scale;
        b = V.Of(0f);
    }
}

/// <summary>The differentiable op.</summary>
public static partial class MyOps
{
    /// <summary>Scales each row of x (..., C) to length 1, then by gain (C).</summary>
    /// <exception cref="ArgumentException">gain does not have the size of x's last axis.</exception>
    public static Tensor L2Norm(this Tensor x, Tensor gain, float epsilon = 1e-12f)
    {
        var call = Op.Begin("L2Norm", x, gain);
        call.CheckFloat(x, gain);
        if (x.Rank == 0 || gain.Shape != x.Shape[-1])
            throw call.Error($"x {x.Shape} and gain {gain.Shape}: the gain must have the size of x's last axis.");
        Tensor dense = call.Dense(x), g = call.Dense(gain);
        var y = call.New(x.Shape);
        var numbers = call.New((x.Count / Math.Max(1, x.Shape[-1]), 2)); // (rows, 2)
        call.Backend.Row(new L2NormForward(epsilon), new RowArgs
        {
            X = call.Read(dense),
            Gain = call.Read(g),
            Y = call.Write(y),
            Stats = call.Write(numbers),
        });
        return call.Records ? call.Push(y, new L2NormNode(call.Save(dense), call.Save(g), call.Save(numbers))) : y;
    }

    private sealed class L2NormNode(Saved x, Saved gain, Saved numbers) : Node
    {
        protected override void Backward(Sweep sweep)
        {
            var args = new RowArgs
            {
                X = Read(x),
                Dy = Read(sweep.Dy),
                Gain = Read(gain),
                Stats = Read(numbers),
                LoadStats = true,
            };
            if (sweep.Needs(1))
            {
                var target = sweep.Target(1);
                sweep.Backend.Column(new L2NormBackward(), args, Write(target), target.Add, default, false);
            }

            if (sweep.Needs(0))
            {
                var target = sweep.Target(0);
                sweep.Backend.Row(new L2NormBackward(), args with { Y = Write(target), Add = target.Add });
            }
        }
    }
}
