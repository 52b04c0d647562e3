using System.Runtime.CompilerServices;

namespace Mayfly;

/// <summary>A condition known when a loop is compiled.</summary>
internal interface IFlag
{
    static abstract bool Set { get; }
}

internal readonly struct Yes : IFlag
{
    public static bool Set => true;
}

internal readonly struct No : IFlag
{
    public static bool Set => false;
}

/// <summary>y = value.</summary>
internal readonly unsafe struct FillLoop<L>(float value) : ILoop where L : struct, ISimd<L>
{
    public static int Operands => 1;

    public static int Written => 0b1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lane(float* y, float* p1, float* p2, float* p3, float* p4) => L.Store(y, L.Of(value));
}

/// <summary>y = x, or y += x.</summary>
internal readonly unsafe struct CopyLoop<L, TAdd> : ILoop where L : struct, ISimd<L> where TAdd : struct, IFlag
{
    public static int Operands => 2;

    public static int Written => 0b10;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lane(float* x, float* y, float* p2, float* p3, float* p4) => L.Store(y, TAdd.Set ? L.Load(y) + L.Load(x) : L.Load(x));
}

/// <summary>y = F(x).</summary>
internal readonly unsafe struct Map1Loop<L, TOp>(TOp op) : ILoop where L : struct, ISimd<L> where TOp : unmanaged, IMap1<TOp>
{
    public static int Operands => 2;

    public static int Written => 0b10;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lane(float* x, float* y, float* p2, float* p3, float* p4) => L.Store(y, op.F(L.Load(x)));
}

/// <summary>dx = D(x, dy), or dx += it.</summary>
internal readonly unsafe struct Map1BackLoop<L, TOp, TAdd>(TOp op) : ILoop
    where L : struct, ISimd<L> where TOp : unmanaged, IMap1<TOp> where TAdd : struct, IFlag
{
    public static int Operands => 3;

    public static int Written => 0b100;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lane(float* x, float* dy, float* dx, float* p3, float* p4)
    {
        var d = TOp.D(op, L.Load(x), L.Load(dy));
        L.Store(dx, TAdd.Set ? L.Load(dx) + d : d);
    }
}

/// <summary>y = F(a, b).</summary>
internal readonly unsafe struct Map2Loop<L, TOp>(TOp op) : ILoop where L : struct, ISimd<L> where TOp : unmanaged, IMap2<TOp>
{
    public static int Operands => 3;

    public static int Written => 0b100;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lane(float* a, float* b, float* y, float* p3, float* p4) => L.Store(y, op.F(L.Load(a), L.Load(b)));
}

/// <summary>da = DA(a, b, dy) and db = DB(a, b, dy), or added; each only where it is wanted.</summary>
internal readonly unsafe struct Map2BackLoop<L, TOp, TA, TB>(TOp op, bool addA, bool addB) : ILoop
    where L : struct, ISimd<L> where TOp : unmanaged, IMap2<TOp> where TA : struct, IFlag where TB : struct, IFlag
{
    public static int Operands => 5;

    public static int Written
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => (TA.Set ? 0b01000 : 0) | (TB.Set ? 0b10000 : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lane(float* a, float* b, float* dy, float* da, float* db)
    {
        L x = L.Load(a), y = L.Load(b), d = L.Load(dy);
        L dx = default, dz = default;
        if (TA.Set) dx = TOp.DA(op, x, y, d);
        if (TB.Set) dz = TOp.DB(op, x, y, d);
        if (TA.Set) L.Store(da, addA ? L.Load(da) + dx : dx);
        if (TB.Set) L.Store(db, addB ? L.Load(db) + dz : dz);
    }
}

/// <summary>y = F(a, b, c).</summary>
internal readonly unsafe struct Map3Loop<L, TOp>(TOp op) : ILoop where L : struct, ISimd<L> where TOp : unmanaged, IMap3<TOp>
{
    public static int Operands => 4;

    public static int Written => 0b1000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lane(float* a, float* b, float* c, float* y, float* p4) => L.Store(y, op.F(L.Load(a), L.Load(b), L.Load(c)));
}

/// <summary>One optimizer step of g, p and the states that are there.</summary>
internal readonly unsafe struct UpdateLoop<L, TOp, T0, T1>(TOp op) : ILoop
    where L : struct, ISimd<L> where TOp : unmanaged, IUpdate<TOp> where T0 : struct, IFlag where T1 : struct, IFlag
{
    public static int Operands
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => T1.Set ? 4 : T0.Set ? 3 : 2;
    }

    public static int Written
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)] get => 0b0010 | (T0.Set ? 0b0100 : 0) | (T1.Set ? 0b1000 : 0);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Lane(float* g, float* p, float* s0, float* s1, float* p4)
    {
        L value = L.Load(p), first = default, second = default;
        if (T0.Set) first = L.Load(s0);
        if (T1.Set) second = L.Load(s1);
        op.Step(L.Load(g), ref value, ref first, ref second);
        L.Store(p, value);
        if (T0.Set) L.Store(s0, first);
        if (T1.Set) L.Store(s1, second);
    }
}
