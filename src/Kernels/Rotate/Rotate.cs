namespace Mayfly;

/// <summary>
/// Rotary embedding: pair i of position t turns by the angle whose cosine and sine stand in the table. Pairs are (2i, 2i + 1), or with
/// <paramref name="Halves"/> (i, i + D / 2). y may be x.
/// </summary>
/// <param name="X">(B, T, H, D), any strides with a dense last axis.</param>
/// <param name="Table">(T, D / 2, 2)</param>
/// <param name="Y">(B, T, H, D), any strides with a dense last axis.</param>
/// <param name="Halves">Which elements are a pair.</param>
/// <param name="Inverse">Turns back.</param>
/// <param name="Add">Adds the result to y.</param>
public readonly partial record struct Rotate(View X, View Table, View Y, bool Halves, bool Inverse = false, bool Add = false) : IKernel
{
    /// <inheritdoc/>
    public KernelCost Cost => new KernelCost("Rotate").Reads(X, Table).Writes(Y, Add);

    /// <inheritdoc/>
    public void On<V>(ReferenceBackend<V> device) where V : struct, IMemoryLane<V>
    {
        long batch = X.Shape[0], time = X.Shape[1], heads = X.Shape[2], pairs = X.Shape[3] / 2;
        for (long b = 0; b < batch; b++)
            for (long t = 0; t < time; t++)
                for (long h = 0; h < heads; h++)
                    for (long i = 0; i < pairs; i++)
                    {
                        V cosine = device.Get(Table, 2 * (t * pairs + i)), sine = device.Get(Table, 2 * (t * pairs + i) + 1);
                        long first = Halves ? i : 2 * i, second = Halves ? i + pairs : 2 * i + 1;
                        Turn(device, (b * time + t) * heads + h, first, second, cosine, Inverse ? -sine : sine);
                    }
    }

    /// <summary>Turns one pair of elements of one row.</summary>
    private void Turn<V>(ReferenceBackend<V> device, long row, long first, long second, V cosine, V sine) where V : struct, IMemoryLane<V>
    {
        long start = row * X.Shape[3];
        V a = device.Get(X, start + first), b = device.Get(X, start + second);
        device.Set(Y, start + first, a * cosine - b * sine, Add);
        device.Set(Y, start + second, a * sine + b * cosine, Add);
    }
}
