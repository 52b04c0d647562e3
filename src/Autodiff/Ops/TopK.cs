namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// The <paramref name="k"/> largest elements of each row (the last axis), the largest first, and where they were: (..., n) -> (..., k)
    /// and I32 (..., k). Equal elements stay in their order; NaN is larger than every number.
    /// </summary>
    /// <remarks>Backward: dx is dy at the places of the chosen, else 0.</remarks>
    /// <exception cref="ArgumentException">x has no axis, is not floating-point, or has fewer than k elements in a row.</exception>
    public static (Tensor Values, Tensor Places) TopK(this Tensor x, int k) => Ordered("TopK", x, k, descending: true);

    /// <summary>The first k of each row by size. The values are picked by their places, so that gradients find the way.</summary>
    private static (Tensor Values, Tensor Places) Ordered(string name, Tensor x, long k, bool descending)
    {
        var call = Op.Begin(name, x);
        call.CheckFloat(x);
        if (x.Rank == 0 || k < 0 || k > x.Shape[-1]) throw call.Error($"{k} elements of each row of shape {x.Shape}.");
        var shape = x.Shape.With(x.Rank - 1, k);
        Tensor values = call.New(shape), places = call.New(shape, DType.I32);
        if (shape.Count > 0)
            call.Backend.Run(new Order(call.Read(call.Dense(x)).Rows(), call.Write(values).Rows(), call.Write(places).Rows(), descending));
        return (call.Records ? x.Gather(-1, places) : values, places);
    }
}
