namespace Mayfly;

/// <summary>
/// A linear layer as one kernel: y = act(x W^T + b), or y = x W^T + b + residual. Backward: dz = dy act'(z), dx = dz W, dW = dz^T x, db = the column
/// sums of dz.
/// </summary>
public static class LinearOp
{
    /// <summary>x (..., In), weight (Out, In), bias (Out), residual (..., Out) -> (..., Out).</summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Linear(this Tensor x, Tensor weight, Tensor? bias = null, Tensor? residual = null) =>
        Run("Linear", x, weight, bias, residual, new Identity(), activates: false);

    /// <summary>act(x W^T + b): the activation is applied while the product is in cache. The value before it is saved for backward.</summary>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Linear<TAct>(this Tensor x, Tensor weight, Tensor? bias, TAct activation) where TAct : unmanaged, IMap1<TAct> =>
        Run("Linear", x, weight, bias, null, activation, activates: true);

    private static Tensor Run<TAct>(string name, Tensor x, Tensor weight, Tensor? bias, Tensor? residual, TAct activation, bool activates)
        where TAct : unmanaged, IMap1<TAct>
    {
        var op = Op.Begin(name, x, weight, bias ?? weight, residual ?? x);
        op.CheckFloat(x, weight, bias ?? weight, residual ?? x);
        CheckShapes(op, x.Shape, weight.Shape, bias?.Shape, residual?.Shape);
        var y = op.New(x.Shape.With(x.Rank - 1, weight.Shape[0]));
        Tensor dense = x.Dense(name), w = Matrix(name, weight);
        var before = activates && op.Records ? op.New(y.Shape) : null;
        op.Backend.Run(new Gemm<TAct>
        {
            Act = activation,
            A = dense.Read(name).Rows(),
            B = w.Read(name).Transposed(),
            C = y.Write(name).Rows(),
            Bias = bias?.Dense(name).Read(name) ?? default,
            Before = before?.Write(name).Rows() ?? default,
            Residual = residual?.Dense(name).Read(name).Rows() ?? default,
        });
        if (!op.Records) return y;
        var saved = before is null ? default : op.Save(before);
        before?.Dispose();
        return op.Push(y, new LinearNode<TAct>(activation, op.Save(dense), op.Save(w), saved, bias is not null, residual is not null));
    }

    private static Tensor Matrix(string name, Tensor weight) =>
        weight.Layout.Strides[0] == 1 || weight.Layout.Strides[1] == 1 ? weight : weight.Dense(name);

    private static void CheckShapes(Op op, Shape x, Shape weight, Shape? bias, Shape? residual)
    {
        if (weight.Rank != 2 || x.Rank < 1 || x[-1] != weight[1])
            throw op.Error($"x {x} and weight {weight}: the weight is (out, in) and x's last axis must be in.");
        if (bias is { } b && b != new Shape(weight[0])) throw op.Error($"bias {b} and weight {weight}: the bias must have shape ({weight[0]}).");
        var y = x.With(x.Rank - 1, weight[0]);
        if (residual is { } r && r != y) throw op.Error($"residual {r}: it must have the result's shape {y}.");
    }

    private sealed class LinearNode<TAct>(TAct activation, Saved x, Saved weight, Saved before, bool hasBias, bool hasResidual) : Node
        where TAct : unmanaged, IMap1<TAct>
    {
        protected internal override void Backward(Sweep sweep)
        {
            if (hasResidual && sweep.Needs(3)) sweep.GiveDy(3, sweep.Dy);
            if (!before.IsPresent)
            {
                Gradients(sweep, sweep.Dy);
                return;
            }

            bool inPlace = !sweep.Dy.Storage.IsShared;
            var dz = inPlace ? sweep.Dy : sweep.Scratch(sweep.Dy.Shape);
            sweep.Backend.MapBack(activation, before.Get(Op).Read(Op), sweep.Dy.Read(Op), dz.Write(Op), add: false);
            Gradients(sweep, dz);
            if (!inPlace) dz.Dispose();
        }

        protected internal override void Release()
        {
            x.Release();
            weight.Release();
            before.Release();
        }

        private void Gradients(Sweep sweep, Tensor dz)
        {
            var rows = dz.Read(Op).Rows();
            if (hasBias && sweep.Needs(2)) Bias(sweep, rows);
            if (sweep.Needs(0)) Multiply(sweep, 0, rows, weight.Get(Op).Read(Op));
            if (sweep.Needs(1)) Multiply(sweep, 1, rows.Transposed(), x.Get(Op).Read(Op).Rows());
        }

        private void Bias(Sweep sweep, in View rows)
        {
            var target = sweep.Target(2);
            sweep.Backend.Fold(new Total(1f), rows, target.View(Op).With(Layout.RowMajor((1, rows.Shape[1]))), target.Add);
        }

        private void Multiply(Sweep sweep, int i, in View a, in View b)
        {
            var target = sweep.Target(i);
            sweep.Backend.Run(new Gemm<Identity> { A = a, B = b, C = target.View(Op).Rows(), Beta = target.Add ? 1f : 0f });
        }
    }
}
