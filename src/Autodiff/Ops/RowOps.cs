namespace Mayfly;

/// <summary>What ops over rows share: their forward and backward calls on dense matrices of the last axis.</summary>
internal static class RowOps
{
    /// <summary>y = a row formula of x alone; backward is <typeparamref name="TBack"/> of y and dy.</summary>
    public static Tensor FromResult<TOp, TBack>(string name, Tensor x)
        where TOp : unmanaged, IRow<TOp>
        where TBack : unmanaged, IRow<TBack>
    {
        var op = Op.Begin(name, x);
        op.CheckFloat(x);
        if (x.Rank == 0 || x.Shape[-1] == 0) throw op.Error($"shape {x.Shape} has no elements on its last axis.");
        var y = op.New(x.Shape);
        op.Backend.Row(default(TOp), new RowArgs { X = x.Dense(name).Read(name).Rows(), Y = y.Write(name).Rows() });
        return op.Records ? op.Push(y, new Node<TBack>(op.Save(y))) : y;
    }

    private sealed class Node<TBack>(Saved y) : Node where TBack : unmanaged, IRow<TBack>
    {
        protected internal override void Backward(Sweep sweep)
        {
            View x = y.Get(Op).Read(Op).Rows(), dy = sweep.Dy.Read(Op).Rows();
            var target = sweep.TargetOverDy(0);
            sweep.Backend.Row(default(TBack), new RowArgs { X = x, Dy = dy, Y = target.View(Op).Rows(), Add = target.Add });
        }

        protected internal override void Release() => y.Release();
    }
}

/// <summary>Normalisation over the last axis: what layer norm and RMS norm share. Saved for backward: x and two numbers a row.</summary>
internal static class NormOps
{
    /// <summary>y = the forward formula of x, gain and bias.</summary>
    public static Tensor Run<TOp, TBack>(string name, TOp forward, TBack backward, Tensor x, Tensor gain, Tensor? bias)
        where TOp : unmanaged, IRow<TOp>
        where TBack : unmanaged, IRow<TBack>, IColumn<TBack>
    {
        var op = Op.Begin(name, x, gain, bias ?? gain);
        op.CheckFloat(x, gain, bias ?? gain);
        if (x.Rank == 0 || gain.Shape != new Shape(x.Shape[-1]) || (bias ?? gain).Shape != gain.Shape)
            throw op.Error($"x {x.Shape}, gain {gain.Shape}{(bias is null ? "" : $", bias {bias.Shape}")}: gain and bias must have the size of x's last axis.");
        Tensor dense = x.Dense(name), g = gain.Dense(name);
        var y = op.New(x.Shape);
        using var stats = Tensor.Unowned(op.Device, (x.Count / Math.Max(1, x.Shape[-1]), 2), op.Device.Float, Use.Activation, name);
        op.Backend.Row(forward, new RowArgs
        {
            X = dense.Read(name).Rows(),
            Gain = g.Read(name),
            Bias = bias?.Dense(name).Read(name) ?? default,
            Y = y.Write(name).Rows(),
            Stats = stats.Write(name),
        });
        return op.Records ? op.Push(y, new Node<TBack>(backward, op.Save(dense), op.Save(g), op.Save(stats), bias is not null)) : y;
    }

    private sealed class Node<TBack>(TBack formula, Saved x, Saved gain, Saved stats, bool hasBias) : Node
        where TBack : unmanaged, IRow<TBack>, IColumn<TBack>
    {
        protected internal override void Backward(Sweep sweep)
        {
            var args = new RowArgs
            {
                X = x.Get(Op).Read(Op).Rows(),
                Dy = sweep.Dy.Read(Op).Rows(),
                Gain = gain.Get(Op).Read(Op),
                Stats = stats.Get(Op).Read(Op),
                LoadStats = true,
            };
            Columns(sweep, args);
            if (!sweep.Needs(0)) return;
            var target = sweep.TargetOverDy(0);
            sweep.Backend.Row(formula, args with { Y = target.View(Op).Rows(), Add = target.Add });
        }

        protected internal override void Release()
        {
            x.Release();
            gain.Release();
            stats.Release();
        }

        private void Columns(Sweep sweep, in RowArgs args)
        {
            bool needsBias = hasBias && sweep.Needs(2);
            if (!sweep.Needs(1) && !needsBias) return;
            var dGain = sweep.Needs(1) ? sweep.Target(1) : default;
            var dBias = needsBias ? sweep.Target(2) : default;
            sweep.Backend.Column(formula, args, dGain.Value?.Write(Op) ?? default, dGain.Add, dBias.Value?.Write(Op) ?? default, dBias.Add);
        }
    }
}
