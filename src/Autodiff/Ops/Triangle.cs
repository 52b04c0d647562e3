namespace Mayfly;

public static partial class TensorOps
{
    /// <summary>
    /// Matrices (..., R, C) with zeros above a diagonal: 0 is the main one, 1 the next above it, -1 the next below.
    /// </summary>
    /// <remarks>Backward: dx = dy with the same zeros.</remarks>
    /// <exception cref="ArgumentException">x has fewer than two axes, or is not floating-point.</exception>
    public static Tensor LowerTriangle(this Tensor x, long diagonal = 0) => Triangle("LowerTriangle", x, long.MinValue, diagonal);

    /// <summary>
    /// Matrices (..., R, C) with zeros below a diagonal: 0 is the main one, 1 the next above it, -1 the next below.
    /// </summary>
    /// <remarks>Backward: dx = dy with the same zeros.</remarks>
    /// <exception cref="ArgumentException">x has fewer than two axes, or is not floating-point.</exception>
    public static Tensor UpperTriangle(this Tensor x, long diagonal = 0) => Triangle("UpperTriangle", x, diagonal, long.MaxValue);

    /// <summary>Keeps the elements whose column less row is from <paramref name="first"/> to <paramref name="last"/>.</summary>
    private static Tensor Triangle(string name, Tensor x, long first, long last)
    {
        var call = Op.Begin(name, x);
        call.CheckFloat(x);
        if (x.Rank < 2) throw call.Error($"shape {x.Shape}: two axes or more are needed, the last two of matrices.");
        var mask = TriangleMask(call, (int)x.Shape[-2], (int)x.Shape[-1], first, last); // (R, C)
        var y = call.New(x.Shape);
        call.Backend.Map2(new KeepWhere(), call.Read(mask).To(y.Shape), call.Read(x), call.Write(y));
        return call.Records ? call.Push(y, new TriangleNode(call.Save(mask))) : y;
    }

    private static Tensor TriangleMask(Op call, int rows, int columns, long first, long last)
    {
        var values = new float[(long)rows * columns];
        for (int i = 0; i < rows; i++)
            for (int j = 0; j < columns; j++) values[(long)i * columns + j] = j - i >= first && j - i <= last ? 1 : 0;
        return Tensor.From<float>(values, (rows, columns), call.Device);
    }

    private sealed class TriangleNode(Saved mask) : ConditionNode(mask)
    {
        protected internal override void Backward(Sweep sweep) => Pass(sweep, 0, new KeepWhere(), sweep.Dy.Shape);
    }
}
