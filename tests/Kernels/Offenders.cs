namespace Mayfly.Tests;

/// <summary>Formulas that ILGPU refuses, each for one reason.</summary>
public static class Offenders
{
    public readonly struct Throws : IMap1<Throws>
    {
        public V F<V>(V x) where V : struct, ILane<V> => throw null!;
    }

    public readonly struct Boxes : IMap1<Boxes>
    {
        public V F<V>(V x) where V : struct, ILane<V> => (V)(object)x;
    }

    public readonly struct MakesObject : IMap1<MakesObject>
    {
        public V F<V>(V x) where V : struct, ILane<V> => new Holder<V>(x).Kept;
    }

    public readonly struct CallsVirtual : IMap1<CallsVirtual>
    {
        public V F<V>(V x) where V : struct, ILane<V> => new Holder<V>(x).Get();
    }

    public readonly struct ReadsVariable : IMap1<ReadsVariable>
    {
        internal static float Factor = 2;

        public V F<V>(V x) where V : struct, ILane<V> => x * V.Of(Factor);
    }

    public readonly struct Fuses : IMap1<Fuses>
    {
        public V F<V>(V x) where V : struct, ILane<V> => x * V.Of(MathF.FusedMultiplyAdd(2, 3, 4));
    }

    public readonly struct Tries : IMap1<Tries>
    {
        public V F<V>(V x) where V : struct, ILane<V>
        {
            V y = x;
            try
            {
                y = -x;
            }
            finally
            {
                y += x;
            }

            return y;
        }
    }

    public readonly struct CallsDelegate : IMap1<CallsDelegate>
    {
        public V F<V>(V x) where V : struct, ILane<V>
        {
            Func<V, V> negate = v => -v;
            return negate(x);
        }
    }

    private class Holder<V>(V x)
    {
        public V Kept => x;

        public virtual V Get() => x;
    }
}
