namespace Mayfly;

/// <summary>Dense forms of strided operands, for kernels that need them.</summary>
internal static class DenseOp
{
    /// <summary>The tensor itself where it is dense in row-major order, else a copy in the innermost scope. Not recorded: a step inside an op.</summary>
    public static Tensor Dense(this Tensor x, string op)
    {
        if (x.Layout.IsContiguous) return x;
        var y = Tensor.Empty(x.Device, x.Shape, x.Type, Use.Scratch, op);
        x.Device.Backend.Copy(x.Read(op), y.Write(op));
        return y;
    }

    /// <summary>A dense tensor as a matrix of its last axis: (rows, n).</summary>
    public static View Rows(this in View x) => x.With(x.Layout.TryReshape((x.Count / Math.Max(1, x.Shape[-1]), x.Shape[-1]))!.Value);

    /// <summary>The two last axes swapped.</summary>
    public static View Transposed(this in View x) => x.With(x.Layout.Transpose(x.Shape.Rank - 2, x.Shape.Rank - 1));
}
