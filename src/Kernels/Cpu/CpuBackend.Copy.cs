using System.Numerics;

namespace Mayfly;

public sealed unsafe partial class CpuBackend<L>
{
    /// <inheritdoc/>
    public override void Fill(in View y, double value)
    {
        if (y.Type == DType.F64) FillJob.Run(workers, value, new Walk([y]));
        else Loop(new FillLoop<L>(y.Type == DType.I32 ? BitConverter.Int32BitsToSingle((int)value) : (float)value), [y]);
    }

    /// <inheritdoc/>
    public override void Copy(in View x, in View y, bool add = false)
    {
        if (x.IsStored || y.IsStored)
        {
            CopyStored(x, y, add);
            return;
        }

        var walk = new Walk([x, y]);
        bool words = x.Type == y.Type && x.Type is DType.F32 or DType.I32;
        if (words && !add && TransposeJob.Fits(walk, out int axis)) TransposeJob.Run(workers, walk, axis);
        else if (words && !add) MapJob<L, CopyLoop<L, No>>.Run(workers, default, walk);
        else if (words && x.Type == DType.F32) MapJob<L, CopyLoop<L, Yes>>.Run(workers, default, walk);
        else ConvertFrom(x.Type, y.Type, add, walk);
    }

    /// <summary>By way of floats; between dense views of one type to the bit.</summary>
    private void CopyStored(in View x, in View y, bool add)
    {
        if (x.Type == y.Type && !add && HasWholeBytes(x) && HasWholeBytes(y)) CopyBytes(x, y);
        else if (!IsFloat(x) || !IsFloat(y)) throw new NotSupportedException($"Copy: elements of {x.Type} do not become {y.Type}.");
        else if (add) Loop(default(CopyLoop<L, Yes>), [x, y]);
        else Loop(default(CopyLoop<L, No>), [x, y]);
    }

    private static bool HasWholeBytes(in View x) =>
        x.Layout.IsContiguous && (x.Type != DType.Int8 || x.Layout.Offset % DTypes.GroupSize == 0);

    private static bool IsFloat(in View x) => x.IsStored || x.Type == DType.F32;

    private static void CopyBytes(in View x, in View y)
    {
        long bytes = y.Type.Bytes(y.Count);
        Buffer.MemoryCopy(x.Host(), y.Host(), bytes, bytes);
    }

    private void ConvertFrom(DType from, DType to, bool add, in Walk walk)
    {
        if (from == DType.F32) ConvertTo<float>(to, add, walk);
        else if (from == DType.F64) ConvertTo<double>(to, add, walk);
        else if (from == DType.I32) ConvertTo<int>(to, add, walk);
        else throw new NotSupportedException($"Copy: elements of {from} do not convert.");
    }

    private void ConvertTo<TFrom>(DType to, bool add, in Walk walk) where TFrom : unmanaged, INumber<TFrom>
    {
        if (to == DType.F32) ConvertJob<TFrom, float>.Run(workers, add, walk);
        else if (to == DType.F64) ConvertJob<TFrom, double>.Run(workers, add, walk);
        else if (to == DType.I32) ConvertJob<TFrom, int>.Run(workers, add, walk);
        else throw new NotSupportedException($"Copy: elements do not become {to}.");
    }
}
