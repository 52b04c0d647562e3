namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// x W^T + b + residual as one kernel: x (..., In), weight W (Out, In), bias b (Out), residual (..., Out) -> (..., Out).
    /// </summary>
    /// <remarks>Backward: dx = dy W, dW = dy^T x, db = the column sums of dy, dresidual = dy.</remarks>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Linear(this Tensor x, Tensor weight, Tensor? bias = null, Tensor? residual = null) =>
        LinearOf(x, weight, bias, residual, new Identity());

    /// <summary>
    /// act(x W^T + b): the activation is applied while the product is in cache. Kept is what the activation's derivative needs.
    /// </summary>
    /// <remarks>Backward: dz = dy act'(z) with z = x W^T + b, then dx = dz W, dW = dz^T x, db = the column sums of dz.</remarks>
    /// <exception cref="ArgumentException">The shapes do not fit.</exception>
    public static Tensor Linear<TAct>(this Tensor x, Tensor weight, Tensor? bias, TAct activation) where TAct : unmanaged, IMap1<TAct> =>
        LinearOf(x, weight, bias, null, activation);

    private static Tensor LinearOf<TAct>(Tensor x, Tensor weight, Tensor? bias, Tensor? residual, TAct activation)
        where TAct : unmanaged, IMap1<TAct>
    {
        var call = Op.Begin("Linear", x, weight, bias ?? weight, residual ?? x);
        call.CheckFloat(x, bias ?? x, residual ?? x);
        call.CheckNumbers(weight);
        CheckLinear(call, x.Shape, weight.Shape, bias?.Shape, residual?.Shape);
        var y = call.New(x.Shape.With(x.Rank - 1, weight.Shape[0]));
        Tensor dense = call.Dense(x), w = IsMatrix(weight) ? weight : call.Dense(weight);
        using var z = call.Records && TAct.Keeps == Keep.Input ? call.New(y.Shape) : null;
        call.Backend.Run(new Gemm<TAct>
        {
            Act = activation,
            A = call.Read(dense).Rows(),
            B = call.Read(w).Transposed(),
            C = call.Write(y).Rows(),
            Bias = call.Read(call.Dense(bias)),
            Before = z is null ? default : call.Write(z).Rows(),
            Residual = residual is null ? default : call.Read(call.Dense(residual)).Rows(),
        });
        if (!call.Records) return y;
        var kept = call.SaveFor<TAct>(z!, y);
        return call.Push(y, new LinearNode<TAct>(activation, call.Save(dense), call.Save(w), kept, bias is not null, residual is not null));
    }

    private static bool IsMatrix(Tensor weight) => weight.Layout.Strides[0] == 1 || weight.Layout.Strides[1] == 1;

    private static void CheckLinear(Op call, Shape x, Shape weight, Shape? bias, Shape? residual)
    {
        if (weight.Rank != 2 || x.Rank < 1 || x[-1] != weight[1])
            throw call.Error($"x {x} and weight {weight}: the weight is (out, in) and x's last axis must be in.");
        if (bias is { } b && b != new Shape(weight[0]))
            throw call.Error($"bias {b} and weight {weight}: the bias must have shape ({weight[0]}).");
        var y = x.With(x.Rank - 1, weight[0]);
        if (residual is { } r && r != y) throw call.Error($"residual {r}: it must have the result's shape {y}.");
    }

    private sealed class LinearNode<TAct>(TAct activation, Saved x, Saved weight, Saved z, bool hasBias, bool hasResidual) : Node
        where TAct : unmanaged, IMap1<TAct>
    {
        protected internal override bool CanRemake => TAct.Keeps == Keep.Input && z.IsHeld;

        protected internal override void Remake(Tensor y) => y.Device.Backend.Map(activation, Read(z), Write(y));

        protected internal override void Backward(Sweep sweep)
        {
            if (hasResidual && sweep.Needs(3)) sweep.GiveDy(3, sweep.Dy);
            if (typeof(TAct) == typeof(Identity))
            {
                Gradients(sweep, sweep.Dy);
                return;
            }

            bool inPlace = !sweep.Dy.Storage.IsShared;
            var dz = inPlace ? sweep.Dy : sweep.Scratch(sweep.Dy.Shape);
            var dy = Read(sweep.Dy);
            sweep.Backend.MapBack(activation, z.IsPresent ? Read(z) : dy, dy, Write(dz), add: false);
            Gradients(sweep, dz);
            if (!inPlace) dz.Dispose();
        }

        private void Gradients(Sweep sweep, Tensor dz)
        {
            var rows = Read(dz).Rows();
            if (hasBias && sweep.Needs(2)) BiasGradient(sweep, rows);
            if (sweep.Needs(0)) Multiply(sweep, 0, rows, Read(weight));
            if (sweep.Needs(1)) Multiply(sweep, 1, rows.Transposed(), Read(x).Rows());
        }

        private void BiasGradient(Sweep sweep, in View rows)
        {
            var target = sweep.Target(2);
            sweep.Backend.Fold(new Total(1f), rows, Write(target).With(Layout.RowMajor((1, rows.Shape[1]))), target.Add);
        }

        private void Multiply(Sweep sweep, int i, in View a, in View b)
        {
            var target = sweep.Target(i);
            sweep.Backend.Run(new Gemm<Identity> { A = a, B = b, C = Write(target).Rows(), Beta = target.Add ? 1f : 0f });
        }
    }
}
