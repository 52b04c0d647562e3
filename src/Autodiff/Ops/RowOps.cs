using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>What ops over rows share: their forward and backward calls on dense matrices of the last axis.</summary>
internal static class RowOps
{
    /// <summary>y = a row formula of x alone; backward is <typeparamref name="TBack"/> of y and dy.</summary>
    public static Tensor FromResult<TFormula, TBack>(string name, Tensor x)
        where TFormula : unmanaged, IRow<TFormula>
        where TBack : unmanaged, IRow<TBack>
    {
        var call = Op.Begin(name, x);
        call.CheckFloat(x);
        if (x.Rank == 0 || x.Shape[-1] == 0) throw call.Error($"shape {x.Shape} has no elements on its last axis.");
        var y = call.New(x.Shape);
        call.Backend.Row(default(TFormula), new RowArgs { X = call.Read(call.Dense(x)).Rows(), Y = call.Write(y).Rows() });
        return call.Records ? call.Push(y, new Node<TBack>(call.Save(y))) : y;
    }

    private sealed class Node<TBack>(Saved y) : Node where TBack : unmanaged, IRow<TBack>
    {
        protected internal override void Backward(Sweep sweep)
        {
            View x = Read(y).Rows(), dy = Read(sweep.Dy).Rows();
            var target = sweep.TargetOverDy(0);
            sweep.Backend.Row(default(TBack), new RowArgs { X = x, Dy = dy, Y = Write(target).Rows(), Add = target.Add });
        }
    }
}

/// <summary>
/// Normalisation over the last axis: what layer norm and RMS norm share. Saved for backward: x and two numbers a row, from which the result
/// is made again where others need it.
/// </summary>
internal static class NormOps
{
    /// <summary>y = the forward formula of x, gain and bias.</summary>
    public static Tensor Apply<TFormula, TBack>(string name, TFormula forward, TBack backward, Tensor x, Tensor gain, Tensor? bias)
        where TFormula : unmanaged, IRow<TFormula>
        where TBack : unmanaged, IRow<TBack>, IColumn<TBack>
    {
        var call = Op.Begin(name, x, gain, bias ?? gain);
        call.CheckFloat(x, gain, bias ?? gain);
        if (x.Rank == 0 || gain.Shape != new Shape(x.Shape[-1]) || (bias ?? gain).Shape != gain.Shape)
        {
            string shapes = $"x {x.Shape}, gain {gain.Shape}{(bias is null ? "" : $", bias {bias.Shape}")}";
            throw call.Error($"{shapes}: gain and bias must have the size of x's last axis.");
        }

        Tensor dense = call.Dense(x), g = call.Dense(gain);
        var y = call.New(x.Shape);
        using var stats = call.New((x.Count / Math.Max(1, x.Shape[-1]), 2)); // (rows, 2)
        call.Backend.Row(forward, new RowArgs
        {
            X = call.Read(dense).Rows(),
            Gain = call.Read(g),
            Bias = call.Read(call.Dense(bias)),
            Y = call.Write(y).Rows(),
            Stats = call.Write(stats),
        });
        if (!call.Records) return y;
        var offset = bias is null ? default : call.Save(call.Dense(bias));
        return call.Push(y, new Node<TFormula, TBack>(forward, backward, call.Save(dense), call.Save(g), offset, call.Save(stats)));
    }

    private sealed class Node<TFormula, TBack>(TFormula forward, TBack formula, Saved x, Saved gain, Saved bias, Saved stats) : Node
        where TFormula : unmanaged, IRow<TFormula>
        where TBack : unmanaged, IRow<TBack>, IColumn<TBack>
    {
        protected internal override bool CanRemake => x.IsHeld && gain.IsHeld && (bias.IsHeld || !bias.IsPresent);

        protected internal override void Remake(Tensor y) => y.Device.Backend.Row(new WriteOnly<TFormula>(forward), new RowArgs
        {
            X = Read(x).Rows(),
            Gain = Read(gain),
            Bias = bias.IsPresent ? Read(bias) : default,
            Stats = Read(stats),
            LoadStats = true,
            Y = Write(y).Rows(),
        });

        protected internal override void Backward(Sweep sweep)
        {
            var args = new RowArgs
            {
                X = Read(x).Rows(),
                Dy = Read(sweep.Dy).Rows(),
                Gain = Read(gain),
                Stats = Read(stats),
                LoadStats = true,
            };
            Columns(sweep, args);
            if (!sweep.Needs(0)) return;
            var target = sweep.TargetOverDy(0);
            sweep.Backend.Row(formula, args with { Y = Write(target).Rows(), Add = target.Add });
        }

        private void Columns(Sweep sweep, in RowArgs args)
        {
            bool needsBias = bias.IsPresent && sweep.Needs(2);
            if (!sweep.Needs(1) && !needsBias) return;
            var dGain = sweep.Needs(1) ? sweep.Target(1) : default;
            var dBias = needsBias ? sweep.Target(2) : default;
            sweep.Backend.Column(formula, args, Write(dGain), dGain.Add, Write(dBias), dBias.Add);
        }
    }
}

/// <summary>A row formula whose row numbers are known already: it only writes.</summary>
internal readonly struct WriteOnly<TFormula>(TFormula formula) : IRow<WriteOnly<TFormula>> where TFormula : unmanaged, IRow<TFormula>
{
    /// <inheritdoc/>
    public static int Stages => 0;

    /// <inheritdoc/>
    public void Fold<V>(int stage, RowItem<V> e, RowNumbers<V> s, out V a, out V b) where V : struct, ILane<V> => a = b = V.Of(0f);

    /// <inheritdoc/>
    public void Finish<V>(int stage, V n, V a, V b, ref RowNumbers<V> s) where V : struct, ILane<V>
    {
    }

    /// <inheritdoc/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public V Write<V>(RowItem<V> e, RowNumbers<V> s) where V : struct, ILane<V> => formula.Write(e, s);
}
