using System.Numerics;

namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Fill(in View y, double value)
    {
        var walk = new Walk([y]);
        if (y.Type == DType.F32) Loop(new FillLoop<L>((float)value), walk);
        else if (y.Type == DType.I32) Loop(new FillLoop<L>(BitConverter.Int32BitsToSingle((int)value)), walk);
        else if (y.Type == DType.F64) FillJob.Run(workers, value, walk);
        else throw new NotSupportedException($"Fill: elements of type {y.Type} are storage only.");
    }

    /// <inheritdoc/>
    public override void Copy(in View x, in View y, bool add = false)
    {
        var walk = new Walk([x, y]);
        bool words = x.Type == y.Type && x.Type is DType.F32 or DType.I32;
        if (words && !add && TransposeJob.Fits(walk, out int axis)) TransposeJob.Run(workers, walk, axis);
        else if (words && !add) Loop(default(CopyLoop<L, No>), walk);
        else if (words && x.Type == DType.F32) Loop(default(CopyLoop<L, Yes>), walk);
        else ConvertFrom(x.Type, y.Type, add, walk);
    }

    private void ConvertFrom(DType from, DType to, bool add, in Walk walk)
    {
        if (from == DType.F32) ConvertTo<float>(to, add, walk);
        else if (from == DType.F64) ConvertTo<double>(to, add, walk);
        else if (from == DType.I32) ConvertTo<int>(to, add, walk);
        else throw new NotSupportedException($"Copy: elements of type {from} are storage only.");
    }

    private void ConvertTo<TFrom>(DType to, bool add, in Walk walk) where TFrom : unmanaged, INumber<TFrom>
    {
        if (to == DType.F32) ConvertJob<TFrom, float>.Run(workers, add, walk);
        else if (to == DType.F64) ConvertJob<TFrom, double>.Run(workers, add, walk);
        else if (to == DType.I32) ConvertJob<TFrom, int>.Run(workers, add, walk);
        else throw new NotSupportedException($"Copy: elements of type {to} are storage only.");
    }
}
