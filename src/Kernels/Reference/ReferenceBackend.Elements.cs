namespace Mayfly;

public sealed unsafe partial class ReferenceBackend<V>
{
    private static V Zero => V.Of(0f);

    /// <summary>The element with row-major number <paramref name="index"/>.</summary>
    public V Get(in View v, long index) => V.Of(Number(v, v.Layout.Place(index)));

    /// <summary>Element (a, b, c, d) of a view of rank 4.</summary>
    public V Get(in View v, long a, long b, long c, long d) => V.Of(Number(v, Place(v, a, b, c, d)));

    /// <summary>Element number <paramref name="index"/> of a view of integers.</summary>
    public int Id(in View ids, long index) => (int)Number(ids, ids.Layout.Place(index));

    /// <summary>Writes element number <paramref name="index"/> of a view of integers.</summary>
    public void SetId(in View ids, long index, int id) => SetNumber(ids, ids.Layout.Place(index), id);

    /// <summary>Writes the element with row-major number <paramref name="index"/>, or adds to it.</summary>
    public void Set(in View v, long index, V x, bool add = false) =>
        SetNumber(v, v.Layout.Place(index), V.Sum(add ? Get(v, index) + x : x));

    /// <summary>Writes element (a, b, c, d) of a view of rank 4, or adds to it.</summary>
    public void Set(in View v, long a, long b, long c, long d, V x, bool add = false) =>
        SetNumber(v, Place(v, a, b, c, d), V.Sum(add ? Get(v, a, b, c, d) + x : x));

    /// <summary>The address of a view's first element.</summary>
    internal byte* Address(in View v) => Memory(v) + v.Layout.Offset * v.Type.Size();

    private static long Place(in View v, long a, long b, long c, long d)
    {
        var strides = v.Layout.Strides;
        return v.Layout.Offset + a * strides[0] + b * strides[1] + c * strides[2] + d * strides[3];
    }

    private byte* Memory(in View v) => (v.Block as HostBlock ?? host(v.Block!)).Pointer;

    /// <summary>The number at a place of the block; every element type fits in a double.</summary>
    private double Number(in View v, long place)
    {
        byte* block = Memory(v);
        return v.Type switch
        {
            DType.F64 => ((double*)block)[place],
            DType.F32 => ((float*)block)[place],
            DType.I32 => ((int*)block)[place],
            DType.F16 => (double)((Half*)block)[place],
            DType.Int8 => Code(block, place),
            _ => BrainFloats.Widen(((ushort*)block)[place]),
        };
    }

    private static double Code(byte* block, long place)
    {
        float number;
        ByteGroups.Load(block, place, 1, &number);
        return number;
    }

    private void SetNumber(in View v, long place, double x)
    {
        byte* block = Memory(v);
        switch (v.Type)
        {
            case DType.F64: ((double*)block)[place] = x; break;
            case DType.F32: ((float*)block)[place] = (float)x; break;
            case DType.I32: ((int*)block)[place] = (int)x; break;
            case DType.F16: ((Half*)block)[place] = (Half)x; break;
            case DType.Int8: throw v.Stored(); // an element changes the scale of its group
            default: ((ushort*)block)[place] = BrainFloat(v, place, (float)x); break;
        }
    }

    private static ushort BrainFloat(in View v, long place, float x) =>
        v.Rounding is { } key ? BrainFloats.Round(x, Philox.Unit(Philox.Bits(key, place))) : BrainFloats.Round(x);
}
