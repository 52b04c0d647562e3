namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    /// <inheritdoc/>
    public override void Gemm<TAct>(TAct act, in GemmArgs args)
    {
        bool batched = args.C.Shape.Rank == 3;
        for (long batch = 0; batch < (batched ? args.C.Shape[0] : 1); batch++)
            for (long i = 0; i < args.C.Shape[-2]; i++)
                for (long j = 0; j < args.C.Shape[-1]; j++) Element(act, args, batch, i, j);
    }

    private static void Element<TAct>(TAct act, in GemmArgs args, long batch, long i, long j) where TAct : unmanaged, IMap1<TAct>
    {
        long depth = args.A.Shape[-1];
        var sum = depth == 0
            ? V.Of(0f)
            : Dot(At(args.A, batch, i, 0), args.A.Layout.Strides[-1], At(args.B, batch, 0, j), args.B.Layout.Strides[-2], depth);
        void* c = At(args.C, batch, i, j);
        var y = V.Of(args.Alpha) * sum;
        if (args.Beta != 0) y += V.Of(args.Beta) * V.Load(c);
        if (!args.Bias.IsAbsent) y += V.Load(args.Bias.Host() + j * args.Bias.Layout.Strides[0] * V.Type.Size());
        if (!args.Before.IsAbsent) V.Store(At(args.Before, batch, i, j), y);
        y = act.F(y);
        if (!args.Residual.IsAbsent) y += V.Load(At(args.Residual, batch, i, j));
        V.Store(c, y);
    }

    private static V Dot(byte* a, long stepA, byte* b, long stepB, long depth)
    {
        var sum = V.Of(0f);
        for (int size = V.Type.Size(); depth > 0; depth--, a += stepA * size, b += stepB * size) sum += V.Load(a) * V.Load(b);
        return sum;
    }

    private static byte* At(in View x, long batch, long row, long column)
    {
        var strides = x.Layout.Strides;
        return x.Host() + ((x.Shape.Rank == 3 ? batch * strides[0] : 0) + row * strides[-2] + column * strides[-1]) * x.Type.Size();
    }
}
