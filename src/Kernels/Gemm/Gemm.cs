namespace Mayfly;

/// <summary>
/// The matrix product C = act(alpha op(A) op(B) + beta C + bias) + residual. A, B and C are views of rank 2 (rows, columns) or rank 3
/// (batch, rows, columns); op() is expressed by strides: a transposed operand is a view whose first matrix axis has stride 1. One of the
/// two matrix axes of each operand is dense (stride 1); C's columns are dense. A batch stride of zero repeats an operand. With beta = 0, C
/// is written without being read.
/// </summary>
/// <typeparam name="TAct">The activation; <see cref="Identity"/> for none.</typeparam>
public readonly partial record struct Gemm<TAct> : IKernel where TAct : unmanaged, IMap1<TAct>
{
    /// <summary>A product with alpha 1 and beta 0.</summary>
    public Gemm()
    {
    }

    /// <summary>Left operand (M, K) or (batch, M, K).</summary>
    public required View A { get; init; }

    /// <summary>Right operand (K, N) or (batch, K, N).</summary>
    public required View B { get; init; }

    /// <summary>Result (M, N) or (batch, M, N).</summary>
    public required View C { get; init; }

    /// <summary>Factor of the product, in the device's precision.</summary>
    public double Alpha { get; init; } = 1;

    /// <summary>Factor of the old C, in the device's precision.</summary>
    public double Beta { get; init; }

    /// <summary>A vector of N added to each row; may be absent. Only with rank 2.</summary>
    public View Bias { get; init; }

    /// <summary>Where to keep the value before the activation (M, N), contiguous; may be absent. Only with rank 2.</summary>
    public View Before { get; init; }

    /// <summary>The activation with its hyper-parameters.</summary>
    public TAct Act { get; init; }

    /// <summary>A matrix (M, N), contiguous, added last; may be C itself (in place); may be absent. Only with rank 2.</summary>
    public View Residual { get; init; }

    /// <inheritdoc/>
    public KernelCost Cost
    {
        get
        {
            string activation = typeof(TAct) == typeof(Identity) ? "" : $" {typeof(TAct).Name}";
            return new KernelCost($"Gemm {Order(A)}{Order(B)}{activation}", Flops: 2.0 * C.Count * A.Shape[-1])
                .Reads(A, B, Bias, Residual).Writes(Before).Writes(C, Beta != 0);
        }
    }

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        for (long batch = 0; batch < (C.Shape.Rank == 3 ? C.Shape[0] : 1); batch++)
            for (long i = 0; i < C.Shape[-2]; i++)
                for (long j = 0; j < C.Shape[-1]; j++) Element(device, batch, i, j);
    }

    /// <summary>N for a matrix with dense rows, T for one with dense columns.</summary>
    private static char Order(in View matrix) => matrix.Layout.Strides[-1] == 1 ? 'N' : 'T';

    private unsafe void Element<V>(ReferenceBackend<V> device, long batch, long i, long j) where V : struct, IMemoryLane<V>
    {
        long depth = A.Shape[-1];
        var sum = depth == 0
            ? V.Of(0f)
            : Dot<V>(At(device, A, batch, i, 0), A.Layout.Strides[-1], At(device, B, batch, 0, j), B.Layout.Strides[-2], depth);
        void* c = At(device, C, batch, i, j);
        var y = V.Of(Alpha) * sum;
        if (Beta != 0) y += V.Of(Beta) * V.Load(c);
        if (!Bias.IsAbsent) y += V.Load(device.Address(Bias) + j * Bias.Layout.Strides[0] * V.Type.Size());
        if (!Before.IsAbsent) V.Store(At(device, Before, batch, i, j), y);
        y = Act.F(y);
        if (!Residual.IsAbsent) y += V.Load(At(device, Residual, batch, i, j));
        V.Store(c, y);
    }

    private static unsafe V Dot<V>(byte* a, long stepA, byte* b, long stepB, long depth) where V : struct, IMemoryLane<V>
    {
        var sum = V.Of(0f);
        for (int size = V.Type.Size(); depth > 0; depth--, a += stepA * size, b += stepB * size) sum += V.Load(a) * V.Load(b);
        return sum;
    }

    private static unsafe byte* At<V>(ReferenceBackend<V> device, in View x, long batch, long row, long column)
        where V : struct, IMemoryLane<V>
    {
        var strides = x.Layout.Strides;
        return device.Address(x)
            + ((x.Shape.Rank == 3 ? batch * strides[0] : 0) + row * strides[-2] + column * strides[-1]) * x.Type.Size();
    }
}
